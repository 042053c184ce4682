package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
)

// A tape records traffic: it plays requests against the bare lab, so that ids, cursors and ETags of one answer can be
// used in the next request, and keeps what was sent. A status other than the expected one fails the test.
type tape struct {
	testing.TB
	l       *Lab
	base    string // of the bare shop
	spec    *document
	kept    []Request
	*Attack // for looking into the lab
}

// browsers and apps that call the shop.
var agents = []map[string]string{
	{"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36", "Accept": "application/json, text/plain, */*", "Accept-Language": "en-GB,en;q=0.9", "Referer": "https://www.harborgoods.example/products?sort=price&utm_source=newsletter"},
	{"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1", "Accept": "*/*", "Accept-Language": "de-DE,de;q=0.9,en;q=0.5"},
	{"User-Agent": "HarborGoods-Android/5.12.0 (Pixel 8; Android 15)", "Accept": "application/json", "Accept-Language": "fr-CA"},
	{"User-Agent": "okhttp/4.12.0", "Accept": "application/json"},
	{"User-Agent": "python-requests/2.32.3", "Accept": "*/*", "Accept-Encoding": "gzip, deflate"},
	{"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Accept": "application/json", "Accept-Language": "pl,en-US;q=0.7,en;q=0.3", "DNT": "1", "Sec-Fetch-Mode": "cors"},
}

// play sends a request in somebody's name: "", a customer's id, support, admin or partner. target is "METHOD /path".
func (p *tape) play(name, who, target string, status int, body string, headers ...string) *answer {
	p.Helper()
	return p.record(Request{Name: name, Who: who, Body: body, Status: status}, target, headers)
}

func (p *tape) record(r Request, target string, headers []string) *answer {
	p.Helper()
	r.Method, r.Path, _ = strings.Cut(target, " ")
	switch {
	case r.Who == "":
		r.Who = "anonymous"
	case strings.HasPrefix(r.Who, "cus_"):
		r.Who, r.As = "customer", r.Who
	}
	r.Header = map[string]string{}
	for k, v := range agents[len(p.kept)%len(agents)] {
		r.Header[k] = v
	}
	if r.Body != "" {
		r.Header["Content-Type"] = "application/json"
	}
	if strings.Contains(r.Path, "/avatar") || strings.Contains(r.Path, "/downloads") {
		r.Header["Accept"] = "image/avif,image/webp,image/png,text/plain,*/*;q=0.8"
	}
	if r.Method != "GET" && r.Header["Referer"] != "" { // from the shop's own pages
		r.Header["Origin"] = "https://www.harborgoods.example"
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header[headers[i]] = headers[i+1]
	}
	path, _, _ := strings.Cut(r.Path, "?")
	op := p.spec.match(r.Method, path)
	if op == nil {
		p.Fatalf("%s: no operation for %s", r.Name, target)
	}
	r.Operation = op.id
	got := exchangeOf(p, r, p.base, p.l)
	if got.status != r.Status {
		p.Errorf("%s: %s: got %d, want %d: %s", r.Name, target, got.status, r.Status, shortened(got.body))
	}
	p.kept = append(p.kept, r)
	return got
}

// exchangeOf sends a recorded request.
func exchangeOf(t testing.TB, r Request, base string, l *Lab) *answer {
	t.Helper()
	req, err := r.HTTP(t.Context(), base, l)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := plainClient().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &answer{status: resp.StatusCode, header: resp.Header, body: data}
}

// field returns a top-level member of the answer as text.
func (r *answer) field(name string) string {
	var all map[string]any
	if json.Unmarshal(r.body, &all) != nil || all[name] == nil {
		return ""
	}
	return fmt.Sprint(all[name])
}

// walk plays a list page by page until its end.
func (p *tape) walk(name, who, path string, limit, pages int) {
	p.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	next := fmt.Sprintf("%s%slimit=%d", path, sep, limit)
	for n := 1; n <= pages; n++ {
		got := p.play(fmt.Sprintf("%s, page %d", name, n), who, "GET "+next, 200, "")
		cursor := got.field("nextCursor")
		if cursor == "" {
			return
		}
		next = fmt.Sprintf("%s%slimit=%d&cursor=%s", path, sep, limit, cursor)
	}
}

// again plays a GET, and once more with the version that it brought.
func (p *tape) again(name, who, path string) {
	p.Helper()
	got := p.play(name, who, "GET "+path, 200, "")
	p.play(name+", unchanged", who, "GET "+path, 304, "", "If-None-Match", got.header.Get("ETag"))
}

func q(s string) string { return url.QueryEscape(s) }

func js(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

type m = map[string]any

// multipartOf makes a form as browsers do.
func multipartOf(filename, contentType string, image []byte, caption string) (body []byte, header string) {
	const edge = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
	var b bytes.Buffer
	if caption != "" {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"caption\"\r\n\r\n%s\r\n", edge, caption)
	}
	fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\nContent-Type: %s\r\n\r\n", edge, filename, contentType)
	b.Write(image)
	fmt.Fprintf(&b, "\r\n--%s--\r\n", edge)
	return b.Bytes(), "multipart/form-data; boundary=" + edge
}
