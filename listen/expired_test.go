package listen

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
)

// A certificate that has expired, before the start or since, is shown all the same: clients refuse it and say why, while a
// gateway that did not start, or let nobody in, would say nothing. It is told beforehand; and a new file mends it without a
// restart, for connections that come then.
func TestExpiredCertificate(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct{ end, asked time.Time }{
		"before the start":   {now.Add(-time.Hour), now},
		"while it is served": {now.Add(time.Hour), now.Add(2 * time.Hour)}, // by the client's clock
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			files := writeCertUntil(t, dir, 1, c.end)
			s := start(t, config.Listener{TLS: &files}, ok)
			if told := s.Certificates(); len(told) != 1 || told[0].NotAfter.Unix() != c.end.Unix() {
				t.Errorf("told %v", told)
			}
			kept, err := believing(t, s, files, now.Add(-90*time.Minute))
			if err != nil {
				t.Fatalf("while it is good: %v", err)
			}
			var invalid x509.CertificateInvalidError
			if _, err := believing(t, s, files, c.asked); !errors.As(err, &invalid) || invalid.Reason != x509.Expired {
				t.Errorf("the client says %v", err)
			}
			if !answered(kept) {
				t.Error("a connection from before is not served")
			}
			files = writeCertUntil(t, dir, 2, now.Add(24*time.Hour))
			if err := s.Reload(); err != nil {
				t.Fatal(err)
			}
			renewed, err := believing(t, s, files, c.asked)
			if err != nil {
				t.Fatalf("after the renewal: %v", err)
			}
			if !answered(renewed) {
				t.Error("nothing is served after the renewal")
			}
			if told := s.Certificates(); len(told) != 1 || told[0].NotAfter.Unix() != now.Add(24*time.Hour).Unix() {
				t.Errorf("told %v", told)
			}
		})
	}
}

// believing connects as a client that trusts the certificate of files, at a time.
func believing(t *testing.T, s *Server, files config.TLS, at time.Time) (*tls.Conn, error) {
	t.Helper()
	text, err := os.ReadFile(files.Cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	c, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{RootCAs: roots, Time: func() time.Time { return at }, NextProtos: []string{"http/1.1"}})
	if err == nil {
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	}
	return c, err
}
