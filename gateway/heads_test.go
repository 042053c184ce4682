package gateway

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// net/http has answers of its own, without a code, an id or a record. No head of HTTP/1 gets one: each is answered by a
// problem, has one record, and ends the connection.
func TestNoAnswerIsTheServersOwn(t *testing.T) {
	g := serve(t, recordSpec, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("forwarded") }), open)
	const host = "Host: shop.example\r\n"
	large := strings.Repeat("a", 40<<10)
	for name, c := range map[string]struct {
		head, code string
		status     int
	}{
		"no method":        {"G(T / HTTP/1.1\r\n" + host, "protocol.framing", 400},
		"no Host":          {"GET / HTTP/1.1\r\n", "protocol.header", 400},
		"bad Host":         {"GET / HTTP/1.1\r\nHost: a b\r\n", "protocol.header", 400},
		"two Hosts":        {"GET / HTTP/1.1\r\n" + host + host, "protocol.header", 400},
		"version 2":        {"GET / HTTP/2.0\r\n" + host, "protocol.framing", 400},
		"version 1.2":      {"GET / HTTP/1.2\r\n" + host, "protocol.framing", 400},
		"no version":       {"GET /\r\n", "protocol.framing", 400},
		"another Expect":   {"POST / HTTP/1.1\r\n" + host + "Expect: x\r\nContent-Length: 1\r\n", "protocol.header", 400},
		"large line":       {"GET /" + large + " HTTP/1.1\r\n" + host, "protocol.header_size", 431},
		"large field":      {"GET / HTTP/1.1\r\n" + host + "X: " + large + "\r\n", "protocol.header_size", 431},
		"large header":     {"GET / HTTP/1.1\r\n" + host + strings.Repeat("X: y\r\n", 8<<10), "protocol.header_size", 431},
		"CONNECT":          {"CONNECT a:1 HTTP/1.1\r\n" + host, "protocol.target", 400},
		"preface":          {"PRI * HTTP/1.1\r\n" + host, "protocol.target", 400},
		"bad escape":       {"GET /%zz HTTP/1.1\r\n" + host, "protocol.target", 400},
		"no target":        {"GET  HTTP/1.1\r\n" + host, "protocol.target", 400},
		"gzip":             {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n", "protocol.framing", 400},
		"two framings":     {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", "protocol.framing", 400},
		"negative length":  {"POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n", "protocol.framing", 400},
		"endless length":   {"POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n", "protocol.framing", 400},
		"framing trailer":  {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n", "protocol.framing", 400},
		"bad trailer":      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTrailer: @@@, Host\r\n", "protocol.framing", 400},
		"space in a name":  {"GET / HTTP/1.1\r\n" + host + "X y: z\r\n", "protocol.header", 400},
		"NUL":              {"GET / HTTP/1.1\r\n" + host + "X: \x00\r\n", "protocol.header", 400},
		"name not ASCII":   {"GET / HTTP/1.1\r\n" + host + "X\xff: z\r\n", "protocol.header", 400},
		"chunks, HTTP/1.0": {"POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n", "protocol.framing", 400},
		"TLS":              {"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", "protocol.framing", 400},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = io.WriteString(conn, c.head+"\r\n") // it may be refused before its end
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		problemOf(t, g, name, resp, c.code, c.status)
		if !resp.Close {
			t.Errorf("%s: the connection goes on", name)
		}
		conn.Close()
	}
}

// problemOf demands an answer of ours, and the one record that belongs to it.
func problemOf(t *testing.T, g *gate, name string, resp *http.Response, code string, status int) {
	t.Helper()
	var p problem
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: %s, %v", name, resp.Status, err)
	}
	r := g.record(t)
	if p.Code != code || resp.StatusCode != status || r.Code != code || r.Status != status || r.ID != p.Exchange {
		t.Errorf("%s: %s %+v, recorded as %d %s %s", name, resp.Status, p, r.Status, r.Code, r.ID)
	}
}

// Over HTTP/2 a header that is larger than allowed is ours to refuse, too.
func TestLargeHeaderOfHTTP2(t *testing.T) {
	g := serve(t, recordSpec, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("forwarded") }), open)
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	for name, header := range map[string]http.Header{"one": {"X-Large": {strings.Repeat("a", 33<<10)}}, "many": many(1100)} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+"/people/7", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		problemOf(t, g, name, resp, "protocol.header_size", 431)
		resp.Body.Close()
	}
}

func many(n int) http.Header {
	h := http.Header{}
	for i := range n {
		h.Set(fmt.Sprintf("X-%d", i), "a")
	}
	return h
}

// What is announced as larger than allowed nobody is told to send.
func TestTooLargeIsNotAskedFor(t *testing.T) {
	g := serve(t, recordSpec, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("forwarded") }), open)
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(conn, "POST /people HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	problemOf(t, g, "too large", resp, "content.too_large", http.StatusRequestEntityTooLarge)
}
