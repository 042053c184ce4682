package bot

import (
	"math"
	"math/bits"
	"time"
)

// Deeds are what a client did lately without a credential that was verified: sums of which half is forgotten each minute.
type Deeds struct {
	Requests float32 // that were answered
	Failed   float32 // of them, by 4xx
	Denied   float32 // wrong credentials
	Missed   float32 // things that there are not: 404 and undeclared methods
	Attacks  float32 // requests that were refused as such
	Objects  int     // different ones that were asked for, about; 64 buckets count up to two hundred or so
	Every    float32 // seconds between requests, on average
	Off      float32 // by which they differ from that, on average
	InTurn   int     // how many in a row had another within ten minutes before
}

// An Act is one request, once it was answered.
type Act struct {
	At     time.Duration `json:"at,omitzero"`     // on a clock that never goes back
	Status int           `json:"status,omitzero"` // 0: says nothing of what was asked for
	Denied bool          `json:"denied,omitzero"` // a credential was wrong
	Attack bool          `json:"attack,omitzero"` // it was refused as one
	Object uint64        `json:"object,omitzero"` // hash of what was asked for; 0 where there is nothing to enumerate
}

// Bounds from which deeds speak.
const (
	hasty     = 1200 // so much is left of twenty a second, or of a burst
	failing   = 20
	guessing  = 10
	searching = 20
	attacking = 3
	objects   = 40
	inTurn    = 20
	halfLife  = time.Minute
	idle      = 10 * time.Minute // after so long nothing is remembered
)

// marks are what deeds say.
func (d *Deeds) marks() (m Mark) {
	if d.Requests >= hasty {
		m |= Hasty
	}
	if d.Failed >= failing && d.Failed*2 > d.Requests {
		m |= Failing
	}
	if d.Denied >= guessing {
		m |= Guessing
	}
	if d.Missed >= searching {
		m |= Searching
	}
	if d.Attacks >= attacking-0.5 {
		m |= Attacking
	}
	if d.Objects >= objects {
		m |= Enumerating
	}
	if d.InTurn >= inTurn && d.Every >= 0.02 && d.Off*10 < d.Every {
		m |= Regular
	}
	return m
}

// life is what is remembered of one client.
type life struct {
	hi, lo  uint64 // its key; both 0: nobody's
	at      time.Duration
	sums    [5]float32 // requests, failed, denied, missed, attacks
	every   float32
	off     float32
	inTurn  uint32
	since   uint32 // second from which objects are counted
	objects uint64 // buckets that were hit
}

// decay is how much of what was is left after a while.
func decay(passed time.Duration) float32 {
	if passed <= 0 {
		return 1
	}
	return float32(math.Exp2(-float64(passed) / float64(halfLife)))
}

// deeds as they are at a time.
func (l *life) deeds(now time.Duration) (d Deeds) {
	if now-l.at > idle {
		return d
	}
	left := decay(now - l.at)
	d = Deeds{Requests: l.sums[0] * left, Failed: l.sums[1] * left, Denied: l.sums[2] * left, Missed: l.sums[3] * left, Attacks: l.sums[4] * left, Every: l.every, Off: l.off, InTurn: int(l.inTurn)}
	if uint32(now/time.Second)-l.since < counted {
		d.Objects = distinct(l.objects)
	}
	return d
}

// counted is for how many seconds objects are counted before they are counted anew.
const counted = 300

// distinct is about how many different ones have hit so many of 64 buckets (linear counting, Whang et al. 1990).
func distinct(buckets uint64) int {
	free := 64 - bits.OnesCount64(buckets)
	return int(64 * math.Log(64/max(float64(free), 0.5)))
}

// add takes over what was done.
func (l *life) add(a Act) {
	if a.At-l.at > idle {
		*l = life{hi: l.hi, lo: l.lo, at: a.At, since: uint32(a.At / time.Second)}
	}
	passed := max(a.At-l.at, 0)
	left := decay(passed)
	for i := range l.sums {
		l.sums[i] *= left
	}
	l.rhythm(float32(passed.Seconds()))
	l.sums[0]++
	if a.Status/100 == 4 {
		l.sums[1]++
	}
	if a.Denied {
		l.sums[2]++
	}
	if a.Status == 404 || a.Status == 405 {
		l.sums[3]++
	}
	if a.Attack {
		l.sums[4]++
	}
	if second := uint32(a.At / time.Second); second-l.since >= counted {
		l.since, l.objects = second, 0
	}
	if a.Object != 0 {
		l.objects |= 1 << (a.Object >> 58)
	}
	l.at = max(l.at, a.At)
}

// rhythm follows the time between requests: mean and deviation as TCP keeps them of round trips (Jacobson 1988).
func (l *life) rhythm(passed float32) {
	if l.sums[0] == 0 { // the first one
		return
	}
	l.inTurn++
	if l.inTurn == 1 {
		l.every, l.off = passed, passed/2
		return
	}
	differs := passed - l.every
	l.every += differs / 8
	l.off += (abs(differs) - l.off) / 4
}

func abs(x float32) float32 { return max(x, -x) }
