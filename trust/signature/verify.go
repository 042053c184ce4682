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
	"fmt"
	"math/big"
)

// ErrSignature is a signature that is not that of the key over the message.
var ErrSignature = errors.New("the signature does not verify")

// Verify checks that it is the signature of a base, see [Signature.Base], by a key: Ed25519, ECDSA with P-256 or RSA-PSS with 2048 to 4096
// bits (RFC 9421 section 3.3). The key says which algorithm it is; one that is named must be the same. ECDSA has two values for each
// signature, so it is the base that tells whether something was signed before.
func (s *Signature) Verify(text string, key crypto.PublicKey) error {
	base := []byte(text)
	algorithm := algorithmOf(key)
	if algorithm == "" || s.Algorithm != "" && s.Algorithm != algorithm {
		return fmt.Errorf("the key is not one for %q", s.Algorithm)
	}
	good := false
	switch k := key.(type) {
	case ed25519.PublicKey:
		good = ed25519.Verify(k, base, s.value)
	case *ecdsa.PublicKey:
		good = len(s.value) == 64 && verifyECDSA(k, base, s.value)
	case *rsa.PublicKey:
		sum := sha512.Sum512(base)
		good = rsa.VerifyPSS(k, crypto.SHA512, sum[:], s.value, &rsa.PSSOptions{SaltLength: 64}) == nil
	}
	if !good {
		return ErrSignature
	}
	return nil
}

// algorithmOf is the one algorithm that a key is used with, "" for a key that is of another kind, weaker, or costlier than need be.
func algorithmOf(key crypto.PublicKey) string {
	switch k := key.(type) {
	case ed25519.PublicKey:
		if len(k) == ed25519.PublicKeySize {
			return "ed25519"
		}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return "ecdsa-p256-sha256"
		}
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits >= 2048 && bits <= 4096 && k.E >= 65537 && k.E%2 == 1 {
			return "rsa-pss-sha512"
		}
	}
	return ""
}

func verifyECDSA(k *ecdsa.PublicKey, base, value []byte) bool {
	sum := sha256.Sum256(base)
	return ecdsa.Verify(k, sum[:], new(big.Int).SetBytes(value[:32]), new(big.Int).SetBytes(value[32:]))
}
