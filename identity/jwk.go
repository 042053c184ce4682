package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of a key set. Issuers publish a handful of keys.
const (
	maxKeySet = 1 << 20 // bytes
	maxKeys   = 256
	maxKid    = 256 // bytes
	minRSA    = 2048
	maxRSA    = 8192 // a larger modulus makes each forged token expensive
)

// A key is a public key with the one algorithm that it is used with.
type key struct {
	kid    string
	alg    algorithm
	public crypto.PublicKey
}

// A keyRing is one reading of a key set. It is immutable; a change makes a new one, and its address is the epoch of
// whatever was verified with it.
type keyRing struct {
	named map[keyName]*key
	kids  map[string]algorithm // kid → one of its algorithms, to tell a wrong algorithm from an unknown key
	only  [algorithms]*key     // the key of an algorithm where it is the only one; for tokens without kid
	sum   [sha256.Size]byte    // of the bytes that it was read from
	// unusable says which keys were left out, and why.
	unusable []string
}

type keyName struct {
	kid string
	alg algorithm
}

// parseKeySet reads a JWK Set (RFC 7517 section 5). Keys of kinds that are not known, or too weak, are left out; that
// is what lets an issuer add new kinds. A set without one usable key is an error, since it would refuse everything.
func parseKeySet(data []byte, allowed []algorithm) (*keyRing, error) {
	if len(data) > maxKeySet {
		return nil, fmt.Errorf("the key set is larger than %d bytes", maxKeySet)
	}
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, errors.New("not a JWK Set: not strict JSON with a list of keys")
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("%d keys, more than %d", len(set.Keys), maxKeys)
	}
	r := &keyRing{named: map[keyName]*key{}, kids: map[string]algorithm{}, sum: sha256.Sum256(data)}
	ambiguous := map[keyName]bool{}
	for i, raw := range set.Keys {
		k, err := parseKey(raw, allowed)
		if err != nil {
			r.unusable = append(r.unusable, fmt.Sprintf("keys[%d]: %v", i, err))
			continue
		}
		r.add(k, ambiguous)
	}
	for name := range ambiguous {
		delete(r.named, name)
		r.unusable = append(r.unusable, fmt.Sprintf("kid %s names different keys for %s", quote(name.kid), name.alg))
	}
	r.index()
	if len(r.named) == 0 {
		return nil, fmt.Errorf("no usable key: %s", errors.Join(errorList(r.unusable)...))
	}
	return r, nil
}

// add enters a key. A kid may name keys of several algorithms (RFC 7517 section 4.5), and a key may be listed twice;
// two different keys with one kid and one algorithm are ambiguous, and neither is used.
func (r *keyRing) add(k *key, ambiguous map[keyName]bool) {
	name := keyName{k.kid, k.alg}
	if old := r.named[name]; old != nil {
		if !old.public.(interface{ Equal(crypto.PublicKey) bool }).Equal(k.public) {
			ambiguous[name] = true
		}
		return
	}
	r.named[name] = k
}

// index derives from the usable keys what tokens without kid, and details of refusals, need.
func (r *keyRing) index() {
	var count [algorithms]int
	for name, k := range r.named {
		r.kids[name.kid] = name.alg
		r.only[name.alg] = k
		count[name.alg]++
	}
	for alg, n := range count {
		if n > 1 {
			r.only[alg] = nil
		}
	}
}

// parseKey reads one JWK and binds it to an algorithm: the one that it names, else the one of its curve, else, for
// RSA, the first RSA algorithm of the allow-list (RFC 8725 section 3.1: exactly one per key).
func parseKey(raw jsontext.Value, allowed []algorithm) (*key, error) {
	var meta struct {
		Kty string   `json:"kty"`
		Use string   `json:"use"`
		Ops []string `json:"key_ops"`
		Alg string   `json:"alg"`
		Kid string   `json:"kid"`
		D   string   `json:"d"`
	}
	if err := json.Unmarshal(raw, &meta); err != nil {
		return nil, errors.New("not a strict JSON object with strings where RFC 7517 wants them")
	}
	switch {
	case meta.Kty == "oct":
		return nil, errors.New("a shared secret never verifies here")
	case meta.D != "":
		return nil, errors.New("a private key is published; it is compromised")
	case meta.Use != "" && meta.Use != "sig":
		return nil, fmt.Errorf("use is %s", quote(meta.Use))
	case meta.Ops != nil && !slices.Contains(meta.Ops, "verify"):
		return nil, errors.New("key_ops lacks verify")
	case len(meta.Kid) > maxKid:
		return nil, fmt.Errorf("kid is longer than %d bytes", maxKid)
	}
	var parsed jose.JSONWebKey
	if err := parsed.UnmarshalJSON(raw); err != nil {
		return nil, fmt.Errorf("not a key: %w", err)
	}
	natural, err := strength(parsed.Key)
	if err != nil {
		return nil, err
	}
	alg := natural
	switch {
	case meta.Alg != "":
		if alg = algorithmByName[meta.Alg]; alg != natural && !(alg.rsa() && natural.rsa()) {
			return nil, fmt.Errorf("alg %s does not fit the key", quote(meta.Alg))
		}
	case natural.rsa():
		if i := slices.IndexFunc(allowed, algorithm.rsa); i >= 0 {
			alg = allowed[i]
		}
	}
	if !slices.Contains(allowed, alg) {
		return nil, fmt.Errorf("%s is not among the allowed algorithms", alg)
	}
	return &key{meta.Kid, alg, parsed.Key}, nil
}

// strength refuses weak keys and returns the algorithm of the key's kind; any RSA algorithm for RSA.
func strength(public any) (algorithm, error) {
	switch p := public.(type) {
	case *rsa.PublicKey:
		bits := p.N.BitLen()
		switch {
		case bits < minRSA || bits > maxRSA:
			return 0, fmt.Errorf("RSA key of %d bits, want %d to %d", bits, minRSA, maxRSA)
		case p.E < 65537 || p.E%2 == 0: // FIPS 186-5 section 5.4
			return 0, fmt.Errorf("RSA exponent %d", p.E)
		case roca(p.N):
			return 0, errors.New("RSA key of a broken generator (CVE-2017-15361)")
		}
		return rs256, nil
	case *ecdsa.PublicKey:
		switch p.Curve {
		case elliptic.P256():
			return es256, nil
		case elliptic.P384():
			return es384, nil
		case elliptic.P521():
			return es512, nil
		}
		return 0, errors.New("curve is not P-256, P-384 or P-521")
	case ed25519.PublicKey:
		if len(p) != ed25519.PublicKeySize {
			return 0, errors.New("Ed25519 key of a wrong size")
		}
		return edDSA, nil
	}
	return 0, errors.New("kind of key is not supported")
}

// roca recognises moduli of CVE-2017-15361 by the published test: modulo each of these primes they lie in the group
// that 65537 generates. A sound modulus passes for one with probability below 2^-27.
func roca(n *big.Int) bool {
	rest := new(big.Int)
	for _, p := range rocaPrimes {
		r := rest.Mod(n, big.NewInt(p)).Int64()
		x := int64(1)
		for range p {
			if x == r {
				break
			}
			x = x * 65537 % p
		}
		if x != r {
			return false
		}
	}
	return true
}

// rocaPrimes are the primes up to 167 for which 65537 does not generate the whole group.
var rocaPrimes = func() (list []int64) {
	for p := int64(3); p <= 167; p += 2 {
		if !big.NewInt(p).ProbablyPrime(0) {
			continue
		}
		order, x := int64(1), 65537%p
		for x != 1 {
			x, order = x*65537%p, order+1
		}
		if order < p-1 {
			list = append(list, p)
		}
	}
	return list
}()

func errorList(texts []string) []error {
	list := make([]error, len(texts))
	for i, t := range texts {
		list[i] = errors.New(t)
	}
	return list
}
