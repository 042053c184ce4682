package exchange

import (
	"math/rand/v2"
	"strings"
	"time"
)

// Alphabet is Crockford's base 32: no letters that are mistaken for others, safe in headers, paths and logs.
const Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewID returns a ULID: 48 bits of milliseconds, so that ids sort by time, and 80 random bits, so that nobody can guess
// another exchange's (the generator is the runtime's ChaCha8).
func NewID(now time.Time) string {
	var b [26]byte
	ms := uint64(now.UnixMilli())
	for i := 9; i >= 0; i-- {
		b[i] = Alphabet[ms&31]
		ms >>= 5
	}
	random := [2]uint64{rand.Uint64(), rand.Uint64()}
	for i := range 16 {
		b[10+i] = Alphabet[random[i/8]>>(5*(i%8))&31]
	}
	return string(b[:])
}

// TimeOf is when an id was made; ok is false where it is none.
func TimeOf(id string) (at time.Time, ok bool) {
	if len(id) != 26 {
		return at, false
	}
	ms := int64(0)
	for i, c := range id {
		n := strings.IndexRune(Alphabet, c)
		if n < 0 {
			return at, false
		}
		if i < 10 {
			ms = ms<<5 | int64(n)
		}
	}
	return time.UnixMilli(ms).UTC(), true
}
