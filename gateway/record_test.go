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

	"github.com/sallyport/sallyport/config"
)

const recordSpec = `
openapi: 3.1.0
info: { title: People, version: "1" }
paths:
  /people/{email}:
    get:
      parameters:
        - { name: email, in: path, required: true, schema: { type: string, maxLength: 60 }, x-sallyport: { kind: email } }
        - { name: q, in: query, schema: { type: string } }
        - { name: n, in: query, schema: { type: integer } }
        - { name: pin, in: query, schema: { type: integer }, x-sallyport: { kind: secret } }
      responses: { "200": { description: one, content: { application/json: { schema: &one { type: object, required: [id], properties: { id: { type: string }, card: { type: string } } } } } } }
  /people:
    post:
      requestBody: { required: true, content: { application/json: { schema: *one } } }
      responses: { "200": { description: one, content: { application/json: { schema: *one } } } }
`

// recordUpstream answers by X-Scene.
func recordUpstream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch r.Header.Get("X-Scene") {
	case "broken":
		panic(http.ErrAbortHandler)
	case "half":
		w.Header().Set("Content-Length", "100")
	case "slow":
		<-r.Context().Done()
		return
	case "204":
		w.WriteHeader(http.StatusNoContent)
		return
	case "304":
		w.WriteHeader(http.StatusNotModified)
		return
	case "hints":
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
	case "invalid":
		_, _ = io.WriteString(w, `{"id": 7, "card":"s3cret"}`)
		return
	}
	_, _ = io.WriteString(w, `{"id":"a1","card":"4111111111111111","internal":"s3cret"}`)
}

// Whatever becomes of an exchange, it leaves exactly one record, which carries the id that the client was told, what
// the client received, and nothing that was secret.
func TestOneRecordOnEveryPath(t *testing.T) {
	g := serve(t, recordSpec, http.HandlerFunc(recordUpstream), "    modes: { identity: off }\n    timeout: 2s\n    refusals: { limit: 0 }\n")
	for name, c := range map[string]struct {
		line, scene, body string
		status            int
		code, path        string
	}{
		"passed":           {line: "GET /people/s3cret@example.org?q=s3cret&n=5&pin=33445566", status: 200, path: "/people/{email}"},
		"posted":           {line: "POST /people", body: `{"id":"s3cret"}`, status: 200, path: "/people"},
		"head":             {line: "HEAD /people/s3cret@example.org", status: 200, path: "/people/{email}"},
		"no content":       {line: "POST /people", body: `{"id":"s3cret"}`, scene: "204", status: 204, path: "/people"},
		"not modified":     {line: "GET /people/s3cret@example.org", scene: "304", status: 304, path: "/people/{email}"},
		"early hints":      {line: "GET /people/s3cret@example.org", scene: "hints", status: 200, path: "/people/{email}"},
		"bad parameter":    {line: "GET /people/s3cret@example.org?n=s3cret", status: 400, code: "validate.params", path: "/people/{email}"},
		"undeclared":       {line: "GET /people/s3cret@example.org?debug=s3cret", status: 400, code: "validate.params", path: "/people/{email}"},
		"bad body":         {line: "POST /people", body: `{"id":["s3cret"]}`, status: 400, code: "validate.body", path: "/people"},
		"malformed":        {line: "POST /people", body: `{"id":"s3cret"`, status: 400, code: "content.malformed", path: "/people"},
		"twice":            {line: "POST /people", body: `{"id":"s3cret","id":"s3cret"}`, status: 400, code: "content.ambiguous", path: "/people"},
		"attack":           {line: "POST /people", body: `{"id":"s3cret' UNION SELECT password FROM users--"}`, status: 403, code: "inspect.sqli", path: "/people"},
		"wrong method":     {line: "DELETE /people/s3cret@example.org", status: 405, code: "openapi.method", path: "/people/{email}"},
		"unknown":          {line: "GET /nothing?q=s3cret", status: 404, code: "openapi.unknown_operation", path: "/nothing"},
		"two readings":     {line: "GET /a%2fb?q=s3cret", status: 400, code: "protocol.target", path: "/a%2fb"},
		"broken":           {line: "GET /people/s3cret@example.org", scene: "broken", status: 502, code: "forward.broken", path: "/people/{email}"},
		"half":             {line: "GET /people/s3cret@example.org", scene: "half", status: 502, code: "forward.broken", path: "/people/{email}"},
		"slow":             {line: "GET /people/s3cret@example.org", scene: "slow", status: 504, code: "forward.timeout", path: "/people/{email}"},
		"invalid answer":   {line: "GET /people/s3cret@example.org", scene: "invalid", status: 502, code: "validate.response", path: "/people/{email}"},
		"preflight":        {line: "OPTIONS /people/s3cret@example.org", status: 403, code: "protect.cors", path: "/people/{email}"},
		"head of nothing":  {line: "HEAD /nothing", status: 404, code: "openapi.unknown_operation", path: "/nothing"},
		"unknown encoding": {line: "POST /people", scene: "snappy", body: "s3cret", status: 415, code: "content.encoding", path: "/people"},
	} {
		t.Run(name, func(t *testing.T) {
			method, target, _ := strings.Cut(c.line, " ")
			r, _ := http.NewRequest(method, g.url+target, strings.NewReader(c.body))
			r.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer s3cret"}, "Cookie": {"sid=s3cret"}, "X-Scene": {c.scene}}
			if c.scene == "snappy" {
				r.Header.Set("Content-Encoding", "snappy")
			}
			if method == http.MethodOptions {
				r.Header.Set("Origin", "https://app.example")
				r.Header.Set("Access-Control-Request-Method", "GET")
			}
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil {
				t.Error(err)
			}
			record := g.record(t)
			if resp.StatusCode != c.status || record.Status != c.status || record.Code != c.code || record.Refused != (c.code != "") || record.Path != c.path {
				t.Errorf("%s %s; recorded: %+v", resp.Status, body, record)
			}
			if id := resp.Header.Get("X-Request-Id"); id != record.ID || c.code != "" && method != http.MethodHead && !strings.Contains(string(body), `"exchange":"`+id+`"`) {
				t.Errorf("%q in the answer, %q in the record: %s", id, record.ID, body)
			}
			if record.BytesOut != int64(len(body)) && method != http.MethodHead {
				t.Errorf("%d bytes recorded, %d received", record.BytesOut, len(body))
			}
			data, err := json.Marshal(record)
			if err != nil || strings.Contains(string(data), "s3cret") || strings.Contains(string(data), "41111111") || strings.Contains(string(data), "33445566") {
				t.Errorf("%v %s", err, data)
			}
		})
	}
}

func TestQueryIsMasked(t *testing.T) {
	g := serve(t, recordSpec, http.HandlerFunc(recordUpstream), open)
	resp, err := http.Get(g.url + "/people/ada@example.org?q=x&n=5&pin=1234")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if r := g.record(t); r.Query != "q=***&n=5&pin=***" {
		t.Errorf("%q", r.Query)
	}
}

// An upstream that is not there, and one that speaks no HTTP.
func TestRecordWithoutUpstream(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "220 smtp.example ready\r\n")
			c.Close()
		}
	}()
	for _, code := range []string{"forward.broken", "forward.unreachable"} {
		g := newGate(t, recordSpec, "http://"+l.Addr().String(), open, "").open(t)
		resp, err := http.Get(g.url + "/people/ada@example.org")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if r := g.record(t); resp.StatusCode != http.StatusBadGateway || r.Code != code || r.Upstream == nil {
			t.Errorf("%s; recorded: %+v", resp.Status, r)
		}
		l.Close() // the second time, nobody is there
	}
}

// A smuggled request behind one whose framing is in doubt is never read, also when the first one is refused.
func TestRefusalClosesDoubtfulConnection(t *testing.T) {
	g := serve(t, recordSpec, http.HandlerFunc(recordUpstream), open)
	for _, body := range []string{`{"id":"a"}`, `{"id":7}`} {
		c, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST /people HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\nGET /people/smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n", len(body), body)
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		from := bufio.NewReader(c)
		resp, err := http.ReadResponse(from, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		if rest, err := io.ReadAll(from); len(rest) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s was followed by %q, %v", resp.Status, rest, err)
		}
		g.record(t)
	}
}

// A monitored guard's objection is in the record of an exchange that passed.
func TestRecordOfMonitoredGuard(t *testing.T) {
	g := serve(t, recordSpec, http.HandlerFunc(recordUpstream), open+"    mode: monitor\n")
	if status, _, _ := exchanged(t, g.url, "POST /people", nil, `{"id":7}`, ""); status != http.StatusOK {
		t.Error(status)
	}
	objected := 0
	for _, s := range g.record(t).Steps {
		if s.Guard == "validate.body" && s.Mode == config.Monitor && s.Code == "validate.body" && len(s.Fields) == 1 && s.Setting != "" {
			objected++
		}
	}
	if objected != 1 {
		t.Errorf("%d objections", objected)
	}
}
