package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// A browser's words, for clients that are none.
const browserSays = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"

// An errand is what a client is to do: requests of one kind.
type errand struct {
	name   string
	method string
	paths  []string
	do     string // for the page of a browser
}

// errands of clients that are no scanners.
var errands = []errand{
	{"list", "GET", []string{"/items"}, "list"},
	{"item", "GET", []string{"/items/7"}, "item"},
	{"order", "POST", []string{"/orders"}, "order"},
	{"walk", "GET", []string{"/items", "/items/1", "/items/2", "/items/3", "/items/4", "/items/5", "/items/6", "/items/7", "/items/8"}, "walk"},
}

// page lets a browser go on an errand of its own.
const page = `<!doctype html><title>shop</title><script type=module>
const errands = { list: [["/items"]], item: [["/items/7"]], order: [["/orders", { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"item":7}' }]],
	walk: [["/items"], ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => ["/items/" + n])] };
for (const call of errands[new URLSearchParams(location.search).get("do")]) await fetch(...call);
</script>`

// shop is the service behind the gateway.
var shop = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	switch {
	case r.URL.Path == "/":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, page)
		return
	case r.Method == http.MethodPost:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
	case strings.HasPrefix(r.URL.Path, "/items/") && len(r.URL.Path) > len("/items/9"):
		w.WriteHeader(http.StatusNotFound)
		return
	default:
		w.Header().Set("Content-Type", "application/json")
	}
	fmt.Fprint(w, "{}")
})

// A client is a program that goes on errands. What it is called with has $URL (all of them), $BASE, $UA (empty: its own), $KEY and $DIR.
type client struct {
	name     string
	package_ string // of Debian
	own      exchange.Rating
	posing   exchange.Rating // with a browser's User-Agent
	scanner  bool            // goes on errands of its own
	keyed    bool            // goes with a credential too
	command  func(r run) []string
}

// A run is one client on one errand.
type run struct {
	client
	errand
	ua, key, base, dir string
}

func (r run) urls() (list []string) {
	for _, p := range r.paths {
		list = append(list, r.base+p)
	}
	return list
}

// unless is the option with a value, or nothing where the value is empty.
func unless(value string, option ...string) []string {
	if value == "" {
		return nil
	}
	return option
}

func script(interpreter, file, library string) func(run) []string {
	return func(r run) []string {
		return append([]string{interpreter, file, library, r.ua, r.key, r.method}, r.urls()...)
	}
}

// clients and what each is, written down before anything was measured: who says that it is a program, and is one, is suspected; one that
// says it is a browser and is none, a scanner and a flood are hostile.
var clients = []client{
	{"curl", "curl", exchange.Suspected, exchange.Hostile, false, true, func(r run) []string {
		args := append([]string{"curl", "-sk", "-o", "/dev/null"}, unless(r.ua, "-A", r.ua)...)
		args = append(args, unless(r.key, "-H", "X-API-Key: "+r.key)...)
		if r.method == "POST" {
			args = append(args, "-H", "Content-Type: application/json", "-d", `{"item":7}`)
		}
		return append(args, r.urls()...)
	}},
	{"wget", "wget", exchange.Suspected, exchange.Hostile, false, false, func(r run) []string {
		args := append([]string{"wget", "-q", "-O", "/dev/null", "--no-check-certificate"}, unless(r.ua, "-U", r.ua)...)
		if r.method == "POST" {
			args = append(args, "--header", "Content-Type: application/json", "--post-data", `{"item":7}`)
		}
		return append(args, r.urls()...)
	}},
	{"go", "", exchange.Suspected, exchange.Hostile, false, true, nil},
	{"requests", "python3-requests", exchange.Suspected, exchange.Hostile, false, true, script("/usr/bin/python3", "client.py", "requests")},
	{"urllib", "python3", exchange.Suspected, exchange.Hostile, false, false, script("/usr/bin/python3", "client.py", "urllib")},
	{"httpx", "python3-httpx", exchange.Suspected, exchange.Hostile, false, true, script("/usr/bin/python3", "client.py", "httpx")},
	{"aiohttp", "python3-aiohttp", exchange.Suspected, exchange.Hostile, false, false, script("/usr/bin/python3", "client.py", "aiohttp")},
	{"fetch", "nodejs", exchange.Suspected, exchange.Hostile, false, true, script("node", "client.mjs", "fetch")},
	{"https", "nodejs", exchange.Suspected, exchange.Hostile, false, false, script("node", "client.mjs", "https")},
	{"chromium", "chromium", exchange.Suspected, exchange.LikelyHuman, false, false, func(r run) []string {
		args := append([]string{"chromium", "--headless", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors", "--user-data-dir=" + r.dir, "--virtual-time-budget=8000"},
			unless(r.ua, "--user-agent="+r.ua)...)
		return append(args, "--dump-dom", r.base+"/?do="+r.do)
	}},
	{"firefox", "firefox-esr", exchange.LikelyHuman, "", false, false, func(r run) []string {
		return []string{"firefox-esr", "--headless", "--no-remote", "--profile", r.dir, "--screenshot", r.dir + "/shot.png", r.base + "/?do=" + r.do}
	}},
	{"wrk", "wrk", exchange.Hostile, exchange.Hostile, true, false, func(r run) []string {
		return append(append([]string{"wrk", "-t1", "-c8", "-d6s"}, unless(r.ua, "-H", "User-Agent: "+r.ua)...), r.base+r.paths[0])
	}},
	{"ffuf", "ffuf", exchange.Hostile, exchange.Hostile, true, false, func(r run) []string {
		return append(append([]string{"ffuf", "-s", "-t", "8", "-w", "words.txt"}, unless(r.ua, "-H", "User-Agent: "+r.ua)...), "-u", r.base+r.paths[1])
	}},
	{"sqlmap", "sqlmap", exchange.Hostile, exchange.Hostile, true, false, func(r run) []string {
		args := []string{"sqlmap", "--batch", "--flush-session", "--technique=B", "--level=1", "--threads=2", "--output-dir=" + r.dir, "--timeout=10", "--retries=0", "--smart", "-u", r.base + r.paths[2]}
		return append(args, unless(r.ua, "--user-agent="+r.ua)...)
	}},
	{"wapiti", "wapiti", exchange.Hostile, exchange.Hostile, true, false, func(r run) []string {
		args := []string{"wapiti", "--verify-ssl", "0", "--flush-session", "--no-bugreport", "-m", "exec,file,sql", "--max-scan-time", "1", "-v", "0", "-o", r.dir + "/report", "-u", r.base + r.paths[3]}
		return append(args, unless(r.ua, "-A", r.ua)...)
	}},
}

// scans are the errands of scanners: what wrk, ffuf, sqlmap and wapiti ask for.
var scans = []errand{
	{"top", "GET", []string{"/items", "/FUZZ", "/items?q=1", "/items?q=1"}, ""},
	{"deep", "GET", []string{"/items/7", "/items/FUZZ", "/items/7*", "/?do=list"}, ""},
}

// goes lets the client run; it ends within a minute and a half.
func (r run) goes(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	if r.command == nil {
		r.inGo(ctx, t)
		return
	}
	args := r.command(r)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "NODE_TLS_REJECT_UNAUTHORIZED=0", "NODE_NO_WARNINGS=1", "HOME="+r.dir, "MOZ_DISABLE_CONTENT_SANDBOX=1")
	cmd.Dir = "testdata/bots"
	cmd.WaitDelay = 5 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil && !r.scanner {
		t.Logf("%v: %s", err, bytes.TrimSpace(out))
	}
}

// inGo is Go's own client.
func (r run) inGo(ctx context.Context, t *testing.T) {
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer tr.CloseIdleConnections()
	for _, url := range r.urls() {
		var body io.Reader
		if r.method == http.MethodPost {
			body = strings.NewReader(`{"item":7}`)
		}
		req, err := http.NewRequestWithContext(ctx, r.method, url, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if r.ua != "" {
			req.Header.Set("User-Agent", r.ua)
		}
		if r.key != "" {
			req.Header.Set("X-API-Key", r.key)
		}
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}

// A relay takes connections to the gateway, from an address of their own, and keeps what each client says first.
type relay struct {
	net.Listener
	mu     sync.Mutex
	hellos [][]byte
}

// newRelay listens until the test ends. Nothing is decrypted: the handshake is that of client and gateway.
func newRelay(t *testing.T, to, from string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l}
	t.Cleanup(func() { l.Close() })
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			up, err := dialer.Dial("tcp", to)
			if err != nil {
				c.Close()
				continue
			}
			go r.carry(c, up)
			go func() { _, _ = io.Copy(c, up); c.Close() }()
		}
	}()
	return r
}

// carry keeps the first record, of which a hello is part.
func (r *relay) carry(client, gateway net.Conn) {
	defer gateway.Close()
	head := make([]byte, 5)
	if _, err := io.ReadFull(client, head); err != nil {
		return
	}
	rest := make([]byte, int(head[3])<<8|int(head[4]))
	if _, err := io.ReadFull(client, rest); err != nil {
		return
	}
	hello := append(head, rest...)
	r.mu.Lock()
	if len(r.hellos) < 8 {
		r.hellos = append(r.hellos, hello)
	}
	r.mu.Unlock()
	if _, err := gateway.Write(hello); err == nil {
		_, _ = io.Copy(gateway, client)
	}
}

// fingerprints are the JA4 of the hellos, computed from their bytes by a second implementation.
func (r *relay) fingerprints(t *testing.T) (list []string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, hello := range r.hellos {
		script := exec.Command("/usr/bin/python3", "../listen/testdata/ja4.py")
		script.Stdin = strings.NewReader(hex.EncodeToString(hello))
		out, err := script.Output()
		if err != nil {
			t.Fatalf("no second opinion: %v", err)
		}
		list = append(list, strings.TrimSpace(string(out)))
	}
	return list
}
