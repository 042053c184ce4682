package gateway

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	bigint "math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// DNS goes and comes back: what has a connection goes on, what needs a new one is refused in time, and after the return
// everything is well without a restart.
func TestChaosOfNames(t *testing.T) {
	names := startNames(t)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, wellSaid)
	}))
	t.Cleanup(upstream.Close)
	_, port, _ := net.SplitHostPort(upstream.Listener.Addr().String())
	g := newGate(t, chaosSpec, `{ targets: [ "http://shop.test:`+port+`" ], connect_timeout: 300ms, breaker: { failures: 3, pause: 50ms } }`,
		"    modes: { identity: off }", "").open(t)
	g.discard()
	expect := func(what, want string) {
		t.Helper()
		if code, err := ask(g); err != nil || code != want {
			t.Errorf("%s: %q %v", what, code, err)
		}
	}
	well := func() {
		t.Helper()
		eventually(t, "the recovery", func() bool { code, err := ask(g); return err == nil && code == "" })
	}
	well()
	for what, mode := range map[string]int32{"the name does not exist": absent, "the resolver fails": failing, "the resolver is silent": silent} {
		names.mode.Store(mode)
		expect(what+", on a kept connection", "")
		upstream.CloseClientConnections()
		eventually(t, "the loss of the kept connection", func() bool { code, err := ask(g); return err == nil && code != "" })
		if code, err := ask(g); err != nil || code != "forward.unreachable" && code != "forward.breaker_open" {
			t.Errorf("%s: %q %v", what, code, err)
		}
		names.mode.Store(present)
		well()
	}
}

// What a nameserver may do.
const (
	present int32 = iota
	absent
	failing
	silent
)

// names is a nameserver that knows one address for every name.
type names struct {
	mode atomic.Int32
	conn net.PacketConn
}

// startNames lets this process resolve by a nameserver of its own until the end of the test.
func startNames(t *testing.T) *names {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &names{conn: conn}
	go n.serve()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		conn.Close()
	})
	return n
}

func (n *names) serve() {
	for buf := make([]byte, 512); ; {
		size, from, err := n.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:size]) != nil || len(m.Questions) != 1 || n.mode.Load() == silent {
			continue
		}
		m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
		switch q := m.Questions[0]; n.mode.Load() {
		case absent:
			m.RCode = dnsmessage.RCodeNameError
		case failing:
			m.RCode = dnsmessage.RCodeServerFailure
		default:
			if q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
			}
		}
		if answer, err := m.Pack(); err == nil {
			_, _ = n.conn.WriteTo(answer, from)
		}
	}
}

// An upstream whose certificate has expired is nobody we know; with a new one it is, without a restart.
func TestChaosOfCertificates(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(until time.Time) tls.Certificate {
		c := &x509.Certificate{SerialNumber: bigint.NewInt(until.Unix()), NotBefore: until.Add(-2 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
		der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	expired, valid := issue(time.Now().Add(-time.Hour)), issue(time.Now().Add(time.Hour))
	var shown atomic.Pointer[tls.Certificate]
	shown.Store(&valid)
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, wellSaid)
	}))
	upstream.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*shown.Load()}}, nil
	}}
	upstream.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that do not trust it
	upstream.StartTLS()
	t.Cleanup(upstream.Close)
	both := ""
	for _, c := range []tls.Certificate{expired, valid} {
		both += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}))
	}
	g := newGate(t, chaosSpec, fmt.Sprintf("{ targets: [ %q ], ca: %q, breaker: { failures: 3, pause: 50ms } }", upstream.URL, writeFile(t, "ca.pem", both)),
		"    modes: { identity: off }", "").open(t)
	g.discard()
	well := func() bool { code, err := ask(g); return err == nil && code == "" }
	eventually(t, "the first answer", well)
	shown.Store(&expired)
	upstream.CloseClientConnections()
	eventually(t, "the loss of the kept connection", func() bool { return !well() })
	if code, err := ask(g); err != nil || code != "forward.unreachable" && code != "forward.breaker_open" {
		t.Errorf("%q %v", code, err)
	}
	shown.Store(&valid)
	eventually(t, "the recovery", well)
}
