package differential

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// A Message is what a client sends.
type Message struct {
	Name string
	Wire []byte
	Cut  bool // it is known to end before what it announced
	Want Want // of a corpus
}

// Generate makes message n of a seed, always the same one: by a grammar of requests in which every rule has honest
// productions and hostile ones. Half of the messages are honest throughout, and strange only where the standard lets them
// be; the others take some hostile productions, and some of these are mutilated afterwards.
func Generate(seed, n uint64) Message {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, n))}
	if g.IntN(2) == 0 {
		g.hostile = 1 + g.IntN(12) // of 100 choices
	}
	g.request()
	wire := []byte(g.out.String())
	if g.hostile > 0 && g.IntN(8) == 0 {
		wire = g.mutilate(wire)
	}
	return Message{Name: "generated " + strconv.FormatUint(seed, 10) + "/" + strconv.FormatUint(n, 10), Wire: wire, Cut: g.cut}
}

type generator struct {
	*rand.Rand
	hostile int // how many of 100 choices
	out     strings.Builder
	cut     bool
}

// of takes an honest production, or seldom a hostile one.
func (g *generator) of(honest, hostile []string) string {
	if g.bad() {
		return hostile[g.IntN(len(hostile))]
	}
	return honest[g.IntN(len(honest))]
}

func (g *generator) bad() bool { return g.IntN(100) < g.hostile }

func (g *generator) write(parts ...string) {
	for _, p := range parts {
		g.out.WriteString(p)
	}
}

var (
	methods       = []string{"GET", "GET", "GET", "POST", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"}
	oddMethods    = []string{"", "get", "GE T", "CONNECT", "TRACE", "QUERY", "PRI", "G\x00T", "GET\t", " GET", "\r\nGET", "\nGET", "POST\r\n", "FOO", "G(T", "GET\x0b", "\xefGET"}
	versions      = []string{"HTTP/1.1"}
	oddVersions   = []string{"HTTP/1.0", "HTTP/1.0", "HTTP/1.2", "HTTP/0.9", "HTTP/2.0", "http/1.1", "HTTP/1.1 ", "HTTP/01.1", "HTTP/1.10", "HTTP/1", "", "HTTP/1.1\r\nX: y", "HTTP /1.1", "HTTP/1,1", "\tHTTP/1.1"}
	spaces        = []string{" "}
	oddSpaces     = []string{"  ", "\t", "", "\x0b", "\x0c", "\xa0", " \t", "\r", "\x00"}
	lineEnds      = []string{"\r\n"}
	oddLineEnds   = []string{"\n", "\r", "\r\r\n", "\n\r", "\r\n ", "\r\n\t", " \r\n", "\x00\r\n", "\r\x00\n", "\x85", "\r\n\r\n"}
	hosts         = []string{"h", "h", "h", "H", "h:80", "h.example", "127.0.0.1:8080", "[::1]:80", "xn--bcher-kva.example"}
	oddHosts      = []string{"", "h, x", "h x", "u@h", "h/admin", "h:80:80", "h:", "h:x", "[::1", "h#x", "h?x", "h\\x", "h\tx", "h%00", "..", ".h", "h\xc3\xa9", "h:99999999"}
	segments      = []string{"a", "b1", "orders", "4711", "A-b_c.d~e", "%41", "%7e", "a%20b", "%C3%A9", "%e2%82%ac", "a:b", "a@b", "a!b", "a$b", "a&b", "a'b", "(a)", "a*b", "a+b", "a,b", "a=b", "a.", ".a", "...a", "%20", "a|b", "a^b", "{a}", "[a]", "\"a\"", "<a>", "`a`"}
	oddSegments   = []string{"..", ".", "%2e%2e", "%2E", ".%2e", "%252e%252e", "..;", "..;x", ";a=b", "a;b", "%3b", "a%2fb", "%5c", "a\\b", "%00", "a%0d%0aX:y", "%zz", "%", "%4", "%c0%af", "%c0%ae", "%ff", "%ef%bc%8f", "%ef%bc%8e", "\xc3\xa9", "#", "a#b", "a%23b", "a%3fb", "%25", "%2525", "", "", "a\tb", "a b", "a\x00", "a\x7f", "%7f", "...", ". .", "%20.", "%u002e", "admin", "ADMIN", "%61dmin", "\u017f"}
	names         = []string{"a", "b", "id", "x-y", "q", "a.b", "a[]", "a[b]", "filter[x]", "%61", "n%20m", "a+b", "%C3%A9", "a:b", "$a", "@", "A"}
	oddNames      = []string{"", "%00", "%zz", "%", "a;b", "a#b", "a%0d", "%c0%af", "a\x00", "a b", "\xff", "a?b", "%26", "%3d", "a\\b", "a%23"}
	values        = []string{"", "1", "x", "a%20b", "a+b", "%2b", "a=b", "==", "a/b", "a?b", "a:b@c", "%C3%A9", "%e2%82%ac", "%26", "%3D", "%2F", "%25", "%252e", "..", "a,b", "(a)", "*", "~", "%7E", "<", "\"", "{}", "[1]", "|", "'", "!", "http://h/x"}
	oddValues     = []string{"%00", "%0a", "%0d%0a", "%zz", "%", "a;b", "a#b", "%c0%af", "\xff", "a b", "a\tb", "%ff", "a\x00b", "\\", "%u0041"}
	fieldNames    = []string{"X-A", "X-B", "x-a", "X-C-1", "Accept", "Accept-Language", "User-Agent", "Cookie", "Authorization", "Content-Type", "Origin", "Referer", "If-Match", "X-Api-Key", "Cache-Control", "Pragma", "Range", "Traceparent", "Date", "From", "Priority", "X-Request-Id", "X-Correlation-Id"}
	oddFieldNames = []string{"X_A", "X.A", "x-user-id", "X_User_Id", "X-Forwarded-For", "X-Forwarded-Host", "X_Forwarded_For", "Forwarded", "X-Real-Ip", "X-Original-Url", "X-Http-Method-Override", "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Upgrade", "Http2-Settings", "Expect", "Content-Encoding", "Content-Length", "Transfer-Encoding", "Transfer_Encoding", "Content_Length", "Host", "Via", "Max-Forwards", "X A", "X-A ", "", "X-A\t", "X\x00A", "X(A)", "X:A", "\xc3\xa9", "X-Sallyport-Subject", "Sec-Websocket-Key", "Proxy-Authorization", ":path", "X/A", "X\"A", "\x0bX"}
	fieldValues   = []string{"", "a", "b", "a, b", "a;q=1", "\"a\"", "text/plain", "application/json", "*/*", "a b", "a\tb", "1", "en", "W/\"x\"", "a=b; c=d", "Bearer abc", "max-age=0", "\xc3\xa9", "(x)", "https://h/"}
	oddFieldVals  = []string{"a\rb", "a\nb", "a\x00b", "a\x01b", "a\x7fb", "a\r\n b", "a\r\n\tb", "a\r\n", "chunked", "gzip, chunked", "identity", "close", "keep-alive, X-A", "close, Authorization", "upgrade", "x-forwarded-for, x-a", "Content-Length", "Transfer-Encoding", "100-continue", "200-ok", "websocket", "h2c", "trailers", "gzip", "0", "5", "00", "+1", "1.1.1.1", "for=1.1.1.1", "/admin", "DELETE", "\x0b", "\xff\xfe", "a,,b", ","}
	colons        = []string{": ", ": ", ":", ":  ", ":\t"}
	oddColons     = []string{" :", "\t: ", " ", "", ": :", "=", ":\r\n ", ":\x0b", ":\x00", "::"}
	lengths       = []string{"0", "5", "00005"}
	oddLengths    = []string{"+5", "-5", "5, 5", "5,6", "0x5", "5 ", "5\t", " 5", "", "5.0", "1_0", "٥", "99999999999999999999", "5;5", "5\x0b", "\"5\"", "5 5", "4", "1000000"}
	codings       = []string{"chunked", "chunked", "Chunked"}
	oddCodings    = []string{"chunked, chunked", "gzip, chunked", "identity", "chunked, identity", "xchunked", "chunked;q=1", "\"chunked\"", " chunked", "chunked ", "\tchunked", "chunked\x00", "\x0bchunked", "chunked,", ",chunked", "chunke\r\n d", "", "cow", "chunked\t", "CHUNKED\x0b"}
	extensions    = []string{"", "", "", ";a", ";a=b", ";a=\"b\"", " ;a", ";a=b;c"}
	oddExtensions = []string{" ", "\t", ";\n", ";a\rb", ";a\nb", ";\x00", ";a=\"", "\r", "g", "_", " x", ";a=\"\r\nX\"", ";;;;", "\x0b"}
	chunkEnds     = []string{"\r\n"}
	oddChunkEnds  = []string{"\n", "\r", "", "\r\n\r\n", "x\r\n", "\n\r", "\r\r\n", " \r\n"}
	smuggled      = []string{"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n", "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n", "x", "POST /smuggled HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"}
)

func (g *generator) request() {
	g.write(g.of(methods, oddMethods), g.of(spaces, oddSpaces))
	g.target()
	g.write(g.of(spaces, oddSpaces), g.of(versions, oddVersions), g.of(lineEnds, oddLineEnds))
	if !g.bad() || g.IntN(3) > 0 {
		g.write(g.of([]string{"Host"}, []string{"host", "HOST", "Host ", "X-Host"}), g.of(colons, oddColons), g.of(hosts, oddHosts), g.of(lineEnds, oddLineEnds))
	}
	for range g.IntN(6) {
		g.write(g.of(fieldNames, oddFieldNames), g.of(colons, oddColons), g.of(fieldValues, oddFieldVals), g.of(lineEnds, oddLineEnds))
	}
	switch g.IntN(10) {
	case 0, 1, 2:
		g.measured()
	case 3, 4, 5:
		g.chunked()
	default:
		g.write(g.of(lineEnds, oddLineEnds))
	}
	if g.bad() {
		g.write(smuggled[g.IntN(len(smuggled))])
	}
}

func (g *generator) target() {
	switch {
	case g.bad():
		g.write(g.of([]string{"*", "http://h", "http://x/admin", "https://h", "http:", "h:80", "foo", "//h", "///", "/\\", "\\", "http:http://internal/admin", "file:///etc/passwd", "?", "#", "/?a?b#c"}, []string{""}))
	case g.bad():
		g.write("http://", g.of(hosts, oddHosts))
	}
	if g.IntN(12) == 0 {
		g.write("/")
	} else {
		for range 1 + g.IntN(4) {
			g.write("/", g.of(segments, oddSegments))
		}
		if g.IntN(12) == 0 {
			g.write("/")
		}
	}
	if g.IntN(2) == 0 {
		return
	}
	for i := range g.IntN(4) {
		g.write([]string{"?", "&"}[min(i, 1)], g.of(names, oddNames))
		if g.IntN(5) > 0 {
			g.write("=", g.of(values, oddValues))
		}
	}
}

// measured is a body with Content-Length.
func (g *generator) measured() {
	length, body := g.of(lengths, oddLengths), ""
	n, err := strconv.Atoi(length)
	if err == nil {
		body = strings.Repeat("abcde", 1+max(n, 0)/5)[:min(max(n, 0), 20)]
	} else {
		body = "abcde"
	}
	g.cut = n > len(body)
	g.write("Content-Length", g.of(colons, oddColons), length, g.of(lineEnds, oddLineEnds))
	if g.bad() {
		g.write("Content-Length: ", g.of(lengths, oddLengths), "\r\n")
	}
	if g.bad() {
		g.write(g.of([]string{"Transfer-Encoding"}, []string{"Transfer_Encoding", "Transfer-Encoding ", "X: y\nTransfer-Encoding"}), ": ", g.of(codings, oddCodings), "\r\n")
	}
	g.write(g.of(lineEnds, oddLineEnds), body)
}

func (g *generator) chunked() {
	if g.bad() {
		g.write("Content-Length: ", g.of(lengths, oddLengths), "\r\n")
	}
	g.write("Transfer-Encoding", g.of(colons, oddColons), g.of(codings, oddCodings), g.of(lineEnds, oddLineEnds))
	if g.IntN(8) == 0 {
		g.write("Trailer: X-T\r\n")
	}
	if g.bad() {
		g.write("Transfer-Encoding: ", g.of(codings, oddCodings), "\r\n")
	}
	g.write(g.of(lineEnds, oddLineEnds))
	for range g.IntN(4) {
		size := 1 + g.IntN(20)
		digits := strconv.FormatInt(int64(size), 16)
		if g.bad() {
			digits = []string{"0x5", "+5", "-5", "5 ", "", "fffffffffffffffff", "00000000000000005", "5\n", "g", " 5", "٥", "1_0"}[g.IntN(12)]
		}
		g.write(digits, g.of(extensions, oddExtensions), g.of(chunkEnds, oddChunkEnds), strings.Repeat("k", size), g.of(chunkEnds, oddChunkEnds))
	}
	g.write(g.of([]string{"0", "0", "000"}, []string{"", "0x0", "-0", "0 ", "00000000000000000000000000"}), g.of(extensions, oddExtensions), g.of(chunkEnds, oddChunkEnds))
	if g.IntN(6) == 0 {
		g.write(g.of([]string{"X-T: 1\r\n"}, []string{"Content-Length: 5\r\n", "Host: x\r\n", "X_T: 1\r\n", "X-T : 1\r\n", "X-T: a\rb\r\n", ": \r\n", "X-T\r\n", "Authorization: x\r\n", "X-T: 1\n"}))
	}
	g.write(g.of(chunkEnds, oddChunkEnds))
}

const disruptive = "\x00\r\n\t :;,%#?/\\\x7f\x80\xff"

// mutilate removes, repeats, moves or replaces some bytes.
func (g *generator) mutilate(b []byte) []byte {
	for range 1 + g.IntN(3) {
		if len(b) < 4 {
			return b
		}
		at := g.IntN(len(b) - 2)
		n := 1 + g.IntN(min(8, len(b)-at-1))
		switch g.IntN(4) {
		case 0:
			b = append(b[:at:at], b[at+n:]...)
		case 1:
			b = append(b[:at+n:at+n], b[at:]...)
		case 2:
			b[at] = disruptive[g.IntN(len(disruptive))]
		case 3:
			b = append(b[:at:at], append([]byte{disruptive[g.IntN(len(disruptive))]}, b[at:]...)...)
		}
	}
	return b
}
