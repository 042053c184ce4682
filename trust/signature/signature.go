// Package signature verifies HTTP Message Signatures (RFC 9421) of requests, and of answers to ours. It says whether somebody who has a key
// signed parts of a message; whose key that is, and what it is good for, is for the caller to know.
//
// Not supported, and so no signature: the component parameters sf, bs and tr, and signatures with shared secrets.
package signature

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Bounds of what strangers may send: more is no signature.
const (
	MaxField      = 8 << 10 // bytes of each field
	maxSignatures = 4       // of a request
)

// A Signature is one of those that a message carries. What it says is not true before it is verified.
type Signature struct {
	Label            string
	Created, Expires int64 // Unix seconds; 0: not said
	KeyID            string
	Algorithm        string // "" where it is left to the key
	Nonce            string
	Tag              string
	covered          []item
	params           string // of the inner list, with it, as they are signed
	value            []byte
}

// Parse reads Signature-Input and Signature (RFC 9421 section 4). No such fields are no signatures, and no error.
func Parse(h http.Header) ([]Signature, error) { return parse(h, maxSignatures, MaxField) }

func parse(h http.Header, most, mostBytes int) ([]Signature, error) {
	inputs, values := h["Signature-Input"], h["Signature"]
	if len(inputs) == 0 && len(values) == 0 {
		return nil, nil
	}
	in, err := dictionaryOf(inputs, mostBytes)
	if err != nil {
		return nil, fmt.Errorf("Signature-Input: %w", err)
	}
	of, err := dictionaryOf(values, mostBytes)
	if err != nil {
		return nil, fmt.Errorf("Signature: %w", err)
	}
	if len(in) > most || len(of) > most {
		return nil, fmt.Errorf("more than %d signatures", most)
	}
	var list []Signature
	for _, m := range in {
		s, err := newSignature(m, of)
		if err != nil {
			return nil, fmt.Errorf("signature %s: %w", m.key, err)
		}
		list = append(list, s)
	}
	return list, nil
}

func dictionaryOf(lines []string, most int) ([]member, error) {
	text := strings.Join(lines, ", ")
	if len(text) > most {
		return nil, fmt.Errorf("more than %d bytes", most)
	}
	return parseDictionary(text)
}

func newSignature(input member, of []member) (Signature, error) {
	s := Signature{Label: input.key, covered: input.list, params: input.text()}
	if !input.inner {
		return s, errors.New("its input is no list")
	}
	for _, m := range of {
		if m.key == input.key {
			s.value, _ = m.value.([]byte)
		}
	}
	if len(s.value) == 0 {
		return s, errors.New("it has no value")
	}
	for _, p := range input.params {
		if !s.set(p) {
			return s, fmt.Errorf("parameter %s is of the wrong kind", p.key)
		}
	}
	return s, nil
}

// set takes a parameter over; unknown ones are signed, and mean nothing.
func (s *Signature) set(p param) bool {
	number, isNumber := p.value.(int64)
	text, isText := p.value.(string)
	switch p.key {
	case "created":
		s.Created = number
		return isNumber
	case "expires":
		s.Expires = number
		return isNumber
	case "keyid":
		s.KeyID = text
	case "alg":
		s.Algorithm = text
	case "nonce":
		s.Nonce = text
	case "tag":
		s.Tag = text
	default:
		return true
	}
	return isText
}

// Covers reports whether a component is signed, as a whole or a member of it.
func (s *Signature) Covers(name string) bool {
	for _, c := range s.covered {
		if c.value == name {
			return true
		}
	}
	return false
}
