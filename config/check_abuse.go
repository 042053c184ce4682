package config

import "time"

// abuse refuses what would ban everybody, for good, or strangers while nothing is wrong.
func (c *checker) abuse(a Abuse) {
	b := a.Bans
	for _, n := range []struct {
		key   string
		value Duration
	}{{"bans.first", b.First}, {"bans.longest", b.Longest}, {"bans.tarpit", b.Tarpit}} {
		if n.value < 0 {
			c.fail("abuse."+n.key, "is negative", "leave it out for the default")
		}
	}
	if b.Longest > 0 && b.First > b.Longest {
		c.fail("abuse.bans.longest", "is less than first", "")
	}
	if b.Longest > Duration(30*24*time.Hour) {
		c.fail("abuse.bans.longest", "is more than 30 days", "addresses have another owner by then; a firewall is the place for good")
	}
	if b.Tarpit > Duration(time.Hour) {
		c.fail("abuse.bans.tarpit", "is more than 1h", "every connection that is kept costs a file")
	}
	if q := a.Overload.Queue; q != 0 && q < Duration(time.Millisecond) {
		c.fail("abuse.overload.queue", "is less than 1ms", "work waits that long while all is well; strangers: -1 bounds nobody")
	}
}
