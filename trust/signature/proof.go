package signature

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

const (
	proofTag  = "http-message-signatures-directory"
	proofSkew = 30 * time.Second // of clocks
	maxProofs = 32 << 10         // bytes of each field: a signature for each of maxKeys
)

// ServedDirectory is [ParseDirectory] of an answer's body, without the keys whose own signatures of the answer do not hold now
// (draft-ietf-webbotauth-httpsig-protocol-00, Possession Proof on the Directory Response): who serves them does not show that it has them, as
// a copy at another host cannot. The draft demands no signature, so a key without one is in it. Signatures that cannot be read are an error.
func ServedDirectory(body []byte, answer *Message, now time.Time) (*Directory, error) {
	d, err := ParseDirectory(body)
	if err != nil {
		return nil, err
	}
	list, err := parse(answer.Header, maxKeys, maxProofs)
	if err != nil {
		return nil, fmt.Errorf("the directory is signed, but: %w", err)
	}
	proven, wrong := map[string]bool{}, map[string]error{}
	for i := range list {
		s := &list[i]
		key, known := d.keys[s.KeyID]
		if s.Tag != proofTag || !known {
			continue
		}
		if err := s.proves(key.public, answer, body, now); err != nil {
			wrong[s.KeyID] = err
			continue
		}
		proven[s.KeyID] = true
	}
	for _, id := range slices.Sorted(maps.Keys(wrong)) {
		if !proven[id] {
			delete(d.keys, id)
			d.Unusable = append(d.Unusable, fmt.Sprintf("key %s: its signature of the directory proves nothing: %v", id, wrong[id]))
		}
	}
	return d, nil
}

// proves reports why a signature of an answer does not prove that who serves it has the key. Directories of earlier drafts do not sign
// their content, which the connection vouches for.
func (s *Signature) proves(key crypto.PublicKey, answer *Message, body []byte, now time.Time) error {
	switch {
	case s.Created <= 0 || s.Expires <= 0:
		return errors.New("it does not say from when until when it holds")
	case time.Unix(s.Created, 0).After(now.Add(proofSkew)):
		return errors.New("it is from the future")
	case now.After(time.Unix(s.Expires, 0).Add(proofSkew)):
		return errors.New("it is over")
	case !s.Covers("@authority"): // of the request: Base knows no other
		return errors.New("it does not say which host serves the directory")
	}
	if s.Covers("content-digest") {
		if err := digested(answer.Header, body); err != nil {
			return err
		}
	}
	base, err := s.Base(answer)
	if err != nil {
		return err
	}
	return s.Verify(base, key)
}

// digested checks Content-Digest (RFC 9530): one must be of a kind that is known here, and all that are must be the body's.
func digested(h http.Header, body []byte) error {
	list, err := dictionaryOf(h["Content-Digest"], MaxField)
	if err != nil {
		return fmt.Errorf("Content-Digest: %w", err)
	}
	known := false
	for _, m := range list {
		var sum []byte
		switch m.key {
		case "sha-256":
			sum = sum256(body)
		case "sha-512":
			sum = sum512(body)
		default:
			continue
		}
		if value, _ := m.value.([]byte); !bytes.Equal(value, sum) {
			return errors.New("Content-Digest is not that of the body")
		}
		known = true
	}
	if !known {
		return errors.New("Content-Digest has no digest that is known")
	}
	return nil
}

func sum256(b []byte) []byte { sum := sha256.Sum256(b); return sum[:] }
func sum512(b []byte) []byte { sum := sha512.Sum512(b); return sum[:] }
