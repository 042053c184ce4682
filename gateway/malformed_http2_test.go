package gateway

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// net/http would answer these by 400 or RST_STREAM of its own. Each gets a problem, has one record, and ends the connection.
func TestNoAnswerOfHTTP2IsTheServersOwn(t *testing.T) {
	g := serve(t, recordSpec, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("forwarded") }), open)
	const host = "shop.example"
	request := func(path string, more ...string) []string {
		return append([]string{":method", "GET", ":scheme", "http", ":authority", host, ":path", path}, more...)
	}
	for name, c := range map[string]struct {
		fields []string
		code   string
		status int
	}{
		"unknown pseudo":        {request("/", ":admin", "1"), "protocol.header", 400},
		"repeated pseudo":       {request("/", ":path", "/"), "protocol.header", 400},
		"no path":               {request("/")[:6], "protocol.header", 400},
		"empty method":          {append([]string{":method", ""}, request("/")[2:]...), "protocol.header", 400},
		"another scheme":        {[]string{":method", "GET", ":scheme", "ftp", ":authority", host, ":path", "/"}, "protocol.header", 400},
		"pseudo after a field":  {append([]string{"a", "b"}, request("/")...), "protocol.header", 400},
		"upper case":            {request("/", "X-A", "b"), "protocol.header", 400},
		"no name":               {request("/", "", "b"), "protocol.header", 400},
		"CR LF":                 {request("/", "a", "b\r\nc: d"), "protocol.header", 400},
		"blank before a value":  {request("/", "a", " b"), "protocol.header", 400},
		"connection":            {request("/", "connection", "keep-alive"), "protocol.header", 400},
		"proxy-connection":      {request("/", "proxy-connection", "keep-alive"), "protocol.header", 400},
		"keep-alive":            {request("/", "keep-alive", "1"), "protocol.header", 400},
		"upgrade":               {request("/", "upgrade", "websocket"), "protocol.header", 400},
		"transfer-encoding":     {request("/", "transfer-encoding", "chunked"), "protocol.framing", 400},
		"te":                    {request("/", "te", "gzip"), "protocol.header", 400},
		"te twice":              {request("/", "te", "trailers", "te", "trailers"), "protocol.header", 400},
		"another Host":          {request("/", "host", "other.example"), "protocol.header", 400},
		"two Hosts":             {request("/", "host", host, "host", host), "protocol.header", 400},
		"user at the authority": {[]string{":method", "GET", ":scheme", "http", ":authority", "a@" + host, ":path", "/"}, "protocol.header", 400},
		"bad escape":            {request("/%zz"), "protocol.target", 400},
		"opaque path":           {request("orders"), "protocol.target", 400},
		"asterisk":              {request("*"), "protocol.target", 400},
		"CONNECT":               {[]string{":method", "CONNECT", ":authority", host + ":1"}, "protocol.method", 501},
		"CONNECT with a path":   {append([]string{":method", "CONNECT"}, request("/")[2:]...), "protocol.method", 501},
		"large field":           {request("/", "a", strings.Repeat("a", 40<<10)), "protocol.header_size", 431},
		"large header":          {request("/", strings.Split(strings.Repeat("a b ", 4<<10), " ")[:8<<10]...), "protocol.header_size", 431},
		"large beyond doubt":    {request("/", "a", strings.Repeat("~", 60<<10)), "protocol.header_size", 431},
	} {
		for _, end := range []bool{true, false} {
			conn := dialH2(t, g.url)
			id := conn.blocks(end, c.fields)
			p, gone := conn.problem(t, name, id)
			r := g.record(t)
			if p.Code != c.code || p.Status != c.status || r.Code != c.code || r.Status != c.status || r.ID != p.Exchange || r.Proto != "HTTP/2.0" {
				t.Errorf("%s: %+v, recorded as %+v", name, p, r)
			}
			if said := textOf(c.fields, ":method"); said != "" && r.Method != said || r.Path == "" {
				t.Errorf("%s: recorded as %s %s", name, r.Method, r.Path)
			}
			if !gone {
				t.Errorf("%s: the connection goes on", name)
			}
			conn.Close()
		}
	}
}

// textOf is the first value of a field among pairs.
func textOf(fields []string, name string) string {
	for i := 0; i < len(fields); i += 2 {
		if fields[i] == name {
			return fields[i+1]
		}
	}
	return ""
}

// blocks begins a stream with a header block in as many frames as it needs.
func (c *h2) blocks(end bool, fields []string) uint32 {
	id, whole := c.next, block(fields...)
	c.next += 2
	n := min(len(whole), 16<<10)
	_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: whole[:n], EndHeaders: n == len(whole), EndStream: end})
	for n < len(whole) {
		more := min(len(whole)-n, 16<<10)
		_ = c.WriteContinuation(id, n+more == len(whole), whole[n:n+more]) // it may be refused before its end
		n += more
	}
	return id
}

// problem reads the answer on a stream, which must be a problem, and tells whether GOAWAY comes with it: before its end or behind.
func (c *h2) problem(t *testing.T, name string, id uint32) (p problem, gone bool) {
	t.Helper()
	var text []byte
	for {
		f, err := c.ReadFrame()
		if err != nil {
			t.Errorf("%s: no answer: %v", name, err)
			return p, gone
		}
		_, ends := f.(*http2.GoAwayFrame)
		gone = gone || ends
		if f.Header().StreamID != id {
			continue
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			if got := textOfFrame(f, "content-type"); got != "application/problem+json" {
				t.Errorf("%s: an answer of type %q", name, got)
			}
		case *http2.DataFrame:
			text = append(text, f.Data()...)
		case *http2.RSTStreamFrame:
			t.Errorf("%s: reset with %v", name, f.ErrCode)
			return p, gone
		}
		if f.Header().Flags.Has(http2.FlagDataEndStream) {
			break
		}
	}
	if err := json.Unmarshal(text, &p); err != nil {
		t.Errorf("%s: %q: %v", name, text, err)
	}
	for !gone {
		f, err := c.ReadFrame()
		if err != nil {
			break
		}
		_, gone = f.(*http2.GoAwayFrame)
	}
	return p, gone
}

func textOfFrame(f *http2.MetaHeadersFrame, name string) string {
	for _, field := range f.Fields {
		if field.Name == name {
			return field.Value
		}
	}
	return ""
}

// What ends the whole connection has a record too, and the code that RFC 9113 demands.
func TestBrokenBlocksOfHTTP2(t *testing.T) {
	g := serve(t, recordSpec, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("forwarded") }), open)
	good := block(":method", "GET", ":scheme", "http", ":authority", "shop.example", ":path", "/people/a")
	raw := func(kind http2.FrameType, flags http2.Flags, id uint32, text []byte) func(*h2) {
		return func(c *h2) { _ = c.WriteRawFrame(kind, flags, id, text) }
	}
	const ends = http2.FlagHeadersEndHeaders | http2.FlagHeadersEndStream
	for name, c := range map[string]struct {
		send func(*h2)
		code http2.ErrCode
	}{
		"not compressed":      {raw(http2.FrameHeaders, ends, 1, []byte("GET / HTTP/1.1\r\n\r\n")), http2.ErrCodeCompression},
		"an index of nothing": {raw(http2.FrameHeaders, ends, 1, []byte{0xff, 0xff, 0x01}), http2.ErrCodeCompression},
		"ends within a field": {raw(http2.FrameHeaders, ends, 1, good[:len(good)-1]), http2.ErrCodeCompression},
		"stream 0":            {raw(http2.FrameHeaders, ends, 0, good), http2.ErrCodeProtocol},
		"a server's stream":   {raw(http2.FrameHeaders, ends, 2, good), http2.ErrCodeProtocol},
		"padding":             {raw(http2.FrameHeaders, ends|http2.FlagHeadersPadded, 1, append([]byte{0xff}, good...)), http2.ErrCodeProtocol},
		"no room for padding": {raw(http2.FrameHeaders, ends|http2.FlagHeadersPadded, 1, nil), http2.ErrCodeProtocol},
		"no room for weights": {raw(http2.FrameHeaders, ends|http2.FlagHeadersPriority, 1, []byte{0, 0}), http2.ErrCodeProtocol},
		"too long a frame":    {raw(http2.FrameHeaders, ends, 1, make([]byte, 17<<10)), http2.ErrCodeFrameSize},
		"nothing continued":   {raw(http2.FrameContinuation, http2.FlagContinuationEndHeaders, 1, good), http2.ErrCodeProtocol},
		"interrupted": {func(c *h2) {
			_ = c.WriteRawFrame(http2.FrameHeaders, 0, 1, good)
			_ = c.WritePing(false, [8]byte{})
		}, http2.ErrCodeProtocol},
		"continued elsewhere": {func(c *h2) {
			_ = c.WriteRawFrame(http2.FrameHeaders, 0, 1, good)
			_ = c.WriteRawFrame(http2.FrameContinuation, http2.FlagContinuationEndHeaders, 3, nil)
		}, http2.ErrCodeProtocol},
	} {
		conn := dialH2(t, g.url)
		c.send(conn)
		if code := conn.goaway(); code != c.code {
			t.Errorf("%s: ended with %v", name, code)
		}
		if r := g.record(t); !r.Refused || r.Code != "protocol.framing" || r.ID == "" {
			t.Errorf("%s: recorded as %+v", name, r)
		}
		conn.Close()
	}
}

// Whoever takes an honest request back has sent nothing malformed; and an honest one has one record, also beside a malformed one.
func TestHonestStreamsAreNotMalformed(t *testing.T) {
	begun := make(chan struct{})
	g := serve(t, recordSpec, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/people/slow" {
			begun <- struct{}{}
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"id":"1"}`))
	}), open)
	request := func(path string, more ...string) []string {
		return append([]string{":method", "GET", ":scheme", "http", ":authority", "shop.example", ":path", path}, more...)
	}
	c := dialH2(t, g.url)
	if status := c.status(c.send(true, request("/people/a")...)); status != "200" {
		t.Errorf("honest: %s", status)
	}
	if r := g.record(t); r.Refused || r.Status != 200 {
		t.Errorf("honest: %+v", r)
	}
	id := c.send(true, request("/people/slow")...)
	<-begun
	_ = c.WriteRSTStream(id, http2.ErrCodeCancel)
	if r := g.record(t); strings.HasPrefix(r.Code, "protocol.") {
		t.Errorf("taken back: %+v", r)
	}
	slow := c.send(true, request("/people/slow")...)
	<-begun
	bad := c.send(true, request("/", "connection", "close")...)
	if p, _ := c.problem(t, "beside an honest one", bad); p.Code != "protocol.header" {
		t.Errorf("beside an honest one: %+v", p)
	}
	if r := <-g.records; r.Code != "protocol.header" {
		t.Errorf("beside an honest one: %+v", r)
	}
	_ = c.WriteRSTStream(slow, http2.ErrCodeCancel)
	if r := g.record(t); strings.HasPrefix(r.Code, "protocol.") {
		t.Errorf("taken back, beside a malformed one: %+v", r)
	}
}
