package sink

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// SyslogOptions are those of a receiver of RFC 5424.
type SyslogOptions struct {
	Address   string
	Transport string      // tls (RFC 5425), tcp (RFC 6587, octet counting) or udp (RFC 5426)
	TLS       *tls.Config // for tls
	Facility  int
	AppName   string
	Host      string // that of this machine; "" asks the system
}

// syslog sends each message as one of RFC 5424. The protocol has no answers: what a receiver got that breaks down just
// then, nobody can know. A connection that the other side has closed is noticed before and after a batch is written, and the
// batch is sent again.
type syslog struct {
	SyslogOptions
	conn net.Conn
	text []byte
}

// NewSyslog connects when the first batch is sent.
func NewSyslog(o SyslogOptions) (Sink, error) {
	if o.Host == "" {
		o.Host, _ = os.Hostname() // else "-"
	}
	o.Host, o.AppName = printable(o.Host, 255), printable(o.AppName, 48)
	return &syslog{SyslogOptions: o}, nil
}

func (s *syslog) Batch() Batch { return Batch{Messages: 1000, Bytes: 1 << 20} }

// Send writes the batch.
func (s *syslog) Send(ctx context.Context, batch []Message) error {
	if err := s.connect(ctx); err != nil {
		return err
	}
	deadline, _ := ctx.Deadline()
	err := s.conn.SetWriteDeadline(deadline)
	if err == nil {
		err = s.write(batch)
	}
	var refused *Refused
	if err != nil && !errors.As(err, &refused) {
		s.drop()
	}
	return err
}

func (s *syslog) connect(ctx context.Context) (err error) {
	if s.conn != nil && s.closed() {
		s.drop()
	}
	if s.conn != nil {
		return nil
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	switch s.Transport {
	case "tls":
		s.conn, err = (&tls.Dialer{NetDialer: dialer, Config: s.TLS}).DialContext(ctx, "tcp", s.Address)
	default:
		s.conn, err = dialer.DialContext(ctx, s.Transport, s.Address)
	}
	if err != nil {
		s.conn = nil // not an interface that holds nil
	}
	return err
}

// closed reports whether the other side has closed. A receiver says nothing, so that to read is to learn just that.
func (s *syslog) closed() bool {
	if s.Transport == "udp" {
		return false
	}
	if err := s.conn.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		return true
	}
	_, err := s.conn.Read(make([]byte, 1))
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

func (s *syslog) write(batch []Message) error {
	if s.Transport == "udp" {
		return s.datagrams(batch)
	}
	s.text = s.text[:0]
	var line []byte
	for i := range batch {
		line = s.line(line[:0], &batch[i])
		s.text = append(strconv.AppendInt(s.text, int64(len(line)), 10), ' ')
		s.text = append(s.text, line...)
	}
	if _, err := s.conn.Write(s.text); err != nil {
		return err
	}
	if s.closed() {
		return errors.New("the connection was closed")
	}
	return nil
}

// datagrams sends one for each message; those that fit into none are refused.
func (s *syslog) datagrams(batch []Message) error {
	var long []int
	for i := range batch {
		s.text = s.line(s.text[:0], &batch[i])
		_, err := s.conn.Write(s.text)
		switch {
		case errors.Is(err, syscall.EMSGSIZE):
			long = append(long, i)
		case err != nil:
			return err
		}
	}
	if long != nil {
		return &Refused{Messages: long, Err: errors.New("larger than a datagram")}
	}
	return nil
}

// levels are the severities of RFC 5424.
var levels = map[exchange.Severity]int{exchange.Info: 6, exchange.Low: 5, exchange.Medium: 4, exchange.High: 3, exchange.Critical: 2}

// line appends a message: RFC 5424, section 6. The text is UTF-8 without the mark that says so, which readers of JSON and CEF
// do not expect.
func (s *syslog) line(b []byte, m *Message) []byte {
	level, ok := levels[m.Severity]
	if !ok {
		level = 6
	}
	b = append(strconv.AppendInt(append(b, '<'), int64(s.Facility*8+level), 10), ">1 "...)
	b = m.Time.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	for _, field := range []string{s.Host, s.AppName, strconv.Itoa(os.Getpid()), msgID(m.Name)} {
		b = append(append(b, ' '), cmp.Or(field, "-")...)
	}
	b = append(b, ` [origin software="Sallyport"] `...)
	return append(b, m.Body...)
}

// msgID is the kind of an event, or exchange: an operation has spaces.
func msgID(name string) string {
	if name == "" || strings.ContainsAny(name, " /") {
		return "exchange"
	}
	return printable(name, 32)
}

// printable keeps what a field of the header may have, up to most bytes.
func printable(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r > 32 && r < 127 {
			return r
		}
		return -1
	}, s)
	return s[:min(len(s), most)]
}

func (s *syslog) drop() {
	s.conn.Close()
	s.conn = nil
}

func (s *syslog) Close() error {
	if s.conn == nil {
		return nil
	}
	return s.conn.Close()
}
