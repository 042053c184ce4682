package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/http2"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/telemetry"
)

// Streams that are opened and reset, header blocks that do not end or are too long, frames that carry nothing: each ends its
// connection by GOAWAY, and that one only. Somebody else is served all the while.
func TestLesson19(t *testing.T) {
	again := func(c *h2) uint32 {
		return c.send(true, ":method", "GET", ":scheme", "http", ":authority", "h", ":path", "/health")
	}
	open := func(c *h2, fragment []byte) error {
		if c.next == 1 {
			c.next = 3
			return c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}})
		}
		return c.WriteContinuation(1, false, fragment)
	}
	long := append([]byte{0x10, 1, 'x', 0x7f, 0x81, 0x7e}, bytes.Repeat([]byte("~"), 16256)...) // a literal that is never indexed
	for name, c := range map[string]struct {
		cause  string
		attack func(*h2) error
	}{
		"resets":              {"resets", func(c *h2) error { return c.WriteRSTStream(again(c), http2.ErrCodeCancel) }},
		"resets of ours":      {"resets", func(c *h2) error { return c.WriteRawFrame(http2.FrameWindowUpdate, 0, again(c), []byte{0, 0, 0, 0}) }},
		"empty continuations": {"continuation", func(c *h2) error { return open(c, nil) }},
		"long continuations":  {"continuation", func(c *h2) error { return open(c, long) }},
		"SETTINGS": {"control_frames", func(c *h2) error {
			return c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 65535})
		}},
		"PING":          {"control_frames", func(c *h2) error { return c.WritePing(false, [8]byte{}) }},
		"PRIORITY":      {"control_frames", func(c *h2) error { return c.WritePriority(5, http2.PriorityParam{StreamDep: 3}) }},
		"WINDOW_UPDATE": {"control_frames", func(c *h2) error { return c.WriteWindowUpdate(0, 1) }},
	} {
		s := openSchool(t, noContent, "") // for each anew: it holds an address back that floods again and again
		good, bad := dialH2(t, s.url), dialH2(t, s.url)
		ended := make(chan http2.ErrCode, 1)
		go func() { ended <- bad.goaway() }()
		served := func() {
			if status := good.status(again(good)); status != "204" {
				t.Fatalf("%s: somebody else got %s", name, status)
			}
		}
		for n := 0; n < 20_000 && c.attack(bad) == nil; n++ { // written into nothing at last
			if n%500 == 0 {
				served()
			}
		}
		if code := <-ended; code != http2.ErrCodeEnhanceYourCalm && c.cause != "continuation" {
			t.Errorf("%s: the connection ended with %v", name, code)
		}
		if cuts := s.server.Stats().Cuts; cuts[c.cause] != 1 { // net/http has bounds too, but larger ones, and keeps no count
			t.Errorf("%s: %v", name, cuts)
		}
		served()
		good.Close()
		s.forget(t)
	}
}

// goaway reads to the end of the connection and returns with which code the server said goodbye.
func (c *h2) goaway() http2.ErrCode {
	for {
		f, err := c.ReadFrame()
		if err != nil {
			return http2.ErrCodeNo
		}
		if g, ok := f.(*http2.GoAwayFrame); ok {
			return g.ErrCode
		}
	}
}

// Pseudo-fields that no path, method or host are; and tunnels that nobody agreed to.
func TestLesson20(t *testing.T) {
	s := openSchool(t, noContent, "")
	for name, fields := range abuses() {
		c := dialH2(t, s.url)
		if status := c.status(c.send(true, fields...)); !strings.HasPrefix(status, "4") && !strings.HasPrefix(status, "5") {
			t.Errorf("%s: %s", name, status)
		}
		c.Close()
		if r := s.record(t); !r.Refused || !strings.HasPrefix(r.Code, "protocol.") {
			t.Errorf("%s: the record says %+v", name, r)
		}
		if got := s.upstream.Requests(); len(got) > 0 {
			t.Errorf("%s: reached the upstream: %q", name, got[0].Raw)
			s.upstream.Reset()
		}
	}
	c := dialH2(t, s.url)
	if status := c.status(c.send(true, honest()...)); status != "204" {
		t.Errorf("honest: %s", status)
	}
	s.record(t)

	const agrees = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
	for _, reply := range []string{"HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nok", agrees + "\r\n", agrees + "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"} {
		s := openSchool(t, reply, "")
		for _, path := range []string{"/health", "/socket"} { // only the second one may upgrade
			r := get(path, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
			if status := s.say(t, r); status < 400 {
				t.Errorf("%s: %q became %d", path, reply, status)
			}
			if r := s.record(t); !r.Refused {
				t.Errorf("%s: %q: %+v", path, reply, r)
			}
		}
	}
}

// Messages that cost more than they are.
func TestLesson21(t *testing.T) {
	s := openSchool(t, noContent, "")
	part := "--b\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n\xff\xfe\r\n--b--\r\n"
	zip := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.zip\"\r\nContent-Type: application/zip\r\nContent-Encoding: gzip\r\n\r\n" + string(zipped(strings.Repeat("\x00", 8<<20))) + "\r\n--b--\r\n"
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 20 {
		s.learns(t, get("/items?f[999999999]=1"), outcome{400, "validate.", ""})
		s.learns(t, get("/items?f[a][b]=1"), outcome{400, "validate.", ""})
		s.learns(t, note("multipart/form-data; boundary=b", part), outcome{400, "content. validate.", ""})
		s.learns(t, note("multipart/form-data; boundary=b", zip), outcome{400, "content. validate.", ""})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}

// JSON with two readings; and exactly what was judged goes on.
func TestLesson22(t *testing.T) {
	s := openSchool(t, noContent, "")
	for _, body := range []string{`{"role":"u","role":"admin"}`, `{"role":"u","Role":"admin"}`, `{"role":"u","\u0072ole":"admin"}`, `{"role":"u"}{}`, "\xef\xbb\xbf{}", "{\x00}", `{"role":NaN}`,
		`{"role":"\ud800"}`, "{\"role\":\"\xff\"}", strings.Repeat("[", 10000), "\xff\xfe{\x00}\x00"} {
		s.learns(t, note("application/json", body), outcome{400, "content. validate.", ""})
	}
	if _, got := s.learns(t, note("application/json", "{ \"role\" :\t\"caf\u00e9\\u0041\"}"), outcome{204, "", "/notes"}); string(got.Body) != "{ \"role\" :\t\"caf\u00e9\\u0041\"}" {
		t.Errorf("sent %q", got.Body)
	}
	s.learns(t, note("application/json", string(zipped(strings.Repeat(" ", 64<<20))), "Content-Encoding: gzip"), outcome{413, "content.", ""})
	s.learns(t, note("application/json", "{}", "Content-Encoding: zip"), outcome{415, "content.encoding", ""})
}

// Ways to show the rules one text and the service another.
func TestLesson23(t *testing.T) {
	s := openSchool(t, noContent, "")
	for _, media := range []string{"application/json; charset=utf-7", "application/json; charset=ibm037", "application/json; charset=utf-16", "application/json, text/plain", "text/html"} {
		s.learns(t, note(media, "{}"), outcome{415, "content. validate.", ""})
	}
	s.learns(t, note("application/json", "{}", "Content-Type: text/plain"), outcome{400, "protocol.header", ""})
	for _, part := range []string{"Content-Disposition: form-data;\r name=\"n\"", "Content-Disposition: form-data; name=\"n\"\r\nContent-Type: text/plain; charset=utf-7", "Content-Disposition: form-data; name=\"n\"; name=\"x\"", "Content-Disposition: form-data; name=\"_charset_\""} {
		s.learns(t, note("multipart/form-data; boundary=b", "--b\r\n"+part+"\r\n\r\n1\r\n--b--\r\n"), outcome{400, "content. validate.", ""})
	}
	_, got := s.learns(t, get("/health", "Range: bytes=0-1", "Accept-Charset: ibm037", "Accept-Encoding: br"), outcome{204, "", "/health"})
	if got.Get("Range") != nil || got.Get("Accept-Charset") != nil || got.Get("Accept-Encoding")[0] != "identity" {
		t.Errorf("the upstream was asked by %q", got.Raw)
	}
}

// Whatever a stranger sends, a log line is one line of JSON. What the admin listener shows to whom is in package admin.
func TestLesson24(t *testing.T) {
	s := openSchool(t, noContent, "    unknown: inspect\n")
	file := filepath.Join(t.TempDir(), "access.log")
	log, err := telemetry.OpenAccessLog(file)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, m := range []string{get("/a%0d%0a{\"injected\":1}"), get("/a\x1b[2J"), get("/%1b%5b2J"), get("/health?a\"=%22}%0a{"), get("/health", "User-Agent: a\"}{\"x\":\"\x1b[31m"),
		get("/health", "User-Agent: \u202eevil\u2028"), "GET /\r{\"injected\":1} HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\"b\r\n\r\n", "\"\n{}\n HTTP/1.1\r\n\r\n"} {
		s.say(t, m)
		log.Record(s.record(t))
		n++
	}
	const hostile = "\"}\r\n{\"injected\":1}\x1b[31m\u2028\u202e\u0085\xff\x00"
	full := new(exchange.Record)
	fill(reflect.ValueOf(full).Elem(), hostile)
	log.Record(full)
	n++
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) != n || strings.ContainsAny(string(text), "\x1b\r\x00\u202e\u2028\u0085") || !utf8.Valid(text) {
		t.Errorf("%d lines of %d records: %q", len(lines), n, text)
	}
	for _, line := range lines {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil || v["injected"] != nil {
			t.Errorf("%v: %s", errors.Join(err), line)
		}
	}
	if last := lines[len(lines)-1]; strings.Count(last, "injected") < 15 {
		t.Errorf("fields are missing from %s", last)
	}
}

// fill puts a text into every field that is one, however deep.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i), text)
			}
		}
	}
}

// Nothing is shared between clients, and letters are ASCII.
func TestLesson25(t *testing.T) {
	s := openSchool(t, noContent, "    unknown: inspect\n")
	for range 2 { // each goes to the upstream, and back to the one who asked
		s.learns(t, get("/health", "Cache-Control: max-age=60"), outcome{204, "", "/health"})
	}
	for _, target := range []string{"/health%c5%bf", "/%e2%84%aa", "/\u017f", "/%c0%af", "/%e0%80%af", "/adm%ef%bd%89n/..%c0%ae", "/%ff"} {
		s.learns(t, get(target), outcome{400, "protocol.target", ""})
	}
	start := time.Now()
	s.learns(t, get("/public/"+strings.Repeat("a", 16<<10)+"!"), outcome{400, "protocol.target", ""})
	t.Logf("a long path took %s", time.Since(start)) // what each rule costs is a benchmark of inspect
}
