package listen

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
)

// canned is a connection that has sent what it will ever send.
type canned struct {
	net.Conn
	in io.Reader
}

func (c canned) Read(p []byte) (int, error)  { return c.in.Read(p) }
func (c canned) Write(p []byte) (int, error) { return len(p), nil }

// fingerprinted lets crypto/tls read a record, and takes the fingerprint of what it hands out.
func fingerprinted(t testing.TB, record []byte) (ja4 string) {
	t.Helper()
	conn := tls.Server(canned{in: bytes.NewReader(record)}, &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		ja4 = fingerprint(hello, 't')
		return nil, io.EOF
	}})
	if err := conn.Handshake(); err == nil {
		t.Error("a handshake with nobody")
	}
	return ja4
}

// FoxIO's captures, and what FoxIO's program says of them.
func TestFingerprintVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/ja4.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if f[0] == "#" {
			continue
		}
		record, err := hex.DecodeString(f[2])
		if err != nil {
			t.Fatal(err)
		}
		if got := fingerprinted(t, record); got != f[1] {
			t.Errorf("%s: %s, want %s", f[0], got, f[1])
		}
		n++
	}
	if n < 14 {
		t.Errorf("%d vectors", n)
	}
}

// The examples of the technical description.
func TestFingerprintByTheBook(t *testing.T) {
	chrome := tls.ClientHelloInfo{
		CipherSuites:      []uint16{0x1a1a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035},
		Extensions:        []uint16{0x0a0a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015, 0xfafa},
		SignatureSchemes:  []tls.SignatureScheme{0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601},
		SupportedVersions: []uint16{0x5a5a, 0x0304, 0x0303}, SupportedProtos: []string{"h2", "http/1.1"},
	}
	if got := fingerprint(&chrome, 't'); got != "t13d1516h2_8daaf6152771_e5627efa2ab1" {
		t.Error(got)
	}
	silent := chrome
	silent.SignatureSchemes = nil
	if got := fingerprint(&silent, 'q'); got != "q13d1516h2_8daaf6152771_6d807ffa2a79" {
		t.Error(got)
	}
	if got := fingerprint(&tls.ClientHelloInfo{SupportedVersions: []uint16{0x0303}}, 't'); got != "t12i000000_000000000000_000000000000" {
		t.Error(got)
	}
	many := tls.ClientHelloInfo{CipherSuites: make([]uint16, 150), Extensions: make([]uint16, 120), SupportedVersions: []uint16{0x0399}}
	if got := fingerprint(&many, 't'); !strings.HasPrefix(got, "t00d999900_") {
		t.Error(got)
	}
	for protocol, want := range map[string]string{"http/1.1": "h1", "h": "hh", "": "00", "\xab": "ab", " ": "20", "\xab\xcd": "ad", " a": "21", "0\xab": "3b",
		"a ": "60", "01\xab\xcd": "3d", "0\xab\xcd1": "01"} {
		if got := string(appendProtocol(nil, []string{protocol})); got != want {
			t.Errorf("%q: %s, want %s", protocol, got, want)
		}
	}
}

// tapped is a listener that keeps what its connections send first.
type tapped struct {
	net.Listener
	mu  sync.Mutex
	got [][]byte
}

func (l *tapped) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, nil)
	return &tap{Conn: c, l: l, i: len(l.got) - 1}, nil
}

type tap struct {
	net.Conn
	l *tapped
	i int
}

func (c *tap) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	c.l.got[c.i] = append(c.l.got[c.i], p[:n]...)
	return n, err
}

// What real clients send, judged by a second implementation that reads the bytes instead of what crypto/tls makes of them.
func TestClientsFingerprint(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: no second opinion")
	}
	for name, command := range map[string][]string{
		"openssl":    {"openssl", "s_client", "-connect", "$ADDR", "-servername", "shop.example", "-alpn", "h2"},
		"openssl1.2": {"openssl", "s_client", "-connect", "$ADDR", "-tls1_2", "-noservername"},
		"curl":       {"curl", "-sk", "https://$ADDR/"},
		"python":     {"python3", "-c", "import ssl,socket;c=ssl._create_unverified_context();c.wrap_socket(socket.create_connection('$ADDR'.split(':')),server_hostname='shop.example')"},
		"node":       {"node", "-e", "require('tls').connect({host:'127.0.0.1',port:+'$ADDR'.split(':')[1],rejectUnauthorized:false,servername:'shop.example'}).on('secureConnect',()=>process.exit())"},
		"wget":       {"wget", "-q", "-O-", "--no-check-certificate", "--tries=1", "https://$ADDR/"},
		"chromium":   {"chromium", "--headless", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors", "--timeout=8000", "--dump-dom", "https://$ADDR/"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(command[0]); err != nil {
				t.Skipf("%s is not installed", command[0])
			}
			checkClient(t, python, func(address string) {
				var args []string
				for _, a := range command[1:] {
					args = append(args, strings.ReplaceAll(a, "$ADDR", address))
				}
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
				defer cancel()
				_ = exec.CommandContext(ctx, command[0], args...).Run() // nobody answers what it asks for
			})
		})
	}
	t.Run("go", func(t *testing.T) {
		checkClient(t, python, func(address string) {
			if c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}); err == nil {
				c.Close()
			}
		})
	})
}

// checkClient lets a client connect, and compares both opinions of its first hello.
func checkClient(t *testing.T, python string, connect func(address string)) {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &tapped{Listener: socket}
	pair := keyPair(t, ecKey(t), "shop.example")
	s, err := loadCertificates([]config.Certificate{pair})
	if err != nil {
		t.Fatal(err)
	}
	ours := make(chan string, 16)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conn := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{*s.list[0]}, GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
				ours <- fingerprint(hello, 't')
				return nil, nil
			}})
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			_ = conn.Handshake()
			conn.Close()
		}
	}()
	connect(socket.Addr().String())
	socket.Close()
	<-done
	if len(ours) == 0 {
		t.Fatal("it sent no hello")
	}
	script := exec.Command(python, "testdata/ja4.py")
	script.Stdin = strings.NewReader(hex.EncodeToString(l.got[0]))
	theirs, err := script.Output()
	if err != nil {
		t.Fatalf("no second opinion: %v", err)
	}
	if got := <-ours; got != strings.TrimSpace(string(theirs)) {
		t.Errorf("%s, but from the bytes %s", got, theirs)
	} else {
		t.Log(got)
	}
}

func BenchmarkFingerprint(b *testing.B) {
	hello := &tls.ClientHelloInfo{CipherSuites: make([]uint16, 16), Extensions: []uint16{0, 10, 11, 13, 16, 23, 43, 45, 51}, SupportedVersions: []uint16{0x304}, SupportedProtos: []string{"h2"}}
	b.ReportAllocs()
	for b.Loop() {
		fingerprint(hello, 't')
	}
}
