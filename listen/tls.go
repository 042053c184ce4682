package listen

import (
	"crypto/tls"
	"fmt"
	"sync/atomic"

	"github.com/sallyport/sallyport/config"
)

// suites are those of TLS 1.2 with forward secrecy and AEAD. TLS 1.3 has no others.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// certificate is the pair of files and what was last read from them.
type certificate struct {
	files   config.TLS
	current atomic.Pointer[tls.Certificate]
}

func loadCertificate(files config.TLS) (*certificate, error) {
	c := &certificate{files: files}
	return c, c.load()
}

// load reads both files; on failure what was loaded before stays.
func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.files.Cert, c.files.Key)
	if err != nil {
		return fmt.Errorf("couldn't load certificate %q with key %q: %w", c.files.Cert, c.files.Key, err)
	}
	c.current.Store(&pair)
	return nil
}

// config leaves the key exchanges at crypto/tls's default, which begins with X25519MLKEM768.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		CipherSuites: suites,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.current.Load(), nil
		},
	}
}
