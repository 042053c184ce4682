package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/gateway"
	"github.com/sallyport/sallyport/lab"
)

// TestReplayReproducesVerdicts records traffic of every kind with a gateway, and has sallyport replay decide it again under
// the same configuration: all verdicts must be the same. SALLYPORT_ALL=1 sends what there is of the shared data, some
// 30,000 requests, and logs how fast decisions are.
func TestReplayReproducesVerdicts(t *testing.T) {
	if testing.Short() {
		t.Skip("sends more than a thousand requests")
	}
	d, stop := recordDemo(t)
	sent := d.everything(t)
	d.service.drain(0, 10*time.Second)
	stop()
	d.service.close()
	d.service = nil
	file := filepath.Join(d.dir, "sallyport.yaml")
	var out, progress bytes.Buffer
	if code := run([]string{"replay", "--config", file, "-o", "json"}, &out, &progress); code != 0 {
		t.Fatalf("exit code %d: %s", code, &progress)
	}
	var s gateway.Summary
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	if s.Exchanges < sent || s.Sampled > 0 {
		t.Errorf("%d of %d exchanges were decided again, %d are only counted", s.Exchanges, sent, s.Sampled)
	}
	if share := float64(s.Changes[gateway.Same]) / float64(s.Exchanges); share < 0.9999 {
		t.Errorf("%.4f %% of %d verdicts are the same", 100*share, s.Exchanges)
	}
	for _, g := range s.Groups {
		t.Logf("%+v", *g)
	}
	rate, codes := d.decisions(t, file)
	t.Logf("%d exchanges, %d the same, %d different reasons of refusals; %.0f decisions a second on one core, records in memory", s.Exchanges, s.Changes[gateway.Same], len(codes), rate)
	if len(codes) < 15 {
		t.Errorf("the traffic shows little: %v", codes)
	}
}

// recordDemo is the demo with an API beside the shop that has no spec, so that all of what is sent is inspected. Every
// exchange is kept.
func recordDemo(t *testing.T) (*demo, context.CancelFunc) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	first, end := context.WithCancel(t.Context())
	defer end()
	d, err := startDemo(first, &demoCmd{Listen: "127.0.0.1:0", Lab: "127.0.0.1:0", Admin: "off"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	d.service.close() // with other settings
	file := filepath.Join(d.dir, "sallyport.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(text), "/data }", "/data, passed: 1000000 }", 1) +
		"  - { name: rest, base_path: /api/v1, unknown: inspect, upstream: \"" + d.bare + "\", modes: { limit: monitor } }\n"
	if err := os.WriteFile(file, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, src, problems := config.Load(file)
	if cfg == nil {
		t.Fatal(problems)
	}
	end()
	ctx, stop := context.WithCancel(t.Context())
	if d.service, err = assemble(ctx, cfg, src); err != nil {
		t.Fatal(err)
	}
	go d.service.serve(ctx)
	return d, stop
}

// everything sends flaws, what ordinary clients send, and both with attacks in them. It returns how many requests that were.
func (d *demo) everything(t *testing.T) (sent int) {
	t.Helper()
	gate := d.service.listeners[0].url
	for i, f := range lab.Flaws() {
		f.Run(t.Context(), gate, clientFrom(i), d.lab)
	}
	evil := specimens(t)
	ordinary := lab.Traffic()
	client := clientFrom(100)
	for i := range max(len(evil), len(ordinary)) {
		if i%40 == 39 {
			client.CloseIdleConnections()
			client = clientFrom(100 + i/40%150)
		}
		plain := ordinary[i%len(ordinary)]
		a := evil[i%len(evil)]
		for _, r := range []*http.Request{ordinaryRequest(t, plain, gate, d.lab), a.within(t, plain, gate, d.lab), a.alone(gate)} {
			if r == nil {
				continue
			}
			resp, err := client.Do(r)
			if err != nil {
				continue // refused before there was an answer; it may not be recorded
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			sent++
		}
	}
	raw(t, strings.TrimPrefix(gate, "http://"))
	return sent
}

// raw sends what no client library does.
func raw(t *testing.T, address string) {
	for _, line := range []string{"GET /a/../b HTTP/1.1\r\nHost: x", "GET /%zz HTTP/1.1\r\nHost: x", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked", "TRACE /products HTTP/1.1\r\nHost: x", "GET /products;a=b HTTP/1.1\r\nHost: x"} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, line+"\r\nConnection: close\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn)
		conn.Close()
	}
}

func ordinaryRequest(t *testing.T, r lab.Request, gate string, l *lab.Lab) *http.Request {
	t.Helper()
	req, err := r.HTTP(t.Context(), gate, l)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// A specimen is a request of a corpus, mostly an attack.
type specimen struct {
	Method, Path, Query, Body string
	Headers                   map[string]string
}

// specimens are those of the shared data, or with a few lines of our own where it is absent or little is wanted.
func specimens(t *testing.T) (list []specimen) {
	root := os.Getenv("SALLYPORT_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	if os.Getenv("SALLYPORT_ALL") != "" {
		for _, name := range []string{"fuzzdb", "payloadbox", "wafbypass", "mlwaf"} {
			list = append(list, corpus(t, filepath.Join(root, "data", name, name+".jsonl.gz"))...)
		}
	}
	for _, text := range []string{"' OR 1=1--", "<script>alert(1)</script>", "../../etc/passwd", "; cat /etc/passwd", "${jndi:ldap://x/a}", "http://169.254.169.254/", "plain words"} {
		list = append(list, specimen{Method: "GET", Path: "/api/v1/things", Query: "q=" + url.QueryEscape(text)},
			specimen{Method: "POST", Path: "/api/v1/things", Headers: map[string]string{"Content-Type": "application/json"}, Body: fmt.Sprintf(`{"note": %q}`, text)})
	}
	// a star may be a mask, or may have been sent
	return append(list, specimen{Method: "GET", Path: "/api/v1/things/*/"}, specimen{Method: "GET", Path: "/nothing/*"}, specimen{Method: "GET", Path: "/products/*"})
}

func corpus(t *testing.T, file string) (list []specimen) {
	f, err := os.Open(file)
	if err != nil {
		t.Logf("shared test data is absent: %v", err)
		return nil
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	for lines.Buffer(nil, 1<<20); lines.Scan(); {
		var a specimen
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		list = append(list, a)
	}
	return list
}

// alone is the attack as it is, or nil where no client sends it.
func (a specimen) alone(gate string) *http.Request {
	u, err := url.Parse(gate + a.Path)
	if err != nil {
		return nil
	}
	u.RawQuery = a.Query
	r, err := http.NewRequestWithContext(context.Background(), a.Method, u.String(), strings.NewReader(a.Body))
	if err != nil {
		return nil
	}
	for name, value := range a.Headers {
		if name != "Host" {
			r.Header.Set(name, value)
		}
	}
	return r
}

// within is an ordinary request with the attack in it: in its query, in each text of its body, in its header.
func (a specimen) within(t *testing.T, plain lab.Request, gate string, l *lab.Lab) *http.Request {
	plain.Header = maps.Clone(plain.Header)
	var body, own map[string]any
	switch {
	case json.Unmarshal([]byte(plain.Body), &body) == nil && json.Unmarshal([]byte(a.Body), &own) == nil:
		for name, v := range body {
			for _, evil := range own {
				if _, both := evil.(string); both {
					if _, text := v.(string); text {
						body[name] = evil
					}
				}
			}
		}
		changed, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		plain.Body = string(changed)
	case a.Query != "":
		path, query, _ := strings.Cut(plain.Path, "?")
		_, value, _ := strings.Cut(a.Query, "=")
		if name, _, named := strings.Cut(query, "="); named {
			plain.Path = path + "?" + name + "=" + value
		} else {
			plain.Path = path + "?" + a.Query
		}
	}
	r, err := plain.HTTP(t.Context(), gate, l)
	if err != nil {
		return nil
	}
	for name, value := range a.Headers {
		if name != "Host" && name != "Content-Type" {
			r.Header.Set(name, value)
		}
	}
	return r
}

// decisions measures them, of what is kept, and returns the reasons of the refusals.
func (d *demo) decisions(t *testing.T, file string) (rate float64, codes map[string]int) {
	t.Helper()
	cfg, src, problems := config.Load(file)
	if cfg == nil {
		t.Fatal(problems)
	}
	kept, err := openArchiveOf(cfg.Store)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.close()
	bases, err := basesOf(t.Context(), kept.Reader)
	if err != nil {
		t.Fatal(err)
	}
	codes = map[string]int{}
	var list []*exchange.Record
	err = kept.Walk(t.Context(), time.Now().Add(-time.Hour), time.Now(), func(r *exchange.Record) error {
		list = append(list, r)
		if r.Refused {
			codes[r.Code]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r, problems := gateway.NewReplay(cfg, src, newParts(nil), time.Now().Add(-time.Hour), bases)
	if r == nil {
		t.Fatal(problems)
	}
	begun := time.Now()
	for _, rec := range list {
		r.Decide(rec)
	}
	return float64(len(list)) / time.Since(begun).Seconds(), codes
}
