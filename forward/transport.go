package forward

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/sallyport/sallyport/config"
)

// Limits of connections to targets that nobody has asked to set.
const (
	maxResponseHeader = 64 << 10
	bufferSize        = 8 << 10
	idleTimeout       = 60 * time.Second
)

// connect makes the transports.
func (u *Upstream) connect(c config.Upstream) error {
	secure, err := clientTLS(c)
	if err != nil {
		return err
	}
	u.pooled = newTransport(c, secure)
	if c.H2C {
		u.pooled.Protocols.SetUnencryptedHTTP2(true)
	} else {
		u.pooled.Protocols.SetHTTP1(true)
	}
	u.pooled.Protocols.SetHTTP2(true)
	u.upgrades = newTransport(c, secure.Clone())
	u.upgrades.Protocols.SetHTTP1(true)
	u.upgrades.MaxIdleConnsPerHost = -1
	return nil
}

// newTransport has no proxy (not even one from the environment), follows nothing, decodes nothing.
func newTransport(c config.Upstream, secure *tls.Config) *http.Transport {
	patience := or(time.Duration(c.ConnectTimeout), defaultConnect)
	dialer := &net.Dialer{Timeout: patience, KeepAlive: 30 * time.Second}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        secure,
		TLSHandshakeTimeout:    patience,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    or(c.MaxIdle, defaultMaxIdle),
		IdleConnTimeout:        idleTimeout,
		ResponseHeaderTimeout:  time.Duration(c.HeaderTimeout),
		MaxResponseHeaderBytes: maxResponseHeader,
		WriteBufferSize:        bufferSize,
		ReadBufferSize:         bufferSize,
		ForceAttemptHTTP2:      true,
		Protocols:              new(http.Protocols),
		HTTP2: &http.HTTP2Config{
			SendPingTimeout:  30 * time.Second, // finds connections that died without a word
			PingTimeout:      10 * time.Second,
			WriteByteTimeout: 30 * time.Second,
		},
	}
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
