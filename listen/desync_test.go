package listen_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/forward"
	"github.com/sallyport/sallyport/internal/testkit"
	"github.com/sallyport/sallyport/listen"
)

// proxy is the shortest gateway: Check, read the body, forward. It closes after a refusal, as the gateway does.
type proxy struct{ upstream *forward.Upstream }

func (p proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if v := listen.Check(r, nil); !v.Passed() {
		w.Header().Set("Connection", "close")
		http.Error(w, v.Reason.Code, v.Reason.Status)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		w.Header().Set("Connection", "close")
		http.Error(w, "body", http.StatusBadRequest)
		return
	}
	path, query, _ := strings.Cut(r.RequestURI, "?")
	e := &exchange.Exchange{Request: r, Client: listen.Client(r)}
	resp, err := p.upstream.RoundTrip(r.Context(), e, &forward.Request{
		Method: r.Method, Path: path, RawQuery: query, Host: r.Host, Header: r.Header, Body: body, Inspected: true,
	})
	if err != nil {
		http.Error(w, "upstream", http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	w.WriteHeader(resp.StatusCode)
	io.Copy(w, resp.Body)
}

func startProxy(t *testing.T) (*testkit.Upstream, string) {
	t.Helper()
	upstream := testkit.NewUpstream(t, "")
	pool := forward.NewPool()
	u, err := pool.Upstream(config.Upstream{Targets: []string{upstream.URL}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := listen.New(config.Listener{Address: "127.0.0.1:0"}, proxy{u}, listen.Options{Checked: true})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- s.Serve() }()
	t.Cleanup(func() {
		s.Shutdown(context.Background())
		<-done
		pool.Close()
	})
	return upstream, s.Addr().String()
}

// send writes the bytes and returns the status of each answer until the server closes.
func send(t *testing.T, addr, request string) []int {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	io.WriteString(c, request)
	var statuses []int
	for r := bufio.NewReader(c); ; {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				t.Errorf("the connection was left open after %q", request)
			}
			return statuses
		}
		io.Copy(io.Discard, resp.Body)
		statuses = append(statuses, resp.StatusCode)
	}
}

const probe = "GET /probe HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

// judge holds what the upstream saw against the one rule: the request that was sent, at most once and with one
// meaning, then at most the honest one that followed; nothing that was smuggled in a body.
func judge(t *testing.T, name string, got []testkit.Received, bodies ...string) {
	t.Helper()
	for i, r := range got {
		switch {
		case r.Malformed != "":
			t.Errorf("%s: upstream could not read %q: %s", name, r.Raw, r.Malformed)
		case r.Target == "/probe" && i == len(got)-1:
		case r.Target != "/judged" || i != 0:
			t.Errorf("%s: upstream saw %s %s as number %d", name, r.Method, r.Target, i+1)
		case len(bodies) > 0 && !contains(bodies, string(r.Body)):
			t.Errorf("%s: upstream saw body %q", name, r.Body)
		}
		for _, f := range r.Header {
			if strings.Contains(strings.ToLower(f[0]), "transfer") || strings.ContainsAny(f[0], "_.\x00 ") {
				t.Errorf("%s: upstream saw field %q: %q", name, f[0], f[1])
			}
		}
	}
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// TestGadgets puts each Transfer-Encoding gadget beside a Content-Length, in the ways in which CL.TE and TE.CL
// attacks do. Origin: github.com/defparam/smuggler, MIT.
func TestGadgets(t *testing.T) {
	shared := os.Getenv("SALLYPORT_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(shared, "data", "smuggling", "te-gadgets.jsonl.gz"))
	if err != nil {
		t.Skipf("shared data is absent: %v", err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	upstream, addr := startProxy(t)
	smuggled := "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
	clte := "0\r\n\r\n" + smuggled
	tecl := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(smuggled), smuggled)
	n := 0
	for lines := bufio.NewScanner(unzipped); lines.Scan(); n++ {
		var g struct {
			ID     string `json:"id"`
			Gadget []byte `json:"gadget_b64"`
		}
		if err := json.Unmarshal(lines.Bytes(), &g); err != nil {
			t.Fatal(err)
		}
		for variant, body := range map[string]string{"cl.te": clte, "te.cl": tecl} {
			name := g.ID + " " + variant
			head := "POST /judged HTTP/1.1\r\nHost: h\r\n" + string(g.Gadget) + "\r\n"
			upstream.Reset()
			send(t, addr, head+fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body))+body+probe)
			judge(t, name, upstream.Requests(), body, "", smuggled)
		}
	}
	if n != 129 {
		t.Errorf("%d gadgets, want 129", n)
	}
}

// TestOddRequests is the corpus of what else two servers could read differently. 0 means: any refusal.
func TestOddRequests(t *testing.T) {
	upstream, addr := startProxy(t)
	get := func(target, fields string) string {
		return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n"
	}
	post := func(fields, body string) string {
		return "POST /judged HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n" + body
	}
	for name, c := range map[string]struct {
		request string
		status  int    // of the first answer
		body    string // that the upstream must have seen, when it is 200
	}{
		"honest":                      {post("Content-Length: 2\r\n", "hi"), 200, "hi"},
		"chunked":                     {post("Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n"), 200, "hi"},
		"chunked, other case":         {post("transfer-ENCODING: Chunked\r\n", "2\r\nhi\r\n0\r\n\r\n"), 200, "hi"},
		"same length twice":           {post("Content-Length: 2\r\nContent-Length: 2\r\n", "hi"), 400, ""},
		"leading zeros":               {post("Content-Length: 002\r\n", "hi"), 200, "hi"},
		"alias fields dropped":        {get("/judged", "X_Forwarded_For: 1.1.1.1\r\nTransfer_Encoding: chunked\r\nContent.Length: 5\r\n"), 200, ""},
		"folded value":                {get("/judged", "X-A: b\r\n c\r\n"), 400, ""},
		"te gzip, not ours":           {get("/judged", "TE: gzip\r\nConnection: TE\r\n"), 200, ""},
		"trailer unannounced":         {post("Transfer-Encoding: chunked\r\n", "0\r\nX-Admin: 1\r\n\r\n"), 200, ""},
		"1.0":                         {"GET /judged HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", 200, ""},
		"1.0 chunked":                 {"POST /judged HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 400, ""},
		"two lengths":                 {post("Content-Length: 2\r\nContent-Length: 3\r\n", "hi"), 400, ""},
		"length list":                 {post("Content-Length: 2, 2\r\n", "hi"), 400, ""},
		"length plus":                 {post("Content-Length: +2\r\n", "hi"), 400, ""},
		"length minus":                {post("Content-Length: -2\r\n", "hi"), 400, ""},
		"length hex":                  {post("Content-Length: 0x2\r\n", "hi"), 400, ""},
		"length underscore":           {post("Content-Length: 0_2\r\n", "hi"), 400, ""},
		"length empty":                {post("Content-Length:\r\n", "hi"), 400, ""},
		"length huge":                 {post("Content-Length: 99999999999999999999\r\n", "hi"), 400, ""},
		"length with space in name":   {post("Content-Length : 2\r\n", "hi"), 400, ""},
		"te twice":                    {post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400, ""},
		"te identity":                 {post("Transfer-Encoding: identity\r\nContent-Length: 2\r\n", "hi"), 400, ""},
		"te gzip, chunked":            {post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 400, ""},
		"te chunked, identity":        {post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), 400, ""},
		"te xchunked":                 {post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400, ""},
		"te empty":                    {post("Transfer-Encoding:\r\nContent-Length: 2\r\n", "hi"), 400, ""},
		"chunk size plus":             {post("Transfer-Encoding: chunked\r\n", "+2\r\nhi\r\n0\r\n\r\n"), 400, ""},
		"chunk size 0x":               {post("Transfer-Encoding: chunked\r\n", "0x2\r\nhi\r\n0\r\n\r\n"), 400, ""},
		"chunk size empty":            {post("Transfer-Encoding: chunked\r\n", "\r\nhi\r\n0\r\n\r\n"), 400, ""},
		"chunk size huge":             {post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nhi\r\n0\r\n\r\n"), 400, ""},
		"chunk size ended by LF":      {post("Transfer-Encoding: chunked\r\n", "2\nhi\r\n0\r\n\r\n"), 400, ""},
		"chunk extension with LF":     {post("Transfer-Encoding: chunked\r\n", "2;a\nb\r\nhi\r\n0\r\n\r\n"), 400, ""},
		"chunk data too long":         {post("Transfer-Encoding: chunked\r\n", "2\r\nhijk\r\n0\r\n\r\n"), 400, ""},
		"chunk data ended by LF":      {post("Transfer-Encoding: chunked\r\n", "2\r\nhi\n0\r\n\r\n"), 400, ""},
		"two hosts":                   {get("/judged", "Host: x\r\n"), 400, ""},
		"no host":                     {"GET /judged HTTP/1.1\r\n\r\n", 400, ""},
		"host with space":             {"GET /judged HTTP/1.1\r\nHost: h x\r\n\r\n", 400, ""},
		"host with user":              {"GET /judged HTTP/1.1\r\nHost: x@h\r\n\r\n", 400, ""},
		"host list":                   {"GET /judged HTTP/1.1\r\nHost: h, x\r\n\r\n", 400, ""},
		"absolute-form":               {get("http://h/judged", ""), 400, ""},
		"absolute-form, other":        {get("http://x/judged", ""), 400, ""},
		"opaque":                      {get("http:http://internal/admin", ""), 400, ""},
		"no slash":                    {get("judged", ""), 400, ""},
		"authority-form":              {get("h:80", ""), 400, ""},
		"asterisk":                    {get("*", ""), 400, ""},
		"connect":                     {"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
		"trace":                       {"TRACE /judged HTTP/1.1\r\nHost: h\r\n\r\n", 501, ""},
		"method with brackets":        {"G(ET) /judged HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
		"two spaces":                  {"GET  /judged HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
		"tab":                         {"GET\t/judged HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
		"space in target":             {get("/jud ged", ""), 400, ""},
		"no version":                  {"GET /judged\r\nHost: h\r\n\r\n", 400, ""},
		"version 0.9":                 {"GET /judged HTTP/0.9\r\nHost: h\r\n\r\n", 0, ""},
		"version 1.2":                 {"GET /judged HTTP/1.2\r\nHost: h\r\n\r\n", 0, ""},
		"version 1.1x":                {"GET /judged HTTP/1.1x\r\nHost: h\r\n\r\n", 400, ""},
		"version lower case":          {"GET /judged http/1.1\r\nHost: h\r\n\r\n", 400, ""},
		"leading blank line":          {"\r\nGET /judged HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
		"first field folded":          {"GET /judged HTTP/1.1\r\n Host: x\r\nHost: h\r\n\r\n", 400, ""},
		"field without colon":         {get("/judged", "X-A\r\n"), 400, ""},
		"field without name":          {get("/judged", ": x\r\n"), 400, ""},
		"space in name":               {get("/judged", "X A: b\r\n"), 400, ""},
		"NUL in value":                {get("/judged", "X-A: a\x00b\r\n"), 400, ""},
		"bare CR in value":            {get("/judged", "X-A: a\rTransfer-Encoding: chunked\r\n"), 400, ""},
		"control in value":            {get("/judged", "X-A: a\x0bb\r\n"), 400, ""},
		"expect other":                {post("Expect: 42\r\nContent-Length: 2\r\n", "hi"), 0, ""},
		"two content types":           {post("Content-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 2\r\n", "hi"), 400, ""},
		"connection hides length":     {post("Connection: Content-Length\r\nContent-Length: 2\r\n", "hi"), 400, ""},
		"connection hides credential": {get("/judged", "Connection: close, Authorization\r\nAuthorization: Bearer a\r\n"), 400, ""},
		"upgrade h2c":                 {get("/judged", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"), 200, ""},
		"method override":             {post("X-HTTP-Method-Override: DELETE\r\nContent-Length: 2\r\n", "hi"), 400, ""},
		"request inside a chunk":      {post("Transfer-Encoding: chunked\r\n", "10\r\n"+probe+"\r\n0\r\n\r\n"), 400, ""},
		"not HTTP":                    {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, ""},
	} {
		upstream.Reset()
		statuses := send(t, addr, c.request+probe)
		got := upstream.Requests()
		judge(t, name, got)
		if len(statuses) == 0 {
			t.Errorf("%s: no answer", name)
			continue
		}
		if first := statuses[0]; c.status != 0 && first != c.status || c.status == 0 && first < 400 {
			t.Errorf("%s: status %d, want %d", name, first, c.status)
		}
		if c.status == 200 {
			if len(got) == 0 || got[0].Target != "/judged" || !bytes.Equal(got[0].Body, []byte(c.body)) {
				t.Errorf("%s: upstream saw %+v", name, got)
			}
		} else if len(got) > 0 || len(statuses) > 1 {
			t.Errorf("%s: after the refusal came %v, upstream saw %d", name, statuses, len(got))
		}
	}
}
