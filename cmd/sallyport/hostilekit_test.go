package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/internal/testkit"
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
	address, err := testkit.FindAddress()
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

// besieged is the process of the service behind them all: it writes its address, and serves until its input ends.
func besieged() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	order, big := `{"id":"a1","note":"`+strings.Repeat("x", 1000)+`"}`, make([]byte, 64<<10)
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // for this machine alone
			if r.URL.Path != "/big" {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, order)
				return
			}
			w.Header().Set("Content-Type", "application/octet-stream")
			for range 128 {
				if _, err := w.Write(big); err != nil {
					return
				}
			}
		}))
	}()
	fmt.Println(l.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// service starts it.
func (s *siege) service() {
	c := exec.Command("besieged")
	in, err := c.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { in.Close(); _ = c.Wait() })
	if _, err := fmt.Fscanln(out, &s.upstream); err != nil {
		s.t.Fatal(err)
	}
}
