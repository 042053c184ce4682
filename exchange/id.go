package exchange

import (
	"math/rand/v2"
	"time"
)

// alphabet is Crockford's base 32: no letters that are mistaken for others, safe in headers, paths and logs.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewID returns a ULID: 48 bits of milliseconds, so that ids sort by time, and 80 random bits, so that nobody can guess
// another exchange's (the generator is the runtime's ChaCha8).
func NewID(now time.Time) string {
	var b [26]byte
	ms := uint64(now.UnixMilli())
	for i := 9; i >= 0; i-- {
		b[i] = alphabet[ms&31]
		ms >>= 5
	}
	random := [2]uint64{rand.Uint64(), rand.Uint64()}
	for i := range 16 {
		b[10+i] = alphabet[random[i/8]>>(5*(i%8))&31]
	}
	return string(b[:])
}
