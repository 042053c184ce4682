package testkit

import "testing"

// An Upstream is a raw HTTP/1.1 server that records every byte it receives.
type Upstream struct {
	URL string // http://127.0.0.1:port
}

// Received is one request as its bytes came over the wire.
type Received struct {
	Conn      int    // connection on which it came
	Raw       []byte // head and body, exactly
	Method    string
	Target    string
	Header    [][2]string // in order, names as received
	Body      []byte      // decoded from chunks
	Malformed string      // what is wrong with it; "" when nothing is
}

// NewUpstream starts one that answers every request with reply, a whole HTTP/1.1 response ("": 200 with "ok").
func NewUpstream(t testing.TB, reply string) *Upstream { panic("not built yet") }

// Requests returns what was received so far.
func (u *Upstream) Requests() []Received { panic("not built yet") }
