package gateway

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit"
)

const monitorSpec = `
openapi: 3.1.0
info: { title: Shop, version: "1" }
security: [ { bearer: [] } ]
paths:
  /orders/{id}:
    get:
      x-sallyport: { roles: [admin] }
      parameters:
        - { name: id, in: path, required: true, schema: { type: string, maxLength: 4 }, x-sallyport: { owner: principal.subject } }
        - { name: q, in: query, schema: { type: string } }
      responses: { "200": &ok { description: one, content: { application/json: { schema: &order { type: object, required: [id], properties: { id: { type: string }, card: { type: string }, email: { type: string, x-sallyport: { kind: email } } } } } } } }
  /orders:
    post:
      requestBody: { required: true, content: { application/json: { schema: { type: object, required: [id], properties: { id: { type: string, maxLength: 40 }, hook: { type: string, format: uri } } } } } }
      responses: { "200": *ok }
components: { securitySchemes: { bearer: { type: http, scheme: bearer } } }
`

const monitorAPI = `    mode: monitor
    security: { bearer: corp }
    rate: { limit: 1, per: 1h, by: client }
    refusals: { limit: 1, per: 1h }
    max_body: 1KiB
    max_response: 64KiB
    protect: { cors: { origins: ["https://app.example"] } }
`

// monitorCases are requests that guards object to, with one of the codes that the record has to show, and answers that
// guards would change. Every one also meets a spent rate, a spent budget of refusals, and no credentials.
var monitorCases = []struct {
	name, line string
	header     http.Header
	body       string
	scene      string // of the upstream's answer
	code       string
}{
	{name: "plain", line: "GET /orders/a1", code: "identity.missing"},
	{name: "spent refusals", line: "GET /orders/a1", code: "limit.admit"},
	{name: "spent rate", line: "GET /orders/a1", code: "limit.rate"},
	{name: "bad token", line: "GET /orders/a1", header: http.Header{"Authorization": {"Bearer nonsense"}}, code: "identity.token_malformed"},
	{name: "role", line: "GET /orders/a1", header: http.Header{"Authorization": nil}, code: "policy.role"}, // with a good token
	{name: "owner", line: "GET /orders/a1", code: "policy.not_owner"},
	{name: "parameter", line: "GET /orders/toolong", code: "validate.params"},
	{name: "undeclared parameter", line: "GET /orders/a1?debug=1&b=%C3%A4&a=", code: "validate.params"},
	{name: "accept", line: "GET /orders/a1", header: http.Header{"Accept": {"image/png"}}, code: "validate.accept"},
	{name: "attack", line: "GET /orders/a1?q=1'%20UNION%20SELECT%20password%20FROM%20users--", code: "inspect.sqli"},
	{name: "body", line: "POST /orders", body: `{"id": 7}`, code: "validate.body"},
	{name: "no body", line: "POST /orders", code: "validate.body_missing"},
	{name: "undeclared field", line: "POST /orders", body: `{"id":"a","admin":true}`, code: "validate.undeclared"},
	{name: "duplicate names", line: "POST /orders", body: `{"id":"a","id":"b"}`, code: "content.ambiguous"},
	{name: "malformed", line: "POST /orders", body: `{"id":`, code: "content.malformed"},
	{name: "media type", line: "POST /orders", header: http.Header{"Content-Type": {"text/csv"}}, body: "a,b", code: "validate.media_type"},
	{name: "too large", line: "POST /orders", body: `{"id":"` + strings.Repeat("x", 4000) + `"}`, code: "content.too_large"},
	{name: "compressed", line: "POST /orders", header: http.Header{"Content-Encoding": {"gzip"}}, body: zipped(`{"id": 7}`), code: "validate.body"},
	{name: "unknown coding", line: "POST /orders", header: http.Header{"Content-Encoding": {"snappy"}}, body: "\xff\x06\x00\x00sNaPpY", code: "content.encoding"},
	{name: "inside address", line: "POST /orders", body: `{"id":"a","hook":"http://169.254.169.254/latest"}`, code: "inspect.ssrf"},
	{name: "body attack", line: "POST /orders", body: `{"id":"<script>alert(1)</script>"}`, code: "inspect.xss"},
	{name: "foreign preflight", line: "OPTIONS /orders", header: http.Header{"Origin": {"https://evil.example"}, "Access-Control-Request-Method": {"POST"}}, code: "protect.cors"},
	{name: "invalid answer", line: "GET /orders/a1", scene: "invalid", code: "validate.response"},
	{name: "leak", line: "GET /orders/a1", scene: "leak", code: "inspect.leak"},
	{name: "failure", line: "GET /orders/a1", scene: "failure", code: "protect.error"},
	{name: "large answer", line: "GET /orders/a1", scene: "large", code: "validate.response"},
	{name: "answer to be filtered and masked", line: "GET /orders/a1", scene: "personal"},
	{name: "compressed answer", line: "GET /orders/a1", header: http.Header{"Accept-Encoding": {"gzip"}}, scene: "zipped", code: "validate.response"},
	{name: "part of an answer", line: "GET /orders/a1", header: http.Header{"Range": {"bytes=2-5"}}, scene: "part"},
	{name: "no media type", line: "GET /orders/a1", scene: "untyped"},
	{name: "cookies and banners", line: "GET /orders/a1", scene: "fields"},
	{name: "trailers", line: "GET /orders/a1", scene: "trailers"},
	{name: "not modified", line: "GET /orders/a1", scene: "304"},
	{name: "no content", line: "POST /orders", body: `{"id":"a"}`, scene: "204"},
	{name: "redirect", line: "GET /orders/a1", scene: "302"},
	{name: "head", line: "HEAD /orders/a1"},
}

// In monitor mode, what the client gets and what the upstream gets is what they would get without the gateway, but for
// the fields that are documented (X-Request-Id; who asks, and for whom); and the record shows what would have been
// refused. Targets are sent in their one spelling in every mode.
func TestMonitorChangesNothing(t *testing.T) {
	upstream := h2cServer(t, http.HandlerFunc(monitored))
	issuer := testkit.NewIssuer(t)
	g := newGate(t, monitorSpec, upstream, monitorAPI, `identity: [ { name: corp, jwt: { issuer: "https://issuer.test/", jwks: "file:`+
		writeFile(t, "jwks.json", string(issuer.Set()))+`", audience: [shop], algorithms: [ES256] } } ]`).open(t)
	for range 2 { // spends the budget of refusals
		if status, _, _ := exchanged(t, g.url, "GET /nothing", nil, "", ""); status != http.StatusNotFound {
			t.Fatal(status)
		}
		g.record(t)
	}
	for _, c := range monitorCases {
		if _, ok := c.header["Authorization"]; ok && c.header["Authorization"] == nil {
			c.header["Authorization"] = []string{"Bearer " + issuer.Token(t, issuer.Claims())}
		}
		t.Run(c.name, func(t *testing.T) {
			bare, bareHeader, bareBody := exchanged(t, upstream, c.line, c.header, c.body, c.scene)
			status, header, body := exchanged(t, g.url, c.line, c.header, c.body, c.scene)
			if header.Get("X-Request-Id") == "" {
				t.Error("no X-Request-Id")
			}
			header.Del("X-Request-Id")
			if status != bare || body != bareBody || !reflect.DeepEqual(header, bareHeader) {
				t.Errorf("without the gateway %d %v %.300q\nthrough it %d %v %.300q", bare, bareHeader, bareBody, status, header, body)
			}
			r := g.record(t)
			if r.Refused || r.Code != "" {
				t.Errorf("refused: %+v", r)
			}
			if c.code != "" && !slices.ContainsFunc(r.Steps, func(s exchange.RecordStep) bool { return s.Code == c.code && s.Mode == config.Monitor }) {
				t.Errorf("%s is not recorded: %+v", c.code, r.Steps)
			}
		})
	}
}

// monitored tells in X-Saw all that it got, without what the gateway is documented to set, and answers by X-Scene.
func monitored(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	saw := fmt.Sprintf("%s %s %q", r.Method, r.RequestURI, body)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if !strings.HasPrefix(name, "X-Forwarded-") && !strings.HasPrefix(name, "X-Sallyport-") && name != "Forwarded" && name != "Traceparent" {
			saw += fmt.Sprintf(" %s=%q", name, r.Header[name])
		}
	}
	h := w.Header()
	h.Set("X-Saw", fmt.Sprintf("%q", saw))
	h.Set("Content-Type", "application/json")
	h.Set("Date", "Tue, 24 Nov 2026 00:00:00 GMT")
	status, answer := http.StatusOK, `{"id":"a1"}`
	switch r.Header.Get("X-Scene") {
	case "invalid":
		answer = `{"id": 7, "id": 8}`
	case "leak":
		answer = `{"id":"a1","debug":"You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version"}`
	case "failure":
		status, answer = http.StatusInternalServerError, "panic: goroutine 1 [running]"
	case "large":
		answer = `{"id":"` + strings.Repeat("x", 100_000) + `"}`
	case "personal":
		answer = `{"id":"a1", "email":"ada@example.com","card":"4111 1111 1111 1111","internal":1}`
	case "zipped":
		h.Set("Content-Encoding", "gzip")
		answer = zipped(`{"id": 7}`)
	case "part":
		status, answer = http.StatusPartialContent, `id":`
		h.Set("Content-Range", "bytes 2-5/11")
	case "untyped":
		h["Content-Type"], answer = nil, "<html>"
	case "fields":
		h["Set-Cookie"] = []string{"a=1; Path=/", "b=2"}
		h["Server"], h["X-Powered-By"], h["Access-Control-Allow-Origin"], h["Etag"] = []string{"shop/1"}, []string{"php"}, []string{"*"}, []string{`W/"1"`}
	case "trailers":
		h.Set("Trailer", "X-Sum")
		defer h.Set("X-Sum", "42")
	case "304":
		status, answer = http.StatusNotModified, ""
	case "204":
		status, answer = http.StatusNoContent, ""
	case "302":
		status, answer = http.StatusFound, ""
		h.Set("Location", "/orders/b?x=1;y#z")
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

// exchanged sends one request and returns all that came back; trailers are among the header, by "Trailer:NAME".
func exchanged(t *testing.T, base, line string, header http.Header, body, scene string) (int, http.Header, string) {
	t.Helper()
	method, path, _ := strings.Cut(line, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "shop.example"
	r.Header = http.Header{"Content-Type": {"application/json"}, "X-Scene": {scene}, "User-Agent": {"test"}, "Accept-Encoding": {"identity"}}
	maps.Copy(r.Header, header)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range resp.Trailer {
		resp.Header["Trailer:"+name] = values
	}
	return resp.StatusCode, resp.Header, string(answer)
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}
