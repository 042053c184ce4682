package gateway

import (
	"bytes"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// An h2 is a client that says what no library says.
type h2 struct {
	net.Conn
	*http2.Framer
	next uint32
}

func dialH2(t *testing.T, url string) *h2 {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = io.WriteString(c, http2.ClientPreface)
	f := http2.NewFramer(c, c)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = f.WriteSettings()
	return &h2{c, f, 1}
}

// block compresses fields as they are; pairs.
func block(fields ...string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for i := 0; i < len(fields); i += 2 {
		_ = e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}) // to memory
	}
	return b.Bytes()
}

// send begins a stream.
func (c *h2) send(end bool, fields ...string) uint32 {
	id := c.next
	c.next += 2
	_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block(fields...), EndHeaders: true, EndStream: end})
	return id
}

// status is that of the answer on a stream: "reset" or "gone" where there is none.
func (c *h2) status(id uint32) string {
	for {
		f, err := c.ReadFrame()
		if err != nil {
			return "gone"
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			if f.StreamID == id && !strings.HasPrefix(f.PseudoValue("status"), "1") {
				return f.PseudoValue("status")
			}
		case *http2.RSTStreamFrame:
			if f.StreamID == id {
				return "reset"
			}
		case *http2.GoAwayFrame:
			if f.ErrCode != http2.ErrCodeNo || f.LastStreamID < id { // else the answer is still to come
				return "gone"
			}
		}
	}
}

// honest are the fields of a request that passes.
func honest() []string {
	return []string{":method", "GET", ":scheme", "http", ":authority", "h", ":path", "/health"}
}

// abuses are fields of requests over HTTP/2 that two readers could take for different ones, or that no request has.
func abuses() map[string][]string {
	base := honest()[:6]
	path := honest()
	with := func(base []string, more ...string) []string { return append(slices.Clone(base), more...) }
	return map[string][]string{
		"no slash":              with(base, ":path", "pkg.Svc/Del"),
		"empty path":            with(base, ":path", ""),
		"no path":               base,
		"absolute path":         with(base, ":path", "http://h/health"),
		"dot segments":          with(base, ":path", "/public/../admin"),
		"two paths":             with(path, ":path", "/admin"),
		"two methods":           with(path, ":method", "POST"),
		"two authorities":       with(path, ":authority", "x"),
		"unknown pseudo-field":  with(path, ":admin", "1"),
		"status":                with(path, ":status", "200"),
		"pseudo after regular":  {":method", "GET", ":scheme", "http", "x-a", "b", ":authority", "h", ":path", "/health"},
		"upper case":            with(path, "X-A", "b"),
		"connection":            with(path, "connection", "close"),
		"keep-alive":            with(path, "keep-alive", "1"),
		"transfer-encoding":     with(path, "transfer-encoding", "chunked"),
		"upgrade":               with(path, "upgrade", "h2c"),
		"te":                    with(path, "te", "gzip"),
		"CR LF in a value":      with(path, "x-a", "b\r\nx-c: d"),
		"NUL in a value":        with(path, "x-a", "b\x00c"),
		"LF in a name":          with(path, "x\na", "b"),
		"colon in a name":       with(path, "x:a", "b"),
		"CR LF in the path":     with(base, ":path", "/health\r\nx: y"),
		"space in the path":     with(base, ":path", "/health x"),
		"CR LF in the method":   {":method", "GET / HTTP/1.1\r\nx:", ":scheme", "http", ":authority", "h", ":path", "/health"},
		"authority with path":   {":method", "GET", ":scheme", "http", ":authority", "h/admin", ":path", "/health"},
		"another Host":          with(path, "host", "x"),
		"two Hosts":             with(path, "host", "h", "host", "h"),
		"CONNECT":               {":method", "CONNECT", ":authority", "h:80"},
		"CONNECT with a path":   {":method", "CONNECT", ":scheme", "http", ":authority", "h", ":path", "/health"},
		"extended CONNECT":      {":method", "CONNECT", ":protocol", "websocket", ":scheme", "http", ":authority", "h", ":path", "/health"},
		"two lengths":           with(path, "content-length", "1", "content-length", "2"),
		"length and no body":    with(path, "content-length", "5"),
		"no method":             {":scheme", "http", ":authority", "h", ":path", "/health"},
		"no scheme":             {":method", "GET", ":authority", "h", ":path", "/health"},
		"asterisk without need": with(base, ":path", "*"),
	}
}
