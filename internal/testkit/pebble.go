package testkit

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const pebbleModule = "github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.3"

// everywhere is a name server, by TCP, for which every name is this machine's.
func everywhere(t testing.TB) string {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	go func() {
		for {
			conn, err := socket.Accept()
			if err != nil {
				return
			}
			go resolve(conn)
		}
	}()
	return socket.Addr().String()
}

// resolve answers the questions of a connection (RFC 1035 section 4.2.2), of which only those for IPv4 have an answer.
func resolve(conn net.Conn) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(size[:]))
		var m dnsmessage.Message
		if _, err := io.ReadFull(conn, question); err != nil || m.Unpack(question) != nil || len(m.Questions) == 0 {
			return
		}
		m.Response, m.Additionals = true, nil
		if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
		}
		answer, err := m.Pack()
		if err != nil {
			return
		}
		_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
	}
}

// A Pebble is Let's Encrypt's ACME server for tests.
type Pebble struct {
	Directory string         // its URL
	Root      string         // a file with the authority of its own certificate
	Issued    *x509.CertPool // the authority of what it issues
}

// NewPebble builds and starts one that looks for answers to its challenges on these ports of this machine, whatever the name. more are
// more settings of it. It skips the test where it cannot be built, and without SALLYPORT_ALL.
func NewPebble(t testing.TB, httpPort, tlsPort int, more map[string]any) *Pebble {
	t.Helper()
	if os.Getenv("SALLYPORT_ALL") == "" {
		t.Skip("builds an ACME server: SALLYPORT_ALL=1")
	}
	dir := t.TempDir()
	build := exec.Command("go", "install", pebbleModule)
	build.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("pebble cannot be built: %v\n%s", err, out)
	}
	root := NewAuthority(t, "pebble")
	own := root.Server()
	caRoot := WriteFile(t, "root.pem", CertPEM(root.Cert))
	at, management := FreeAddress(t), FreeAddress(t)
	settings := map[string]any{"listenAddress": at, "managementListenAddress": management, "httpPort": httpPort, "tlsPort": tlsPort,
		"certificate": WriteFile(t, "cert.pem", CertPEM(own.Leaf)), "privateKey": WriteFile(t, "key.pem", KeyPEM(t, own))}
	maps.Copy(settings, more)
	conf, _ := json.Marshal(map[string]any{"pebble": settings}) // plain values
	cmd := exec.Command(filepath.Join(dir, "pebble"), "-config", WriteFile(t, "pebble.json", conf), "-dnsserver", everywhere(t))
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=20")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	pool := x509.NewCertPool()
	pool.AddCert(root.Cert)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}
	for range 400 {
		resp, err := (&http.Client{Transport: tr}).Get("https://" + management + "/roots/0")
		if err != nil {
			time.Sleep(25 * time.Millisecond)
			continue
		}
		pem, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		issued := x509.NewCertPool()
		issued.AppendCertsFromPEM(pem)
		return &Pebble{"https://" + at + "/dir", caRoot, issued}
	}
	t.Fatal("pebble does not answer")
	return nil
}
