package sink

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	syslogs "github.com/leodido/go-syslog/v4"
	"github.com/leodido/go-syslog/v4/octetcounting"
	"github.com/leodido/go-syslog/v4/rfc5424"
)

// The receiver reads what arrives by RFC 5424, and streams by the octet counting of RFC 6587 and 5425.
func TestSyslog(t *testing.T) {
	server := httptest.NewTLSServer(nil) // its certificate
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	for _, transport := range []string{"tcp", "tls"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		if transport == "tls" {
			listener = tls.NewListener(listener, server.TLS)
		}
		got := make(chan *rfc5424.SyslogMessage, 10)
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				octetcounting.NewParser(syslogs.WithListener(func(r *syslogs.Result) {
					if r.Error != nil {
						t.Error(transport, r.Error)
						return
					}
					got <- r.Message.(*rfc5424.SyslogMessage)
				})).Parse(conn)
			}
		}()
		s, err := NewSyslog(SyslogOptions{Address: listener.Addr().String(), Transport: transport, TLS: &tls.Config{RootCAs: roots}, Facility: 13, AppName: "sally port", Host: "gate-1"})
		if err != nil {
			t.Fatal(err)
		}
		batch := messages(0, 3)
		batch[1].Name, batch[1].Body = "config.applied", []byte("a ü <13>1 line")
		send(t, s, batch)
		for i := range batch {
			m := <-got
			if *m.Priority != 13*8+3 || *m.Hostname != "gate-1" || *m.Appname != "sallyport" || *m.Message != string(batch[i].Body) || !m.Timestamp.Equal(batch[i].Time) || *m.MsgID != map[bool]string{true: "config.applied", false: "exchange"}[i == 1] {
				t.Errorf("%s: %+v", transport, m)
			}
		}
		if err := s.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}
}

func TestSyslogOverUDP(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s, err := NewSyslog(SyslogOptions{Address: conn.LocalAddr().String(), Transport: "udp", Facility: 1, AppName: "sallyport"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	batch := messages(0, 2)
	batch[0].Body = bytes.Repeat([]byte("x"), 70_000)
	var refused *Refused
	if err := s.Send(t.Context(), batch); !errors.As(err, &refused) || len(refused.Messages) != 1 || refused.Messages[0] != 0 {
		t.Errorf("what fits into no datagram: %v", err)
	}
	b := make([]byte, 2048)
	n, _, err := conn.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := rfc5424.NewParser().Parse(b[:n]); err != nil || *m.(*rfc5424.SyslogMessage).Message != `{"n":1}` {
		t.Errorf("%s: %v", b[:n], err)
	}
}

// What was written into a connection that the receiver had closed is sent again.
func TestSyslogNoticesTheEnd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	s, err := NewSyslog(SyslogOptions{Address: listener.Addr().String(), Transport: "tcp", AppName: "sallyport"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	send(t, s, messages(0, 1))
	first, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	read(t, first)
	first.Close()
	send(t, s, messages(1, 1)) // by a new connection
	second, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if got := read(t, second); !strings.Contains(got, `{"n":1}`) {
		t.Error(got)
	}
}

func read(t *testing.T, r io.Reader) string {
	t.Helper()
	b := bufio.NewReader(r)
	length, err := b.ReadString(' ')
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(length))
	if err != nil {
		t.Fatal(err)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(b, text); err != nil {
		t.Fatal(err)
	}
	return string(text)
}
