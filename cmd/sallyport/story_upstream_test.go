package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// upstreamCmd serves DIR: METHOD/path is the answer. Beside it, a file with .status changes 200, .type the media type,
// .header adds fields, and .does says what else happens:
//
//	wait   answers when DIR/go is there
//	hang   never answers
//	reset  closes the connection without an answer
//	short  promises more bytes than it sends
//
// What was received is appended to DIR/received.
func upstreamCmd(ts *testscript.TestScript, _ bool, args []string) {
	received, err := os.Create(filepath.Join(ts.MkAbs(args[0]), "received"))
	ts.Check(err)
	u := &storyUpstream{dir: ts.MkAbs(args[0]), received: received}
	server := httptest.NewServer(u)
	ts.Defer(func() {
		server.CloseClientConnections() // of requests that hang
		server.Close()
		received.Close()
	})
	ts.Setenv("UP", server.URL)
}

type storyUpstream struct {
	dir      string
	mu       sync.Mutex
	received io.Writer
}

func (u *storyUpstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.note(r)
	file := filepath.Join(u.dir, r.Method, filepath.FromSlash(r.URL.Path))
	data, err := os.ReadFile(file)
	if err != nil {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	answer := bytes.TrimSpace(data)
	switch or(file+".does", "") {
	case "wait":
		u.wait(r)
	case "hang":
		<-r.Context().Done()
		return
	case "reset":
		reset(w)
		return
	case "short":
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)+100))
	}
	w.Header().Set("Content-Type", or(file+".type", "application/json"))
	w.Header().Set("Server", "shop/1.2.3")
	for line := range strings.Lines(or(file+".header", "")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		w.Header().Add(name, value)
	}
	var status int
	_, _ = fmt.Sscan(or(file+".status", "200"), &status)
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

func (u *storyUpstream) note(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	u.mu.Lock()
	defer u.mu.Unlock()
	fmt.Fprintf(u.received, "%s %s\n", r.Method, r.RequestURI)
	_ = r.Header.Write(u.received)
	fmt.Fprintf(u.received, "\n%s\n", body)
}

func (u *storyUpstream) wait(r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := os.Stat(filepath.Join(u.dir, "go")); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// reset lets the connection end in RST instead of FIN.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func or(file, otherwise string) string {
	if data, err := os.ReadFile(file); err == nil {
		return strings.TrimSpace(string(data))
	}
	return otherwise
}
