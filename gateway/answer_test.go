package gateway

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// answered sends GET or HEAD /orders/a1 to a gateway whose upstream answers by h, and returns what the client gets.
func answered(t *testing.T, method, api string, h http.HandlerFunc) (*gate, *http.Response, string) {
	t.Helper()
	g := serve(t, plainSpec, h, api)
	r, _ := http.NewRequest(method, g.url+"/orders/a1", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return g, resp, string(body)
}

// What names the upstream's bytes goes where they were edited, and stays where they were not.
func TestEditedAnswer(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{`{"id": "a1"}`, `{"id": "a1"}`},
		{`{"id": "a1", "internal": 1}`, `{"id": "a1"}`},
		{`{"id": "a1","email":"ada@example.org"}`, `{"id": "a1","email":"a***@example.org"}`},
	} {
		g, resp, body := answered(t, http.MethodGet, open, func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h["Content-Type"], h["Etag"], h["Digest"], h["Content-Digest"], h["Content-Md5"] = []string{"application/json"}, []string{`"1"`}, []string{"a"}, []string{"b"}, []string{"c"}
			h["X-Request-Id"], h["Set-Cookie"] = []string{"theirs"}, []string{"a=1", "b=2"}
			h.Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, zipped(c.body))
		})
		h := resp.Header
		if edited := c.body != c.want; body != c.want || resp.ContentLength != int64(len(c.want)) || h.Get("Content-Encoding") != "" ||
			(h.Get("Etag") == "") != edited || (h.Get("Digest") == "") != edited || (h.Get("Content-Digest") == "") != edited || (h.Get("Content-Md5") == "") != edited {
			t.Errorf("%s: %v %s", c.body, h, body)
		}
		if r := g.record(t); h.Get("X-Request-Id") != r.ID || len(h["Set-Cookie"]) != 2 || r.BytesOut != int64(len(body)) {
			t.Errorf("%v %+v", h, r)
		}
	}
}

// HEAD tells what GET would, and no body.
func TestHead(t *testing.T) {
	asked := ""
	h := func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"a1","internal":1}`)
	}
	g, resp, body := answered(t, http.MethodHead, open, h)
	if resp.StatusCode != http.StatusOK || body != "" || resp.ContentLength != int64(len(`{"id":"a1"}`)) || asked != http.MethodGet {
		t.Errorf("%s, asked by %s: %v %q", resp.Status, asked, resp.Header, body)
	}
	if r := g.record(t); r.Refused || r.Method != http.MethodHead {
		t.Errorf("%+v", r)
	}
}

// An answer that cannot be read is refused, told as what it is, and nothing of it reaches the client.
func TestUnreadableAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		body   string
		code   string
	}{
		"too large":      {nil, `{"id":"` + strings.Repeat("s3cret", 20_000) + `"}`, "validate.response"},
		"bomb":           {http.Header{"Content-Encoding": {"gzip"}}, zipped(`{"id":"` + strings.Repeat("s", 10<<20) + `"}`), "validate.response"},
		"unknown coding": {http.Header{"Content-Encoding": {"snappy"}}, "s3cret", "validate.response"},
		"no gzip":        {http.Header{"Content-Encoding": {"gzip"}}, "s3cret", "validate.response"},
		"malformed":      {nil, `{"id":"s3cret"`, "validate.response"},
		"ambiguous":      {nil, `{"id":"s3cret","id":"a"}`, "validate.response"},
		"other type":     {http.Header{"Content-Type": {"text/html"}}, "<p>s3cret", "validate.response"},
		"ends early":     {http.Header{"Content-Length": {"1000"}}, `{"id":"s3cret"`, "forward.broken"},
	} {
		t.Run(name, func(t *testing.T) {
			g, resp, body := answered(t, http.MethodGet, open+"    max_response: 64KiB\n", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				for field, values := range c.header {
					w.Header()[field] = values
				}
				_, _ = io.WriteString(w, c.body)
			})
			if resp.StatusCode != http.StatusBadGateway || !strings.Contains(body, fmt.Sprintf("%q", c.code)) || strings.Contains(body, "s3cret") {
				t.Errorf("%s %.300s", resp.Status, body)
			}
			if r := g.record(t); r.Code != c.code || r.Setting == "" && c.code == "validate.response" {
				t.Errorf("%+v", r)
			}
		})
	}
}
