package listen

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
)

// binaryHeader makes a header of version 2; sum adds a checksum behind the TLVs.
func binaryHeader(command, family byte, block []byte, sum bool) []byte {
	if sum {
		block = append(bytes.Clone(block), crc32cType, 0, 4, 0, 0, 0, 0)
	}
	whole := append(bytes.Clone(proxySignature), command, family)
	whole = binary.BigEndian.AppendUint16(whole, uint16(len(block)))
	whole = append(whole, block...)
	if sum {
		binary.BigEndian.PutUint32(whole[len(whole)-4:], crc32.Checksum(whole, crc32.MakeTable(crc32.Castagnoli)))
	}
	return whole
}

var (
	block4 = []byte{203, 0, 113, 7, 198, 51, 100, 1, 0x12, 0x67, 1, 187}
	block6 = append(append(net.ParseIP("2001:db8::7"), net.ParseIP("2001:db8::1")...), 0x12, 0x67, 1, 187)
	mapped = append(append(net.ParseIP("203.0.113.7").To16(), net.ParseIP("198.51.100.1").To16()...), 0x12, 0x67, 1, 187)
)

func TestProxyHeader(t *testing.T) {
	with := func(block []byte, tlv ...byte) []byte { return append(bytes.Clone(block), tlv...) }
	flipped := binaryHeader(0x21, 0x11, block4, true)
	flipped[16] ^= 1
	for name, c := range map[string]struct {
		header string
		want   string // "" is refused, "-" tells no address
	}{
		"v1 four":              {"PROXY TCP4 203.0.113.7 198.51.100.1 4711 443\r\n", "203.0.113.7:4711"},
		"v1 six":               {"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", "[2001:db8::7]:4711"},
		"v1 mapped":            {"PROXY TCP6 ::ffff:203.0.113.7 ::1 4711 443\r\n", "203.0.113.7:4711"},
		"v1 unknown":           {"PROXY UNKNOWN\r\n", "-"},
		"v1 unknown with more": {"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "-"},
		"v1 LF":                {"PROXY TCP4 203.0.113.7 198.51.100.1 4711 443\n", ""},
		"v1 lower case":        {"proxy TCP4 203.0.113.7 198.51.100.1 4711 443\r\n", ""},
		"v1 two spaces":        {"PROXY  TCP4 203.0.113.7 198.51.100.1 4711 443\r\n", ""},
		"v1 tab":               {"PROXY TCP4\t203.0.113.7 198.51.100.1 4711 443\r\n", ""},
		"v1 seventh":           {"PROXY TCP4 203.0.113.7 198.51.100.1 4711 443 x\r\n", ""},
		"v1 trailing space":    {"PROXY TCP4 203.0.113.7 198.51.100.1 4711 443 \r\n", ""},
		"v1 wrong family":      {"PROXY TCP4 2001:db8::7 2001:db8::1 4711 443\r\n", ""},
		"v1 wrong family six":  {"PROXY TCP6 203.0.113.7 198.51.100.1 4711 443\r\n", ""},
		"v1 octal":             {"PROXY TCP4 203.0.113.07 198.51.100.1 4711 443\r\n", ""},
		"v1 zone":              {"PROXY TCP6 fe80::7%eth0 2001:db8::1 4711 443\r\n", ""},
		"v1 port too large":    {"PROXY TCP4 203.0.113.7 198.51.100.1 65536 443\r\n", ""},
		"v1 port with zero":    {"PROXY TCP4 203.0.113.7 198.51.100.1 04711 443\r\n", ""},
		"v1 port signed":       {"PROXY TCP4 203.0.113.7 198.51.100.1 +4711 443\r\n", ""},
		"v1 bad destination":   {"PROXY TCP4 203.0.113.7 nowhere 4711 443\r\n", ""},
		"v1 udp":               {"PROXY UDP4 203.0.113.7 198.51.100.1 4711 443\r\n", ""},
		"v1 endless":           {"PROXY UNKNOWN " + strings.Repeat("a", 200) + "\r\n", ""},
		"v1 longest":           {"PROXY UNKNOWN " + strings.Repeat("a", 107-16) + "\r\n", "-"},
		"v1 too long by one":   {"PROXY UNKNOWN " + strings.Repeat("a", 107-15) + "\r\n", ""},
		"v1 cut":               {"PROXY TCP4 203.0.1", ""},
		"none":                 {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		"nothing":              {"", ""},
		"v2 four":              {string(binaryHeader(0x21, 0x11, block4, false)), "203.0.113.7:4711"},
		"v2 six":               {string(binaryHeader(0x21, 0x21, block6, false)), "[2001:db8::7]:4711"},
		"v2 mapped":            {string(binaryHeader(0x21, 0x21, mapped, false)), "203.0.113.7:4711"},
		"v2 sum":               {string(binaryHeader(0x21, 0x11, block4, true)), "203.0.113.7:4711"},
		"v2 wrong sum":         {string(flipped), ""},
		"v2 two sums":          {string(binaryHeader(0x21, 0x11, with(block4, crc32cType, 0, 4, 0, 0, 0, 0), true)), ""},
		"v2 short sum":         {string(binaryHeader(0x21, 0x11, with(block4, crc32cType, 0, 2, 0, 0), false)), ""},
		"v2 TLVs":              {string(binaryHeader(0x21, 0x11, with(block4, 0x01, 0, 2, 'h', '2', 0x04, 0, 0), true)), "203.0.113.7:4711"},
		"v2 TLV too long":      {string(binaryHeader(0x21, 0x11, with(block4, 0x01, 0, 3, 'h', '2'), false)), ""},
		"v2 TLV cut":           {string(binaryHeader(0x21, 0x11, with(block4, 0x01, 0), false)), ""},
		"v2 local":             {string(binaryHeader(0x20, 0x00, nil, false)), "-"},
		"v2 local with more":   {string(binaryHeader(0x20, 0x11, block4, false)), "-"},
		"v2 unspecified":       {string(binaryHeader(0x21, 0x00, nil, true)), "-"},
		"v2 unix":              {string(binaryHeader(0x21, 0x31, make([]byte, 216), false)), ""},
		"v2 datagram":          {string(binaryHeader(0x21, 0x12, block4, false)), ""},
		"v2 short addresses":   {string(binaryHeader(0x21, 0x21, block4, false)), ""},
		"v2 command":           {string(binaryHeader(0x22, 0x11, block4, false)), ""},
		"v3":                   {string(binaryHeader(0x31, 0x11, block4, false)), ""},
		"v2 large":             {string(binaryHeader(0x21, 0x11, with(block4, append([]byte{0xe0, 0x0f, 0xe0}, make([]byte, 0xfe0)...)...), false)), "203.0.113.7:4711"},
		"v2 too large":         {string(binaryHeader(0x21, 0x11, with(block4, append([]byte{0xe0, 0x20, 0}, make([]byte, 0x2000)...)...), false)), ""},
		"v2 cut":               {string(binaryHeader(0x21, 0x11, block4, false)[:20]), ""},
		"v2 broken signature":  {"\r\n\r\n\x00\r\nQUIT\r" + string(block4), ""},
	} {
		in := strings.NewReader(c.header + "rest")
		if c.want == "" {
			in = strings.NewReader(c.header)
		}
		from, err := readProxyHeader(in)
		got := from.String()
		if err != nil {
			got = ""
		} else if !from.IsValid() {
			got = "-"
		}
		if got != c.want {
			t.Errorf("%s: %q (%v), want %q", name, got, err, c.want)
		}
		if rest, _ := io.ReadAll(in); err == nil && string(rest) != "rest" {
			t.Errorf("%s: left %q of what follows", name, rest)
		}
	}
}

// clientOf answers with the address of the client.
var clientOf = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "from "+Client(r).Addr.String()) })

const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

// From peers that are configured a header is mandatory; from others it is no request.
func TestProxyProtocol(t *testing.T) {
	files := writeCert(t, t.TempDir(), 1)
	short := config.Limits{HandshakeTimeout: config.Duration(200 * time.Millisecond)}
	trusting := secured(t, config.Listener{ProxyProtocol: []string{"127.0.0.0/8"}}, Options{}, clientOf)
	hurried := secured(t, config.Listener{ProxyProtocol: []string{"127.0.0.0/8"}, Limits: short}, Options{}, clientOf)
	strange := secured(t, config.Listener{ProxyProtocol: []string{"192.0.2.0/24"}}, Options{}, clientOf)
	secure := secured(t, config.Listener{TLS: &files, ProxyProtocol: []string{"127.0.0.1"}}, Options{}, clientOf)
	line, block := "PROXY TCP4 203.0.113.7 198.51.100.1 4711 443\r\n", string(binaryHeader(0x21, 0x21, block6, true))
	for name, c := range map[string]struct {
		server        *Server
		request, want string
	}{
		"line":                  {trusting, line + get, "from 203.0.113.7"},
		"block":                 {trusting, block + get, "from 2001:db8::7"},
		"nobody":                {trusting, "PROXY UNKNOWN\r\n" + get, "from 127.0.0.1"},
		"two":                   {trusting, line + line + get, "400 Bad Request"},
		"line from a stranger":  {strange, line + get, "400 Bad Request"},
		"block from a stranger": {strange, block + get, "400 Bad Request"},
		"a stranger":            {strange, get, "from 127.0.0.1"},
	} {
		if got := raw(t, c.server, c.request); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	for name, request := range map[string]string{"none": get, "late": "PROXY TCP4 203.0", "silent": ""} {
		conn, err := net.Dial("tcp", hurried.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(2 * time.Minute))
		io.WriteString(conn, request)
		if got, err := io.ReadAll(conn); len(got) > 0 || os.IsTimeout(err) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		conn.Close()
	}
	if n := hurried.Stats().Cuts["proxy_protocol"]; n != 3 {
		t.Errorf("%d connections were cut for it", n)
	}
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		conn, err := net.Dial("tcp", secure.Addr().String())
		if err == nil {
			_, err = conn.Write([]byte(block))
		}
		return conn, err
	}}
	tr.TLSClientConfig = insecure()
	if got := fetch(t, tr, "https://a.example/"); got != "from 2001:db8::7" {
		t.Errorf("over TLS: %s", got)
	}
}

// A proxy that is trusted and introduces another one is believed about whom that one speaks for; nobody else is.
func TestProxyProtocolAndForwardedFor(t *testing.T) {
	s := secured(t, config.Listener{ProxyProtocol: []string{"127.0.0.1"}, TrustedProxies: []string{"10.0.0.0/8"}}, Options{}, clientOf)
	for from, want := range map[string]string{"10.1.1.1": "from 192.0.2.5", "203.0.113.7": "from 203.0.113.7"} {
		got := raw(t, s, fmt.Sprintf("PROXY TCP4 %s 198.51.100.1 4711 443\r\nGET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1, 192.0.2.5\r\nConnection: close\r\n\r\n", from))
		if !strings.HasSuffix(got, want) {
			t.Errorf("%s: %q", from, got)
		}
	}
}

// HAProxy speaks both versions, and sums.
func TestProxyProtocolOfHAProxy(t *testing.T) {
	haproxy, err := exec.LookPath("haproxy")
	if err != nil {
		t.Skip("haproxy is not installed")
	}
	s := secured(t, config.Listener{ProxyProtocol: []string{"127.0.0.1"}}, Options{}, clientOf)
	for _, how := range []string{"send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"} {
		dir, front := t.TempDir(), freePort(t)
		conf := fmt.Sprintf("defaults\n mode tcp\n timeout connect 5s\n timeout client 5s\n timeout server 5s\nlisten a\n bind %s accept-proxy\n unique-id-format %%[uuid()]\n server s %s %s\n", front, s.Addr(), how)
		file := filepath.Join(dir, "haproxy.cfg")
		if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cmd := exec.CommandContext(ctx, haproxy, "-db", "-f", file)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var conn net.Conn
		for range 400 {
			if conn, err = net.Dial("tcp", front); err == nil {
				break
			}
			time.Sleep(25 * time.Millisecond)
		}
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(conn, "PROXY TCP6 2001:db8::9 2001:db8::1 4711 443\r\n"+get)
		if got, _ := io.ReadAll(conn); !strings.HasSuffix(string(got), "from 2001:db8::9") {
			t.Errorf("%s: %q", how, got)
		}
		conn.Close()
		cancel()
		_ = cmd.Wait()
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func FuzzProxyHeader(f *testing.F) {
	for _, h := range [][]byte{binaryHeader(0x21, 0x11, block4, true), binaryHeader(0x21, 0x21, block6, false), []byte("PROXY TCP4 203.0.113.7 198.51.100.1 4711 443\r\n"), []byte("PROXY UNKNOWN\r\n")} {
		f.Add(h)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in := bytes.NewReader(data)
		from, err := readProxyHeader(in)
		read := data[:len(data)-in.Len()]
		if len(read) > maxProxyBlock+16 {
			t.Fatalf("%d bytes were read", len(read))
		}
		if err != nil || read[0] != 'P' || !from.IsValid() {
			return
		}
		// What is accepted of version 1 is what would be written, but for the spelling of addresses.
		f := strings.Fields(string(read))
		if again, err := parseLine(fmt.Sprintf("PROXY %s %s %s %d %s\r\n", f[1], f[2], f[3], from.Port(), f[5])); err != nil || again != from {
			t.Fatalf("%q is %s, but again %s %v (%s)", read, from, again, err, hex.EncodeToString(read))
		}
	})
}
