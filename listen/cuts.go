package listen

import "sync/atomic"

// A cut is why a connection was refused, or ended before its time. The words are labels of metrics.
type cut uint8

const (
	manyConnections  cut = iota // limits.connections
	manyPerClient               // limits.connections_per_client
	manyHandshakes              // limits.handshakes_per_client
	handshakeTimeout            // limits.handshake_timeout
	handshakeFailed             // no common version, no TLS at all, the client hung up …
	slowRequest                 // a head or body did not arrive in time
	slowBody                    // limits.min_rate, sending
	slowReader                  // limits.min_rate, taking
	manyResets                  // limits.resets
	manyResetsClient            // limits.resets, of all connections of an address
	manyControl                 // limits.control_frames
	continuations               // a header block in too many frames, or without end
	maxAge                      // limits.max_age; the connection was told to end
	maxRequests                 // limits.max_requests; likewise
	badIntroduction             // no PROXY header from a peer that must send one
	longLinger                  // more of a message than is thrown away after a refusal
	banned                      // Options.Banned
	cutCount
)

var cutNames = [cutCount]string{
	"connections", "connections_per_client", "handshakes_per_client", "handshake_timeout", "handshake_failed", "slow_request",
	"slow_body", "slow_reader", "resets", "resets_per_client", "control_frames", "continuation", "max_age", "max_requests", "proxy_protocol", "lingering", "banned",
}

func (c cut) String() string { return cutNames[c] }

// tally counts what happened to connections. Its methods are safe for concurrent use.
type tally struct {
	open     atomic.Int64
	accepted atomic.Int64
	cuts     [cutCount]atomic.Int64
}

func (t *tally) add(c cut) { t.cuts[c].Add(1) }

// Stats are what a [Server] counts of its connections.
type Stats struct {
	Open     int64            // connections now
	Accepted int64            // connections that were let in
	Cuts     map[string]int64 // connections that were refused or ended, by cause; every cause is there
}

// Stats tells what has been counted since New.
func (s *Server) Stats() Stats {
	st := Stats{Open: s.tally.open.Load(), Accepted: s.tally.accepted.Load(), Cuts: make(map[string]int64, cutCount)}
	for c := range cutCount {
		st.Cuts[c.String()] = s.tally.cuts[c].Load()
	}
	return st
}
