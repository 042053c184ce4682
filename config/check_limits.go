package config

import "time"

// limits refuses what would switch a limit off by accident: zero means the default, so nothing negative makes sense.
func (c *checker) limits(l Limits, at string) {
	for _, n := range []struct {
		key   string
		value int
	}{
		{"connections", l.Connections}, {"connections_per_client", l.PerClient}, {"handshakes_per_client", l.Handshakes},
		{"max_requests", l.MaxRequests}, {"streams", l.Streams}, {"resets", l.Resets}, {"control_frames", l.ControlFrames},
	} {
		if n.value < 0 {
			c.fail(at+"."+n.key, "is negative", "leave it out for the default")
		}
	}
	if l.Connections > 0 && l.PerClient > l.Connections {
		c.fail(at+".connections_per_client", "is more than connections", "")
	}
	if l.RateWindow > Duration(5*time.Minute) {
		c.fail(at+".min_rate_window", "is more than 5m", "a client that slow holds memory for as long")
	}
}
