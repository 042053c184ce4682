package config

import (
	"fmt"
	"slices"
	"time"
)

// Bots says what becomes of clients by their rating: verified, likely_human, suspected or hostile. The rating and its reasons stand in the record, whatever is done. Out of the box nobody is refused for it.
type Bots struct {
	// Verified are callers whose credential was verified, and automated clients that proved who they are. Default allow.
	Verified BotAction `yaml:"verified"`
	// LikelyHuman are browsers, as far as can be seen. Default allow.
	LikelyHuman BotAction `yaml:"likely_human"`
	// Suspected are programs that proved nothing. Default allow.
	Suspected BotAction `yaml:"suspected"`
	// Hostile are programs that say they are browsers, scanners, and whoever searches, guesses or fails most of the time. Default monitor.
	Hostile BotAction `yaml:"hostile"`
	// Limit is the rate of each client whose rating has the action limit. Default 30 per 1m.
	Limit *Rate `yaml:"limit"`
	// Tarpit is how long a client whose rating has the action tarpit waits for its refusal, with 8192 others at most; further ones are refused without waiting. Default 10s.
	Tarpit Duration `yaml:"tarpit"`
	// Hosting names lists of abuse.lists with the addresses of data centres, which speak against a client.
	Hosting []string `yaml:"hosting"`
	// Authenticated: true rates callers whose credential was verified as if they had none. Default: they are verified.
	Authenticated bool `yaml:"authenticated"`
}

// BotAction is what becomes of requests of clients with a rating.
type BotAction string

// The actions.
const (
	BotAllow     BotAction = "allow"   // nothing
	BotMonitor   BotAction = "monitor" // a finding in the record
	BotLimit     BotAction = "limit"
	BotChallenge BotAction = "challenge" // a proof of work, see Challenge
	BotTarpit    BotAction = "tarpit"
	BotDeny      BotAction = "deny"
)

// UnmarshalText reads the written form.
func (a *BotAction) UnmarshalText(text []byte) error {
	switch v := BotAction(text); v {
	case BotAllow, BotMonitor, BotLimit, BotChallenge, BotTarpit, BotDeny:
		*a = v
		return nil
	}
	return fmt.Errorf("not one of allow, monitor, limit, challenge, tarpit, deny")
}

// rated refuses what would keep everybody out, and what has no effect.
func (c *checker) rated(b Bots, at string, lists []List) {
	for _, r := range []struct {
		key    string
		action BotAction
	}{{"verified", b.Verified}, {"likely_human", b.LikelyHuman}} {
		if r.action == BotDeny || r.action == BotTarpit {
			c.fail(at+"."+r.key, string(r.action)+" keeps those out for whom the API is", "monitor, or limit")
		}
	}
	limits := slices.Contains([]BotAction{b.Verified, b.LikelyHuman, b.Suspected, b.Hostile}, BotLimit)
	switch l := b.Limit; {
	case l == nil:
	case !limits:
		c.fail(at+".limit", "no rating has the action limit", "suspected: limit")
	case l.Limit < 1:
		c.fail(at+".limit", "is no rate", "{ limit: 30, per: 1m }")
	case l.By != "" && l.By != "client":
		c.fail(at+".limit.by", "is by client always", "")
	case l.Count == "failures":
		c.fail(at+".limit.count", "counts requests always", "")
	}
	if t := b.Tarpit; t < 0 || t > Duration(time.Minute) {
		c.fail(at+".tarpit", "is not between 0s and 1m", "every request that waits costs memory")
	} else if t > 0 && b.Suspected != BotTarpit && b.Hostile != BotTarpit {
		c.fail(at+".tarpit", "no rating has the action tarpit", "hostile: tarpit")
	}
	for i, name := range b.Hosting {
		if !slices.ContainsFunc(lists, func(l List) bool { return l.Name == name }) {
			c.fail(fmt.Sprintf("%s.hosting[%d]", at, i), "there is no list "+name, "abuse.lists has them")
		}
	}
}
