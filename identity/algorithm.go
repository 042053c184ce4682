package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha256" // registers the hashes of the table below
	_ "crypto/sha512"
	"math/big"
)

// algorithm is a signature algorithm of RFC 7518 or RFC 8037. Those with a shared secret, and "none", have no value
// here, so no path through the code can reach them.
type algorithm uint8

const (
	noAlgorithm algorithm = iota
	rs256
	rs384
	rs512
	ps256
	ps384
	ps512
	es256
	es384
	es512
	edDSA
	algorithms // how many, with noAlgorithm
)

var algorithmNames = [algorithms]string{"", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

var algorithmByName = func() map[string]algorithm {
	m := make(map[string]algorithm, algorithms)
	for a := rs256; a < algorithms; a++ {
		m[algorithmNames[a]] = a
	}
	return m
}()

func (a algorithm) String() string { return algorithmNames[a] }

// hash is what is signed; EdDSA signs the message itself.
func (a algorithm) hash() crypto.Hash {
	switch a {
	case rs256, ps256, es256:
		return crypto.SHA256
	case rs384, ps384, es384:
		return crypto.SHA384
	default:
		return crypto.SHA512
	}
}

func (a algorithm) rsa() bool { return rs256 <= a && a <= ps512 }

// coordinate is the size of r and s in bytes (RFC 7518 section 3.4).
func (a algorithm) coordinate() int {
	switch a {
	case es256:
		return 32
	case es384:
		return 48
	default:
		return 66
	}
}

// verify reports whether signature is right for what was signed. The algorithm is the key's: a token's header has
// selected the key, but never says how it is used.
//
// This is the standard library's arithmetic without a JOSE library in between, because every such library parses the
// jwk and x5c members of the header, which are an attacker's, before it verifies. go-jose is the oracle in the tests.
func (k *key) verify(signed string, signature []byte) bool {
	if k.alg == edDSA {
		public, ok := k.public.(ed25519.PublicKey)
		return ok && ed25519.Verify(public, []byte(signed), signature)
	}
	h := k.alg.hash()
	sum := h.New()
	sum.Write([]byte(signed))
	digest := sum.Sum(nil)
	switch public := k.public.(type) {
	case *ecdsa.PublicKey:
		// Exactly two coordinates: a DER signature, or one with other lengths, is another spelling.
		n := k.alg.coordinate()
		if len(signature) != 2*n {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:n]), new(big.Int).SetBytes(signature[n:])
		return ecdsa.Verify(public, digest, r, s)
	case *rsa.PublicKey:
		if k.alg >= ps256 {
			// RFC 7518 section 3.5: the salt is as long as the hash.
			return rsa.VerifyPSS(public, h, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(public, h, digest, signature) == nil
	}
	return false
}
