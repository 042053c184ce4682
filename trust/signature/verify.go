package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"math/big"
)

// ErrSignature is a signature that is not that of the key over the message.
var ErrSignature = errors.New("the signature does not verify")

// Verify checks a signature of the message by a key: Ed25519, ECDSA with P-256 or RSA-PSS with at least 2048 bits (RFC 9421 section
// 3.3). The key says which algorithm it is; one that is named must be the same.
func (s *Signature) Verify(m *Message, key crypto.PublicKey) error {
	base, err := s.Base(m)
	if err != nil {
		return err
	}
	return s.verify([]byte(base), key)
}

func (s *Signature) verify(base []byte, key crypto.PublicKey) error {
	algorithm, good := "", false
	switch k := key.(type) {
	case ed25519.PublicKey:
		algorithm = "ed25519"
		good = len(k) == ed25519.PublicKeySize && ed25519.Verify(k, base, s.value)
	case *ecdsa.PublicKey:
		algorithm = "ecdsa-p256-sha256"
		good = k.Curve == elliptic.P256() && len(s.value) == 64 && verifyECDSA(k, base, s.value)
	case *rsa.PublicKey:
		algorithm = "rsa-pss-sha512"
		sum := sha512.Sum512(base)
		good = k.N.BitLen() >= 2048 && rsa.VerifyPSS(k, crypto.SHA512, sum[:], s.value, &rsa.PSSOptions{SaltLength: 64}) == nil
	}
	if s.Algorithm != "" && s.Algorithm != algorithm {
		return errors.New("the key is none of " + s.Algorithm)
	}
	if !good {
		return ErrSignature
	}
	return nil
}

func verifyECDSA(k *ecdsa.PublicKey, base, value []byte) bool {
	sum := sha256.Sum256(base)
	return ecdsa.Verify(k, sum[:], new(big.Int).SetBytes(value[:32]), new(big.Int).SetBytes(value[32:]))
}
