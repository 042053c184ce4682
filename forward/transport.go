package forward

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/sallyport/sallyport/config"
)

// maxResponseHeader bounds the head of an answer, with all interim ones before it, in bytes.
const maxResponseHeader = 64 << 10

// newHTTP2 makes a transport that speaks HTTP/2 only, has no proxy (not even one from the environment), follows nothing and decodes
// nothing.
func newHTTP2(c config.Upstream) *http.Transport {
	t := &http.Transport{
		DisableCompression:     true,
		IdleConnTimeout:        idleTimeout,
		ResponseHeaderTimeout:  time.Duration(c.HeaderTimeout),
		MaxResponseHeaderBytes: maxResponseHeader,
		ForceAttemptHTTP2:      true,
		Protocols:              new(http.Protocols),
		HTTP2: &http.HTTP2Config{
			SendPingTimeout:  30 * time.Second, // finds connections that died without a word
			PingTimeout:      10 * time.Second,
			WriteByteTimeout: 30 * time.Second,
		},
	}
	t.Protocols.SetHTTP2(true)
	t.Protocols.SetUnencryptedHTTP2(c.H2C)
	return t
}

// clientTLS verifies targets against the pinned authorities, or the system's, and shows the client certificate.
func clientTLS(c config.Upstream) (*tls.Config, error) {
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("couldn't read upstream ca: %w", err)
		}
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("upstream ca %q has no certificate", c.CA)
		}
	}
	if (c.Cert == "") != (c.Key == "") {
		return nil, errors.New("upstream cert and key: both or neither")
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("couldn't load upstream client certificate: %w", err)
		}
		secure.Certificates = []tls.Certificate{pair}
	}
	secure.ServerName = c.ServerName
	pins, err := parsePins(c.PinSHA256)
	if err != nil {
		return nil, err
	}
	if len(pins) > 0 {
		secure.VerifyConnection = func(st tls.ConnectionState) error { return pinned(st.VerifiedChains, pins) }
	}
	return secure, nil
}

type pin [sha256.Size]byte

func parsePins(list []string) ([]pin, error) {
	var pins []pin
	for _, text := range list {
		sum, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || len(sum) != sha256.Size {
			return nil, fmt.Errorf("upstream pin_sha256 %q is not a SHA-256 digest in base64", text)
		}
		pins = append(pins, pin(sum))
	}
	return pins, nil
}

var errPins = errors.New("no certificate of the chain has a pinned key")

// pinned demands one of the keys in a chain that is valid otherwise.
func pinned(chains [][]*x509.Certificate, pins []pin) error {
	for _, chain := range chains {
		for _, c := range chain {
			if slices.Contains(pins, sha256.Sum256(c.RawSubjectPublicKeyInfo)) {
				return nil
			}
		}
	}
	return errPins
}
