package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit"
)

const lessonSpec = `
openapi: 3.1.0
info: { title: lessons, version: "1" }
paths:
  /health: { get: { x-sallyport: { anonymous: true }, responses: &none { "204": { description: none } } } }
  /socket: { get: { x-sallyport: { anonymous: true, streaming: websocket }, responses: { "101": { description: socket } } } }
  /public/{rest}: { get: { x-sallyport: { anonymous: true }, parameters: [ { name: rest, in: path, required: true, schema: { type: string } } ], responses: *none } }
  /pki/ca/prod: { get: { x-sallyport: { anonymous: true }, responses: *none } }
  /items:
    get:
      x-sallyport: { anonymous: true }
      parameters:
        - { name: id, in: query, schema: { type: array, items: { type: integer } } }
        - { name: f, in: query, style: deepObject, explode: true, schema: { type: object, properties: { a: { type: string } } } }
      responses: *none
  /notes:
    post:
      x-sallyport: { anonymous: true }
      requestBody:
        content:
          application/json: { schema: { type: object, properties: { role: { type: string } } } }
          multipart/form-data: { schema: { type: object, properties: { file: { type: string }, n: { type: integer } } } }
      responses: *none
  /admin: { get: { security: [ { corp: [admin] } ], responses: *none } }
  /read: { get: { security: [ { corp: [read] } ], responses: *none } }
  /second: { get: { security: [ { second: [read] } ], responses: *none } }
  /third: { get: { security: [ { third: [read] } ], responses: *none } }
components:
  securitySchemes:
    corp: &scheme { type: oauth2, flows: { clientCredentials: { tokenUrl: "https://issuer.test/token", scopes: { admin: a, read: r } } } }
    second: *scheme
    third: *scheme
`

// A school is a gateway before a recorder of bytes, and an issuer of tokens.
type school struct {
	*gate
	upstream *testkit.Upstream
	issuer   *testkit.Issuer
	keys     []testkit.Key // k1 of ES256, k2 of RS256
	jwks     string        // the file of their public halves
	config   string        // the text of it
}

// openSchool takes more lines of the API. Attack rules are off unless they say otherwise.
func openSchool(t *testing.T, reply, api string) *school {
	t.Helper()
	s := &school{upstream: testkit.NewUpstream(t, reply), issuer: testkit.NewIssuer(t), keys: []testkit.Key{testkit.NewKey(t, "k1", "ES256"), testkit.NewKey(t, "k2", "RS256")}}
	s.issuer.Rotate(s.keys...)
	s.jwks = writeFile(t, "jwks.json", string(s.issuer.Set()))
	if !strings.Contains(api, "modes:") {
		api += "    modes: { inspect: off }\n"
	}
	identity := fmt.Sprintf(`identity: [ { name: corp, jwt: { issuer: %q, jwks: "file:%s", audience: [shop], algorithms: [ES256, RS256, PS256] } } ]`, s.issuer.Name, s.jwks)
	s.gate = newGate(t, lessonSpec, s.upstream.URL, "    security: { corp: corp, second: corp, third: corp }\n    refusals: { limit: 0 }\n"+api, identity).open(t)
	text, err := os.ReadFile("sallyport.yaml") // newGate has changed into its folder
	if err != nil {
		t.Fatal(err)
	}
	s.config = string(text)
	return s
}

const noContent = "HTTP/1.1 204 No Content\r\n\r\n"

// An outcome is what has to become of a message: the status; the reasons that the record may give, or
// their beginnings, "" where it passes; and then the
// target that the upstream reads.
type outcome struct {
	status int
	code   string
	target string
}

// says reports whether a reason is, or begins with, one of those that are wanted.
func (o outcome) says(code string) bool {
	for _, want := range strings.Fields(o.code) {
		if strings.HasPrefix(code, want) {
			return true
		}
	}
	return o.code == "" && code == ""
}

// learns sends a message as bytes and holds (a) the status, (b) the bytes at the upstream and (c) the record against what
// must be. It returns the record, and what the upstream received.
func (s *school) learns(t *testing.T, message string, want outcome) (*exchange.Record, *testkit.Received) {
	t.Helper()
	s.upstream.Reset()
	status := s.say(t, message)
	r := s.record(t)
	if status != want.status || r.Status != want.status || !want.says(r.Code) || r.Refused != (want.code != "") {
		t.Errorf("%.200q: status %d, the record says %d %q (%s); want %+v", message, status, r.Status, r.Code, r.Detail, want)
	}
	got := s.upstream.Requests()
	switch {
	case want.target == "" && len(got) > 0:
		t.Errorf("%.200q reached the upstream: %q", message, got[0].Raw)
	case want.target == "":
	case len(got) != 1 || got[0].Malformed != "" || got[0].Target != want.target:
		t.Fatalf("%.200q: the upstream received %+v", message, got)
	}
	if len(got) > 0 {
		return r, &got[0]
	}
	return r, nil
}

// forget waits for the end of all exchanges and drops their records.
func (s *school) forget(t *testing.T) {
	t.Helper()
	eventually(t, "the end of all exchanges", func() bool { return s.InFlight() == 0 })
	for len(s.records) > 0 {
		<-s.records
	}
}

// say returns the status of the first answer.
func (s *school) say(t *testing.T, message string) int {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = io.WriteString(c, message)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%.200q: %v", message, err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// get is a GET of a target with more fields.
func get(target string, fields ...string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
}

func note(media, body string, fields ...string) string {
	return fmt.Sprintf("POST /notes HTTP/1.1\r\nHost: h\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n%s", media, len(body), strings.Join(append(fields, ""), "\r\n"), body)
}

func bearer(token string) string { return "Authorization: Bearer " + token }
