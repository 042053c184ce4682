package signature

import (
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Where key directories are, what they are, and how large they may be (draft-ietf-webbotauth-httpsig-protocol-00, Directory Format).
const (
	WellKnown     = "/.well-known/http-message-signatures-directory"
	DirectoryType = "application/http-message-signatures-directory+json"
	MaxDirectory  = 256 << 10 // bytes
	maxKeys       = 64
)

// A Directory is the keys of one who signs. It is immutable.
type Directory struct {
	keys map[string]directoryKey
	// Unusable says which keys were left out, and why.
	Unusable []string
}

type directoryKey struct {
	public        crypto.PublicKey
	after, before int64 // Unix seconds; 0: not said
}

// ParseDirectory reads a key directory: a JWK Set (RFC 7517 section 5). Keys are known by their thumbprints (RFC 7638), whatever the
// directory calls them. One without keys is no error: that is how keys are taken back.
func ParseDirectory(data []byte) (*Directory, error) {
	if len(data) > MaxDirectory {
		return nil, fmt.Errorf("the directory is larger than %d bytes", MaxDirectory)
	}
	var set struct {
		Keys *[]jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil || set.Keys == nil {
		return nil, errors.New("no key directory: not strict JSON with a list of keys")
	}
	if len(*set.Keys) > maxKeys {
		return nil, fmt.Errorf("the directory has more than %d keys", maxKeys)
	}
	d := &Directory{keys: map[string]directoryKey{}}
	for i, raw := range *set.Keys {
		id, key, err := parseKey(raw)
		if err != nil {
			d.Unusable = append(d.Unusable, fmt.Sprintf("keys[%d]: %v", i, err))
			continue
		}
		d.keys[id] = key
	}
	return d, nil
}

func parseKey(raw jsontext.Value) (id string, key directoryKey, err error) {
	var meta struct {
		Use    string  `json:"use"`
		After  float64 `json:"nbf"`
		Before float64 `json:"exp"`
	}
	if err := json.Unmarshal(raw, &meta); err != nil {
		return "", key, errors.New("not a strict JSON object with what RFC 7517 wants in it")
	}
	if meta.Use != "" && meta.Use != "sig" {
		return "", key, fmt.Errorf("use is %q", meta.Use)
	}
	var parsed jose.JSONWebKey
	if err := parsed.UnmarshalJSON(raw); err != nil {
		return "", key, fmt.Errorf("not a key: %w", err)
	}
	if algorithmOf(parsed.Key) == "" {
		return "", key, errors.New("no public key of a kind that is used here")
	}
	sum, err := parsed.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", key, err
	}
	id = base64.RawURLEncoding.EncodeToString(sum)
	if testKeys[id] {
		return "", key, errors.New("everybody has the private key: it is in RFC 9421")
	}
	return id, directoryKey{parsed.Key, int64(meta.After), int64(meta.Before)}, nil
}

// testKeys are those of RFC 9421 appendix B.1, by their thumbprints.
var testKeys = map[string]bool{
	"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U": true,
	"oD0HwocPBSfpNy5W3bpJeyFGY_IQ_YpqxSjQ3Yd-CLA": true,
	"ydQXMtvbsOsZyFir-Y7A8t7fKEM1gbKPvyFkdpu4fvI": true,
}

// Len is how many keys there are.
func (d *Directory) Len() int { return len(d.keys) }

// Key is the key with the thumbprint, nil where there is none that is valid now.
func (d *Directory) Key(id string, now time.Time) crypto.PublicKey {
	k, known := d.keys[id]
	if !known || k.after != 0 && now.Unix() < k.after || k.before != 0 && now.Unix() >= k.before {
		return nil
	}
	return k.public
}
