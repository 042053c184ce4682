package listen

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/exchange"
)

// parse reads a request as the server would.
func parse(t *testing.T, lines ...string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.Join(lines, "\r\n") + "\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Del("Host") // as http.Server does
	return r
}

func TestCheck(t *testing.T) {
	long := make([]string, 0, 110)
	for range 101 {
		long = append(long, "X-Many: 1")
	}
	get := func(fields ...string) []string {
		return append([]string{"GET /a HTTP/1.1", "Host: example.com"}, fields...)
	}
	upgrade := []string{"Connection: keep-alive, Upgrade", "Upgrade: websocket"}
	for name, c := range map[string]struct {
		lines []string
		want  *exchange.Reason // nil: pass
	}{
		"plain":                    {get("Accept: */*", "Connection: keep-alive", "Cookie: a=b; c=d"), nil},
		"post":                     {[]string{"POST /a HTTP/1.1", "Host: a:8080", "Content-Length: 0", "Content-Type: application/json"}, nil},
		"query method":             {[]string{"QUERY /a HTTP/1.1", "Host: a"}, nil},
		"ipv6 host":                {[]string{"GET / HTTP/1.1", "Host: [::1]:8080"}, nil},
		"expect":                   {get("Expect: 100-continue"), nil},
		"options *":                {[]string{"OPTIONS * HTTP/1.1", "Host: a"}, nil},
		"websocket":                {get(upgrade...), nil},
		"list fields repeated":     {get("Accept: a/b", "Accept: c/d", "Via: x", "Via: y"), nil},
		"utf-8 agent":              {get("User-Agent: caf\u00e9"), nil},
		"te trailers":              {get("TE: trailers", "Connection: te"), nil},
		"connection names own":     {get("Connection: x-mine", "X-Mine: 1"), nil},
		"connection names xff":     {get("Connection: x-forwarded-for", "X-Forwarded-For: 1.2.3.4"), nil},
		"trace":                    {[]string{"TRACE / HTTP/1.1", "Host: a"}, exchange.BadMethod},
		"connect":                  {[]string{"CONNECT a:443 HTTP/1.1", "Host: a:443"}, exchange.BadMethod},
		"lower case method":        {[]string{"get / HTTP/1.1", "Host: a"}, exchange.BadMethod},
		"unknown method":           {[]string{"TRACK / HTTP/1.1", "Host: a"}, exchange.BadMethod},
		"absolute form":            {[]string{"GET http://a/ HTTP/1.1", "Host: a"}, exchange.BadTarget},
		"absolute form, other":     {[]string{"GET http://b/ HTTP/1.1", "Host: a"}, exchange.BadTarget},
		"opaque":                   {[]string{"GET http:http://internal/admin HTTP/1.1", "Host: a"}, exchange.BadTarget},
		"get *":                    {[]string{"GET * HTTP/1.1", "Host: a"}, exchange.BadTarget},
		"host with user":           {[]string{"GET / HTTP/1.1", "Host: a@b"}, exchange.BadHeader},
		"host with path":           {[]string{"GET / HTTP/1.1", "Host: a/b"}, exchange.BadHeader},
		"host empty":               {[]string{"GET / HTTP/1.1", "Host:"}, exchange.BadHeader},
		"host with bad port":       {[]string{"GET / HTTP/1.1", "Host: a:80x"}, exchange.BadHeader},
		"host with empty port":     {[]string{"GET / HTTP/1.1", "Host: a:"}, exchange.BadHeader},
		"host list":                {[]string{"GET / HTTP/1.1", "Host: a,b"}, exchange.BadHeader},
		"host escaped":             {[]string{"GET / HTTP/1.1", "Host: a%2fb"}, exchange.BadHeader},
		"host dots":                {[]string{"GET / HTTP/1.1", "Host: a..b"}, exchange.BadHeader},
		"host zone":                {[]string{"GET / HTTP/1.1", "Host: [fe80::1%25eth0]"}, exchange.BadHeader},
		"no host in 1.0":           {[]string{"GET / HTTP/1.0"}, exchange.BadHeader},
		"two content types":        {get("Content-Type: text/plain", "Content-Type: application/json"), exchange.BadHeader},
		"two authorizations":       {get("Authorization: Bearer a", "Authorization: Bearer b"), exchange.BadHeader},
		"two content encodings":    {get("Content-Encoding: gzip", "Content-Encoding: br"), exchange.BadHeader},
		"two expects":              {get("Expect: 100-continue", "Expect: x"), exchange.BadHeader},
		"two cookies":              {get("Cookie: a=1", "Cookie: a=2"), exchange.BadHeader},
		"two keys":                 {get("X-API-Key: a", "X-API-Key: b"), exchange.BadHeader},
		"two origins":              {get("Origin: https://a", "Origin: https://b"), exchange.BadHeader},
		"expect other":             {get("Expect: 200-ok"), exchange.BadHeader},
		"method override":          {get("X-HTTP-Method-Override: DELETE"), exchange.BadHeader},
		"method override short":    {get("X-Method-Override: DELETE"), exchange.BadHeader},
		"non-ascii authorization":  {get("Authorization: Bearer \u00e9"), exchange.BadHeader},
		"too many":                 {get(long...), exchange.BadHeader},
		"connection names auth":    {get("Connection: authorization", "Authorization: Bearer a"), exchange.BadHeader},
		"connection names type":    {get("Connection: close, Content-Type"), exchange.BadHeader},
		"connection names host":    {get("Connection: host"), exchange.BadHeader},
		"connection names accept":  {get("Connection: accept"), exchange.BadHeader},
		"upgrade h2c":              {get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA"), nil},
		"upgrade tls":              {get("Connection: Upgrade", "Upgrade: TLS/1.2"), nil},
		"upgrade alone":            {get("Upgrade: websocket"), exchange.BadUpgrade},
		"upgrade list":             {get("Connection: upgrade", "Upgrade: websocket, h2c"), exchange.BadUpgrade},
		"upgrade post":             {append([]string{"POST / HTTP/1.1", "Host: a"}, upgrade...), exchange.BadUpgrade},
		"upgrade with body":        {get(append(upgrade, "Content-Length: 3")...), exchange.BadUpgrade},
		"upgrade 1.0":              {append([]string{"GET / HTTP/1.0", "Host: a"}, upgrade...), exchange.BadUpgrade},
		"trailer names a managed":  {[]string{"POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Trailer: Authorization"}, exchange.BadFraming},
		"trailer with other chars": {[]string{"POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Trailer: x_y"}, exchange.BadFraming},
	} {
		v := Check(parse(t, c.lines...), nil)
		if c.want == nil && !v.Passed() {
			t.Errorf("%s: refused: %s", name, v.Detail)
		}
		if c.want != nil && (!v.Refused() || v.Reason != c.want) {
			t.Errorf("%s: got %v %q, want %s", name, v.Reason, v.Detail, c.want.Code)
		}
	}
}

// What nobody may rely on is gone before anybody looks; what the forwarding family says stays for Client.
func TestCheckRemoves(t *testing.T) {
	r := parse(t, "GET / HTTP/1.1", "Host: a", "X_User_Id: 1", "x.user.id: 1", "X!User-Id: 1", "X-User-Id: kept",
		"X-Original-URL: /admin", "X-Rewrite-URL: /admin", "User-Agent:", "Upgrade: h2c", "HTTP2-Settings: AA", "Connection: upgrade, x-gone, X-Forwarded-For", "X-Gone: 1", "X-Forwarded-For: 192.0.2.1")
	if v := Check(r, nil); !v.Passed() {
		t.Fatal(v.Detail)
	}
	for name := range r.Header {
		if name != "X-User-Id" && name != "Connection" && name != "X-Forwarded-For" {
			t.Errorf("%s is still there", name)
		}
	}
	if len(r.Header) != 3 {
		t.Errorf("left: %v", r.Header)
	}
}

func TestCheckHTTP2Host(t *testing.T) {
	r := &http.Request{Method: "GET", RequestURI: "/", URL: &url.URL{Path: "/"}, Host: "a", ProtoMajor: 2, Header: http.Header{"Host": {"b"}}}
	if v := Check(r, nil); v.Reason != exchange.BadHeader {
		t.Errorf("Host beside another :authority: %+v", v)
	}
	r.Header = http.Header{"Host": {"a"}}
	if v := Check(r, nil); !v.Passed() || r.Header["Host"] != nil {
		t.Errorf("same Host: %+v, header %v", v, r.Header)
	}
}

// net/http refuses control characters by itself; Check does not depend on it.
func TestCheckControlCharacters(t *testing.T) {
	for _, v := range []string{"a\x00b", "a\rb", "a\nb", "a\x01", "a\x7f"} {
		r := parse(t, "GET / HTTP/1.1", "Host: a")
		r.Header["X-A"] = []string{v}
		if got := Check(r, nil); got.Reason != exchange.BadHeader {
			t.Errorf("%q: %+v", v, got)
		}
	}
}
