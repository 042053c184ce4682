package config

// Limits bound what strangers can do to one listener before any guard sees a request. docs/edge.md has them in a table,
// with what client and operator see.
type Limits struct {
	// Connections open at once; further ones are closed unheard. Default 100000, or what the limit of open files leaves.
	Connections int `yaml:"connections"`
	// PerClient is how many of them one address (of IPv6, one /64) may hold. It does not bind trusted proxies. Default half of connections.
	PerClient int `yaml:"connections_per_client"`
	// Handshakes is how many TLS handshakes one address may begin per second, and four times as many at once. A connection that is cut for a flood costs its address a second of them. It does not bind trusted proxies. Default 500.
	Handshakes int `yaml:"handshakes_per_client"`
	// HandshakeTimeout bounds the TLS handshake. Default 10s.
	HandshakeTimeout Duration `yaml:"handshake_timeout"`
	// MinRate is how many bytes per second a client has to send of a body of declared length, and to take of an answer, while we wait for it. Default 240 B.
	MinRate Size `yaml:"min_rate"`
	// RateWindow is how long a client may stay below min_rate. Default 20s.
	RateWindow Duration `yaml:"min_rate_window"`
	// MaxAge of a connection, after which the answer being given is its last one; streams are not cut. Default 1h.
	MaxAge Duration `yaml:"max_age"`
	// MaxRequests of a connection; the last answer says that it closes. Default: any number.
	MaxRequests int `yaml:"max_requests"`
	// Streams is how many requests one HTTP/2 connection may have open at once. Default 128.
	Streams int `yaml:"streams"`
	// Resets is how many requests more than it lets finish one HTTP/2 connection may take back, and one address five times as many in a minute. Default 200.
	Resets int `yaml:"resets"`
	// ControlFrames is how many HTTP/2 frames that carry nothing (SETTINGS, PING, PRIORITY, WINDOW_UPDATE, empty DATA) may come at once beyond what the traffic of the connection explains; a tenth of it is forgiven per second. Default 1000.
	ControlFrames int `yaml:"control_frames"`
}
