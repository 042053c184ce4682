package gateway

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/protect"
)

// Every reason of the catalogue makes a problem of the documented shape (RFC 9457), and nothing of the operator's part
// of the verdict is in it.
func TestProblemOfEveryReason(t *testing.T) {
	for _, reason := range exchange.Catalogue() {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Length", "999")
		w.Header().Set("Set-Cookie", "a=1")
		x := &serving{w: w, r: httptest.NewRequest("GET", "/", nil), parts: &Parts{}}
		x.e.ID = "01M85TFEPG30S7FT4XKFZWCP0H"
		x.refuse(exchange.Refuse(reason, "secret").WithSetting("secret").WithRetry(1500*time.Millisecond).WithHeader("Allow", "GET").
			WithFields(exchange.Field{Pointer: "/a", Detail: "is wrong"}))
		var got map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"type": TypeBase + reason.Code, "title": reason.Title, "status": float64(reason.Status), "code": reason.Code, "exchange": x.e.ID}
		for name, v := range want {
			if got[name] != v {
				t.Errorf("%s: %s is %v, want %v", reason.Code, name, got[name], v)
			}
		}
		if len(got) != len(want)+1 || strings.Contains(w.Body.String(), "secret") || w.Code != reason.Status {
			t.Errorf("%s: %d %s", reason.Code, w.Code, w.Body)
		}
		h := w.Header()
		if h.Get("Content-Type") != "application/problem+json" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" ||
			h.Get("Retry-After") != "2" || h.Get("Allow") != "GET" || h.Get("X-Request-Id") != x.e.ID || h.Get("Set-Cookie") != "" ||
			h.Get("Content-Length") != fmt.Sprint(w.Body.Len()) || !strings.Contains(h.Get("Content-Security-Policy"), "'none'") {
			t.Errorf("%s: %v", reason.Code, h)
		}
	}
}

// hostile are texts that would do harm in a page, a terminal, a header or a log.
var hostile = []string{"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "a\r\nX-Injected: 1", "a\x00b", "\x1b]0;owned\x07", "\u202egnp.exe", "\U000e0041tag", "\x7f", "javascript:alert(1)", "%0d%0aX-Injected:%201", "{{7*7}}", "\xff\xfe"}

// What a stranger sends comes back neither as markup nor as control characters, wherever it stood in the request.
func TestNothingIsReflected(t *testing.T) {
	g := newGate(t, plainSpec, "http://127.0.0.1:1", open, "")
	for _, text := range hostile {
		quoted, _ := json.Marshal(text)
		for place, change := range map[string]func(*http.Request){
			"method":  func(r *http.Request) { r.Method = text },
			"target":  func(r *http.Request) { r.RequestURI = "/orders/" + text },
			"query":   func(r *http.Request) { r.RequestURI = "/orders/a1?" + text + "=" + text },
			"escaped": func(r *http.Request) { r.RequestURI = "/orders/a1?" + escape(text) + "=1" },
			"host":    func(r *http.Request) { r.Host = text },
			"type":    func(r *http.Request) { post(r, `{"id":1}`); r.Header.Set("Content-Type", text) },
			"coding":  func(r *http.Request) { post(r, `{"id":1}`); r.Header.Set("Content-Encoding", text) },
			"accept":  func(r *http.Request) { r.Header.Set("Accept", text) },
			"origin":  func(r *http.Request) { r.Header.Set("Origin", text) },
			"name":    func(r *http.Request) { r.Header[text] = []string{"1"} },
			"value":   func(r *http.Request) { post(r, `{"id":`+string(quoted)+`,"other":1}`) },
			"member":  func(r *http.Request) { post(r, `{"id":"a",`+string(quoted)+`:1}`) },
			"broken":  func(r *http.Request) { post(r, `{"id":`+text) },
		} {
			r := httptest.NewRequest("GET", "/orders/a1", nil)
			change(r)
			w := httptest.NewRecorder()
			g.ServeHTTP(w, r)
			g.record(t)
			if w.Code < 400 || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %q: %d", place, text, w.Code)
			}
			var head strings.Builder
			_ = w.Header().Write(&head)
			if strings.ContainsFunc(w.Body.String(), harmful) || strings.Contains(head.String(), "Injected") || strings.ContainsAny(head.String(), "<>\x00\x1b") || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s %q: %q %q", place, text, &head, w.Body)
			}
		}
	}
}

func harmful(r rune) bool {
	return r < ' ' || r == '<' || r == '>' || r == 0x7f || r == '\u202e' || r == '\U000e0041'
}

func escape(text string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, "%%%02X", text[i])
	}
	return b.String()
}

func post(r *http.Request, body string) {
	r.Method, r.RequestURI, r.Body, r.ContentLength = "POST", "/orders", io.NopCloser(strings.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Type", "application/json")
}

// A page of an allowed origin may read why it was refused; any other may not.
func TestRefusalAcrossOrigins(t *testing.T) {
	g := newGate(t, plainSpec, "http://127.0.0.1:1", open+"    protect: { cors: { origins: [\"https://app.example\"] } }\n", "")
	for origin, want := range map[string]string{"https://app.example": "https://app.example", "https://evil.example": "", "": ""} {
		r := httptest.NewRequest("GET", "/orders/toolongtoolongtoolong", nil)
		r.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != want || w.Code != http.StatusBadRequest || w.Header().Get("Vary") != "Origin" {
			t.Errorf("%q: %d %v", origin, w.Code, w.Header())
		}
	}
}

// After a refusal a connection lives on where the whole request was read, and ends where it was not.
func TestRefusalAndConnection(t *testing.T) {
	g := serve(t, plainSpec, http.HandlerFunc(orders), open)
	for name, c := range map[string]struct {
		request string
		closes  bool
	}{
		"no body":      {"GET /orders/toolongtoolongtoolong HTTP/1.1\r\nHost: a.example\r\n\r\n", false},
		"judged body":  {"POST /orders HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"id\":7}", false},
		"unread body":  {"POST /nothing HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"id\":7}", true},
		"two readings": {"GET /a/../b HTTP/1.1\r\nHost: a.example\r\n\r\n", true},
		"old version":  {"GET /orders/toolongtoolongtoolong HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n", true},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		from := bufio.NewReader(conn)
		for i := range 2 {
			if _, err := io.WriteString(conn, c.request); err != nil && i == 0 {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(from, nil)
			if answered := err == nil; answered != (i == 0 || !c.closes) {
				t.Errorf("%s: request %d was answered: %v", name, i+1, answered)
			}
			if err != nil {
				break
			}
			if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode < 400 || resp.Close != c.closes {
				t.Errorf("%s: %v %s, close %v", name, err, resp.Status, resp.Close)
			}
			g.record(t)
		}
		conn.Close()
	}
}

// A preflight is answered here where protect.cors is enforced, and goes to the upstream where it is off.
func TestPreflights(t *testing.T) {
	for _, mode := range []config.Mode{config.Enforce, config.Off} {
		g := serve(t, plainSpec, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Upstream", "1") }),
			fmt.Sprintf("    modes: { identity: off, protect.cors: %s }\n    protect: { cors: { origins: [\"https://app.example\"] } }\n", mode))
		r, _ := http.NewRequest(http.MethodOptions, g.url+"/orders", nil)
		r.Header = http.Header{"Origin": {"https://app.example"}, "Access-Control-Request-Method": {"POST"}}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		asked := resp.Header.Get("X-Upstream") != ""
		if answered := resp.StatusCode == http.StatusNoContent && resp.Header.Get("Access-Control-Allow-Methods") == "POST"; answered == asked || asked != (mode == config.Off) {
			t.Errorf("%s: %s %v", mode, resp.Status, resp.Header)
		}
		if r := g.record(t); r.Refused || r.Undocumented != asked {
			t.Errorf("%+v", r)
		}
	}
}

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{`{"a":"ä€😀"}`: `{"a":"ä€😀"}`, "a\u202eb": `a\u202eb`, "\x7f": `\u007f`, "\U000e0041": `\udb40\udc41`, "\u00a0": `\u00a0`} {
		if got := string(visible([]byte(in))); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

// The nil policy is that of an API without CORS: everything is foreign.
func TestCrossOriginWithoutPolicy(t *testing.T) {
	x := &serving{r: httptest.NewRequest("GET", "/", nil), plan: &plan{corsMode: config.Enforce, cors: (*protect.CORS)(nil)}}
	x.r.Header.Set("Origin", "https://app.example")
	h := http.Header{}
	if x.crossOrigin(h); len(h) != 0 {
		t.Error(h)
	}
}
