// Package challenge lets clients prove that they have worked: an endpoint below the base path of an API gives out challenges, and for
// the answer a token that is good for a while, from the same address. Programs read it as JSON, pages include challenge.js; nobody is
// answered with a page that was not asked for.
//
// A challenge is a text; its answer is a decimal number such that the SHA-256 of text "." number begins with as many zero bits as its
// difficulty says (Hashcash, Back 2002). To check an answer takes one hash. Challenges are signed instead of remembered, so that
// giving them out costs no memory; only those that were answered are remembered, until they end.
//
// It makes requests cost something, no more: whoever has processors has answers, and a person with an old telephone waits longer than
// a machine that attacks. It tells no person from a program.
package challenge

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math/bits"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/limit/once"
)

// Bounds.
const (
	expiry       = 5 * time.Minute // of a challenge
	mostAnswered = 250_000         // in that time
	maxNumber    = 20              // digits

	defaultDifficulty = 18 // bits: a quarter of a million hashes
	defaultLifetime   = time.Hour
)

// Options of an Issuer. The zero value works.
type Options struct {
	// Secret makes tokens good in all processes that have it. Default: they are good in this process only.
	Secret []byte
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Common makes challenges good once for all processes that share it; nil: once in this process.
	Common once.Common
}

// An Issuer has the key of challenges and tokens. It outlives configurations, and is safe for concurrent use.
type Issuer struct {
	key  []byte
	now  func() time.Time
	used *once.Seen
}

// NewIssuer makes one.
func NewIssuer(o Options) *Issuer {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Secret == nil {
		o.Secret = make([]byte, sha256.Size)
		_, _ = rand.Read(o.Secret) // never fails
	}
	key := sha256.Sum256(append([]byte("challenge\x00"), o.Secret...))
	return &Issuer{key: key[:], now: o.Now, used: once.New(expiry, mostAnswered, o.Common)}
}

// A Keeper gives out the challenges of one API. It is immutable and safe for concurrent use; nil gives out none.
type Keeper struct {
	issuer     *Issuer
	api        string
	difficulty uint8
	lifetime   time.Duration
}

// Keeper makes that of an API; nil where it has no challenges.
func (i *Issuer) Keeper(api string, c *config.Challenge) *Keeper {
	if i == nil || c == nil {
		return nil
	}
	k := &Keeper{i, api, defaultDifficulty, c.Lifetime.Or(defaultLifetime)}
	if c.Difficulty != 0 {
		k.difficulty = uint8(c.Difficulty)
	}
	return k
}

// Layout of challenges and tokens: when they end, in Unix seconds; of challenges the difficulty and what makes them different from all
// others; and a MAC over these, the API and the client.
const (
	ends         = 8
	difficulty   = 1
	salt         = 16
	challengeLen = ends + difficulty + salt + sha256.Size
	tokenLen     = ends + sha256.Size
)

var encoding = base64.RawURLEncoding.Strict()

// issue makes a challenge for a client.
func (k *Keeper) issue(client netip.Addr) (text string, until time.Time) {
	until = k.issuer.now().Add(expiry)
	b := binary.BigEndian.AppendUint64(make([]byte, 0, challengeLen), uint64(until.Unix()))
	b = append(b, k.difficulty)
	_, _ = rand.Read(b[ends+difficulty : ends+difficulty+salt]) // never fails
	b = b[:ends+difficulty+salt]
	return encoding.EncodeToString(append(b, k.mac('c', b, client)...)), until
}

// What is wrong with an answer, for the operator.
var (
	errChallenge = errors.New("it is none of our challenges, or was given to another client")
	errOver      = errors.New("the challenge is over")
	errNumber    = errors.New("the answer is not a decimal number of 20 digits at most")
	errWrong     = errors.New("the answer is wrong")
)

// redeem makes a token of an answered challenge, once.
func (k *Keeper) redeem(ctx context.Context, client netip.Addr, text, number string) (token string, until time.Time, err error) {
	if !decimal(number) {
		return "", until, errNumber
	}
	b, ok := k.open('c', text, challengeLen, client)
	if !ok {
		return "", until, errChallenge
	}
	now := k.issuer.now()
	if now.Unix() >= int64(binary.BigEndian.Uint64(b)) {
		return "", until, errOver
	}
	if zeros(sha256.Sum256([]byte(text+"."+number))) < int(b[ends]) {
		return "", until, errWrong
	}
	if err := k.issuer.used.Use(ctx, now, text); err != nil {
		return "", until, err
	}
	until = now.Add(k.lifetime)
	t := binary.BigEndian.AppendUint64(make([]byte, 0, tokenLen), uint64(until.Unix()))
	return encoding.EncodeToString(append(t, k.mac('t', t, client)...)), until, nil
}

// good reports whether a token is one of the client's, and not over.
func (k *Keeper) good(client netip.Addr, token string) bool {
	b, ok := k.open('t', token, tokenLen, client)
	return ok && k.issuer.now().Unix() < int64(binary.BigEndian.Uint64(b))
}

// open is what stands in front of the MAC of a text, where the MAC is ours.
func (k *Keeper) open(kind byte, text string, size int, client netip.Addr) ([]byte, bool) {
	if len(text) != encoding.EncodedLen(size) {
		return nil, false
	}
	b, err := encoding.DecodeString(text)
	if err != nil || len(b) != size {
		return nil, false
	}
	said, mac := b[:size-sha256.Size], b[size-sha256.Size:]
	return said, hmac.Equal(mac, k.mac(kind, said, client))
}

// mac binds what is said to its kind, the API and the client: an IPv4 address, or the /64 of an IPv6 address.
func (k *Keeper) mac(kind byte, said []byte, client netip.Addr) []byte {
	client = client.Unmap()
	address := client.As16()
	if client.Is6() {
		clear(address[8:])
	}
	h := hmac.New(sha256.New, k.issuer.key)
	for _, part := range [][]byte{{kind, byte(len(said))}, said, address[:], []byte(k.api)} {
		_, _ = h.Write(part) // never fails
	}
	return h.Sum(nil)
}

// zeros counts the bits in front of the first one that is set.
func zeros(sum [sha256.Size]byte) int {
	return bits.LeadingZeros64(binary.BigEndian.Uint64(sum[:]))
}

func decimal(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && len(s) <= maxNumber
}
