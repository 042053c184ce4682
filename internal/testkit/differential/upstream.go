package differential

import (
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit"
)

// An Upstream is a server that tells what it reads. It ends with the test.
type Upstream struct {
	Name     string
	URL      string       // http://127.0.0.1:port
	Readings chan Reading // complete requests, in the order in which they were read
	Broken   chan string  // what a raw recorder could not read, and why; no such thing may come
}

// Kinds are all servers, by name, in the order of their speed. Raw and Go are always there; the others report by
// skipping the test that they are not installed.
var Kinds = []struct {
	Name  string
	Start func(testing.TB) *Upstream
}{
	{"raw", startRaw}, {"go", startGo}, {"haproxy", startHAProxy}, {"nginx", startNginx}, {"node", startNode}, {"apache", startApache},
	{"python", startPython},
}

func newUpstream(name, url string) *Upstream {
	return &Upstream{Name: name, URL: url, Readings: make(chan Reading, 1024), Broken: make(chan string, 1024)}
}

// noContent answers every request, also HEAD.
const noContent = "HTTP/1.1 204 No Content\r\n\r\n"

// startRaw is the recorder alone: it reads more strictly than any server.
func startRaw(t testing.TB) *Upstream {
	u := newUpstream("raw", "")
	u.URL = testkit.Record(t, noContent, func(got *testkit.Received) {
		switch {
		case got.Malformed == "":
			u.Readings <- *recorded(got)
		case !strings.Contains(got.Malformed, "connection ended"): // that is a client that left
			u.Broken <- got.Malformed + ": " + string(short(got.Raw))
		}
	}).URL
	return u
}

// startGo is Go's server and what its handlers are given.
func startGo(t testing.TB) *Upstream {
	u := newUpstream("go", "")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(u.serve), ReadHeaderTimeout: time.Minute, MaxHeaderBytes: 1 << 18}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { s.Close(); <-done })
	u.URL = "http://" + l.Addr().String()
	return u
}

func (u *Upstream) serve(w http.ResponseWriter, r *http.Request) {
	body, err := readAll(r)
	if err != nil {
		return
	}
	u.Readings <- Reading{Method: r.Method, Target: r.RequestURI, Path: r.URL.Path, Query: r.URL.Query(), Host: r.Host, Header: EndToEnd(r.Header), Body: body}
	w.WriteHeader(http.StatusNoContent)
}

// installed is where a program is, or the test is skipped.
func installed(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		for _, dir := range []string{"", "/usr/sbin", "/usr/bin"} {
			if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return path
			}
		}
	}
	t.Skipf("%s is not installed", names[0])
	return ""
}

// launch starts a server with a configuration of ours and waits until it accepts connections. args name the configuration
// file by CONFIG and a directory of its own by DIR; so does the configuration.
func launch(t testing.TB, program, address, configuration string, args ...string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "upstream") // not t.TempDir, which is too long for what some want to put there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(configuration, "DIR", dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range args {
		args[i] = strings.NewReplacer("CONFIG", file, "DIR", dir).Replace(args[i])
	}
	c := exec.Command(program, args...)
	var log strings.Builder
	c.Stderr = &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	t.Cleanup(func() { _ = c.Process.Kill(); <-ended })
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s ended: %s", program, log.String())
		default:
		}
		if time.Since(start) > 30*time.Second {
			t.Fatalf("%s does not accept connections", program)
		}
	}
}
