package listen

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sallyport/sallyport/config"
)

// The rate limiters of certmagic are one for each authority and account, and live as long as the process; a lock file of
// its is let go of up to five seconds after it is gone.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.(*RingBufferRateLimiter).loop"), goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"))
}

// start serves h on loopback until the test ends.
func start(t *testing.T, l config.Listener, h http.Handler) *Server {
	t.Helper()
	return startWith(t, l, h, Options{})
}

func startWith(t *testing.T, l config.Listener, h http.Handler, o Options) *Server {
	t.Helper()
	l.Address = "127.0.0.1:0"
	s, err := New(l, h, o)
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		if err := s.Serve(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		s.Shutdown(context.Background())
		done.Wait()
	})
	return s
}

// writeCert makes a self-signed certificate for 127.0.0.1 with the serial number.
func writeCert(t testing.TB, dir string, serial int64) config.TLS {
	t.Helper()
	return writeCertUntil(t, dir, serial, time.Now().Add(time.Hour))
}

func writeCertUntil(t testing.TB, dir string, serial int64, end time.Time) config.TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: end, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := config.TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	for name, block := range map[string]*pem.Block{files.Cert: {Type: "CERTIFICATE", Bytes: der}, files.Key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	good := writeCert(t, dir, 1)
	for name, c := range map[string]struct {
		l    config.Listener
		want string
	}{
		"plain on all addresses": {config.Listener{Address: ":0"}, "insecure: true"},
		"plain on 0.0.0.0":       {config.Listener{Address: "0.0.0.0:0"}, "insecure: true"},
		"plain on [::]":          {config.Listener{Address: "[::]:0"}, "insecure: true"},
		"no port":                {config.Listener{Address: "127.0.0.1"}, "127.0.0.1"},
		"no certificate":         {config.Listener{Address: "127.0.0.1:0", TLS: &config.TLS{Cert: filepath.Join(dir, "none"), Key: good.Key}}, "none"},
		"no key":                 {config.Listener{Address: "127.0.0.1:0", TLS: &config.TLS{Cert: good.Cert, Key: good.Cert}}, "key"},
		"bad proxy":              {config.Listener{Address: "127.0.0.1:0", TrustedProxies: []string{"all"}}, "trusted_proxies"},
	} {
		s, err := New(c.l, http.NotFoundHandler(), Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if s != nil {
			t.Errorf("%s: a server was returned", name)
		}
	}
	s, err := New(config.Listener{Address: "0.0.0.0:0", Insecure: true}, http.NotFoundHandler(), Options{})
	if err != nil {
		t.Fatalf("insecure: true: %v", err)
	}
	if err := s.Shutdown(context.Background()); err != nil { // never served
		t.Error(err)
	}
	if err := s.Serve(); err != nil {
		t.Errorf("Serve after Shutdown: %v", err)
	}
}

func TestTLS(t *testing.T) {
	files := writeCert(t, t.TempDir(), 1)
	s := start(t, config.Listener{TLS: &files}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := Client(r)
		fmt.Fprintf(w, "%s %v %s", c.Proto, c.TLS, c.ServerName)
	}))
	dial := func(c *tls.Config) (*tls.Conn, error) {
		c.InsecureSkipVerify = true
		return tls.Dial("tcp", s.Addr().String(), c)
	}
	for name, c := range map[string]*tls.Config{
		"TLS 1.1":               {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"CBC":                   {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA}},
		"no forward secrecy":    {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}},
		"unknown protocol only": {NextProtos: []string{"spdy/3"}},
	} {
		if conn, err := dial(c); err == nil {
			t.Errorf("%s was accepted", name)
			conn.Close()
		}
	}
	conn, err := dial(&tls.Config{NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if st := conn.ConnectionState(); st.Version != tls.VersionTLS13 || st.CurveID != tls.X25519MLKEM768 || st.NegotiatedProtocol != "h2" {
		t.Errorf("negotiated %x %v %s", st.Version, st.CurveID, st.NegotiatedProtocol)
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "shop.example"}, ForceAttemptHTTP2: true}
	defer tr.CloseIdleConnections()
	if got := fetch(t, tr, "https://"+s.Addr().String()); got != "HTTP/2.0 true shop.example" {
		t.Error(got)
	}
}

func fetch(t *testing.T, tr *http.Transport, url string) string {
	t.Helper()
	resp, err := (&http.Client{Transport: tr}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestReload(t *testing.T) {
	dir := t.TempDir()
	files := writeCert(t, dir, 1)
	s := start(t, config.Listener{TLS: &files}, http.NotFoundHandler())
	serial := func() int64 {
		conn, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	writeCert(t, dir, 2)
	if serial() != 1 {
		t.Error("changed without Reload")
	}
	if err := s.Reload(); err != nil || serial() != 2 {
		t.Errorf("Reload: %v, serial %d", err, serial())
	}
	if err := os.WriteFile(files.Key, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(); err == nil || serial() != 2 {
		t.Errorf("Reload of a broken key: %v, serial %d", err, serial())
	}
}

func TestH2C(t *testing.T) {
	s := start(t, config.Listener{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	defer tr.CloseIdleConnections()
	if got := fetch(t, tr, "http://"+s.Addr().String()); got != "HTTP/2.0" {
		t.Error(got)
	}
}

// raw sends bytes and returns everything that comes back until the server closes.
func raw(t *testing.T, s *Server, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	io.WriteString(c, request) // the server may have closed already: what it said is what counts
	got, err := io.ReadAll(c)
	if err != nil && len(got) == 0 {
		t.Fatalf("no answer: %v", err)
	}
	return string(got)
}

func TestLimits(t *testing.T) {
	s := start(t, config.Listener{MaxHeader: 4096, HeaderTimeout: config.Duration(50 * time.Millisecond), IdleTimeout: config.Duration(50 * time.Millisecond)},
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "served "+r.RequestURI) }))
	if got := raw(t, s, "GET / HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("a", 16<<10)+"\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 431") {
		t.Errorf("large header: %.60q", got)
	}
	if got := raw(t, s, "GET /slow HTTP/1.1\r\nHost: a\r\nX-Nev"); strings.Contains(got, "served") {
		t.Errorf("slow header: %q", got)
	}
	if got := raw(t, s, "GET /idle HTTP/1.1\r\nHost: a\r\n\r\n"); !strings.Contains(got, "served /idle") {
		t.Errorf("idle: %q", got)
	}
	if got := raw(t, s, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"); !strings.Contains(got, "served *") {
		t.Errorf("OPTIONS * did not reach the handler: %q", got)
	}
}

// What could be framed in two ways is refused, and its connection carries no second request; the rest is kept alive.
func TestClosing(t *testing.T) {
	s := start(t, config.Listener{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "<%s %s>", r.RequestURI, body)
	}))
	chunked := "POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
	second := "GET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	for name, c := range map[string]struct {
		first   string
		refused bool
	}{
		"honest":        {"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", false},
		"chunked":       {chunked, false},
		"in a body":     {"POST /0 HTTP/1.1\r\nHost: a\r\nContent-Length: 14\r\n\r\ncontent-length" + chunked, false},
		"both framings": {"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", true},
		"odd case":      {"POST /1 HTTP/1.1\r\nHost: a\r\ncONTENT-lENGTH: 12\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", true},
		"behind a keepalive": {"POST /0 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" +
			"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", true},
		"chunked 1.0": {"POST /1 HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\nhi", true},
	} {
		got := raw(t, s, c.first+second)
		if strings.Contains(got, " 400 Bad Request") != c.refused || strings.Contains(got, "</1 hi>") == c.refused || strings.Contains(got, "</second") == c.refused {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestShutdown(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s := start(t, config.Listener{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-leave
		io.WriteString(w, "finished")
	}))
	answer := make(chan string)
	go func() { answer <- raw(t, s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") }()
	<-entered
	drained := make(chan error)
	go func() { drained <- s.Shutdown(context.Background()) }()
	for { // until the socket is closed
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			break
		}
		c.Close()
	}
	close(leave)
	if got := <-answer; !strings.Contains(got, "finished") {
		t.Errorf("request in flight: %q", got)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

func TestShutdownCuts(t *testing.T) {
	entered, over := make(chan struct{}), make(chan struct{})
	s := start(t, config.Listener{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		close(over)
	}))
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-entered
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cut: %v", err)
	}
	<-over
	if _, err := bufio.NewReader(c).ReadByte(); err == nil {
		t.Error("the connection is still open")
	}
}

// A client that does not read what it asked for is cut off; one that reads slowly is not.
func TestStalledReader(t *testing.T) {
	ended := make(chan error, 1)
	l := config.Listener{Address: "127.0.0.1:0", Limits: config.Limits{RateWindow: config.Duration(300 * time.Millisecond)}}
	s, err := New(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		for piece := make([]byte, 64<<10); err == nil; {
			_, err = w.Write(piece)
		}
		ended <- err
	}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- s.Serve() }()
	defer func() { s.Shutdown(context.Background()); <-done }()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	for range 20 { // longer than the limit in all
		time.Sleep(20 * time.Millisecond)
		if _, err := io.CopyN(io.Discard, c, 1<<20); err != nil {
			t.Fatalf("cut off while reading: %v", err)
		}
	}
	select {
	case err := <-ended:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the answer is still held")
	}
}

// What strangers provoke stays below the level that is logged by default; a panic does not.
func TestErrorLog(t *testing.T) {
	var out bytes.Buffer
	l := errorLog(slog.New(slog.NewJSONHandler(&out, nil)))
	l.Printf("http: TLS handshake error from 192.0.2.1:1: EOF\n\x1b[31m")
	if out.Len() > 0 {
		t.Error(out.String())
	}
	l.Printf("http: panic serving 192.0.2.1:1: boom\nforged line")
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "boom") {
		t.Error(got)
	}
	errorLog(nil).Print("into the void")
}
