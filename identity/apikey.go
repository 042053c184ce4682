package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"strings"
	"unsafe"
)

// An API key is "sp_" id "_" secret checksum: 12 + 43 + 6 characters of base62. 43 of them are 256 bits. The prefix
// lets secret scanners find leaked keys; the checksum lets them, and us, tell a key from noise without a look-up.
const (
	keyPrefix    = "sp_"
	keyIDSize    = 12
	secretSize   = 43
	checksumSize = 6
	keySize      = len(keyPrefix) + keyIDSize + 1 + secretSize + checksumSize
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

var errKeyFormat = errors.New("not an API key: want sp_<id>_<secret>, as `sallyport keys create` prints it")

// newKey makes a key from the system's random numbers.
func newKey() (key, id string) {
	id = random(keyIDSize)
	body := keyPrefix + id + "_" + random(secretSize)
	sum := checksum(body)
	return body + string(sum[:]), id
}

// random returns n characters of base62, evenly distributed: bytes beyond a multiple of 62 are thrown away.
func random(n int) string {
	out := make([]byte, 0, n)
	var buf [64]byte
	for len(out) < n {
		_, _ = rand.Read(buf[:]) // never fails, by its contract
		for _, b := range buf {
			if b < 62*4 && len(out) < n {
				out = append(out, base62[b%62])
			}
		}
	}
	return string(out)
}

func checksum(body string) (out [checksumSize]byte) {
	sum := crc32.ChecksumIEEE(unsafe.Slice(unsafe.StringData(body), len(body))) // the bytes are only read
	for i := checksumSize - 1; i >= 0; i-- {
		out[i] = base62[sum%62]
		sum /= 62
	}
	return out
}

// wellFormed reports whether s has the shape of a key and its checksum is right. The checksum is no secret.
func wellFormed(s string) bool {
	if len(s) != keySize || s[:len(keyPrefix)] != keyPrefix || s[len(keyPrefix)+keyIDSize] != '_' {
		return false
	}
	for i := len(keyPrefix); i < len(s); i++ {
		if i != len(keyPrefix)+keyIDSize && (s[i] == '-' || s[i] == '_' || !base64url[s[i]]) {
			return false
		}
	}
	sum := checksum(s[:keySize-checksumSize])
	return string(sum[:]) == s[keySize-checksumSize:]
}

// HashKey returns what the config keeps of an API key: "sha256:" and 64 hexadecimal digits. It fails for anything that
// is not an API key, so that no weak secret is hashed by mistake.
func HashKey(key string) (string, error) {
	if !wellFormed(key) {
		return "", errKeyFormat
	}
	sum := sha256.Sum256([]byte(key))
	return hashPrefix + hex.EncodeToString(sum[:]), nil
}

const hashPrefix = "sha256:"

// parseHash reads what HashKey returned.
func parseHash(s string) (sum [sha256.Size]byte, err error) {
	digits, ok := strings.CutPrefix(s, hashPrefix)
	raw, decodeErr := hex.DecodeString(digits)
	if !ok || decodeErr != nil || len(raw) != len(sum) {
		return sum, errors.New("is not sha256: and 64 hexadecimal digits")
	}
	return [sha256.Size]byte(raw), nil
}
