package config

import (
	"slices"
	"time"
)

// Challenge lets clients prove work at the endpoint .well-known/sallyport/challenge below the base path of the API.
type Challenge struct {
	// Difficulty is how many bits of a hash must be zero: each one more doubles the work. 8 to 24. Default 18, about a quarter of a million hashes.
	Difficulty int `yaml:"difficulty"`
	// Lifetime of what a client gets for an answer. Default 1h, at most 24h.
	Lifetime Duration `yaml:"lifetime"`
}

func (c *checker) challenge(a API, at string) {
	p := a.Challenge
	if p == nil {
		if b := a.Bots; slices.Contains([]BotAction{b.Verified, b.LikelyHuman, b.Suspected, b.Hostile}, BotChallenge) {
			c.fail(at+".bots", "asks for proofs of work, and the API gives out none", "challenge: {}")
		}
		return
	}
	at += ".challenge"
	if p.Difficulty != 0 && (p.Difficulty < 8 || p.Difficulty > 24) {
		c.fail(at+".difficulty", "is not between 8 and 24", "24 keeps a browser busy for minutes")
	}
	if p.Lifetime > Duration(24*time.Hour) {
		c.fail(at+".lifetime", "is more than 24h", "what was proved once says nothing of tomorrow")
	}
}
