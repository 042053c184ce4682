package listen

import (
	"crypto/tls"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

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

// security is the TLS of one listener. What comes from files is replaced as a whole, or not at all.
type security struct {
	config  config.TLS
	host    func(name string) (bool, *Demand)
	base    *tls.Config
	current atomic.Pointer[material]
	renewal *renewal // nil without ACME
}

// material is what was read from files together.
type material struct {
	*certificates
	demand *Demand
}

func newSecurity(c config.TLS, host func(string) (bool, *Demand)) (*security, error) {
	if host == nil {
		host = func(string) (bool, *Demand) { return true, nil }
	}
	s := &security{config: c, host: host}
	// Key exchanges stay at crypto/tls's default, which begins with X25519MLKEM768. So do session tickets: their key is
	// a new one every day, and none is kept longer than a week, because nobody else sets keys on this config.
	s.base = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		CipherSuites:       suites,
		NextProtos:         []string{"h2", "http/1.1"}, // a client that offers others only ends in no_application_protocol
		GetConfigForClient: s.greet,
		GetCertificate:     s.certificate,
	}
	return s, s.load()
}

// load reads all files again; on failure what was loaded before stays.
func (s *security) load() error {
	certs, err := loadCertificates(s.config.Pairs())
	demand, other := NewDemand(s.config.Clients)
	if err = errors.Join(err, other); err != nil {
		return err
	}
	s.current.Store(&material{certs, demand})
	return nil
}

// greet sees a ClientHello before anything is answered.
func (s *security) greet(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	if c, ok := hello.Conn.(*held); ok {
		c.hello = newHello(hello, 't')
	}
	if p, ok := hello.Context().Value(peerKey{}).(*peer); ok { // of QUIC, whose peer is known before; see enterQUIC
		p.hello = newHello(hello, 'q')
	}
	if s.renewal != nil && challenged(hello) {
		return s.renewal.challenge(s.base), nil
	}
	_, demand := s.host(hello.ServerName)
	if demand == nil {
		demand = s.current.Load().demand
	}
	if demand == nil {
		return nil, nil
	}
	return demand.on(s.base), nil
}

// certificate chooses one; no certificate and no error make crypto/tls send unrecognized_name.
func (s *security) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if served, _ := s.host(hello.ServerName); !served && s.config.Names != "any" {
		return nil, nil
	}
	if pair := s.current.Load().choose(hello, s.renewal == nil); pair != nil {
		return pair, nil
	}
	return s.renewal.certificate(hello)
}

// Expiry says until when a certificate is valid.
type Expiry struct {
	Certificate string // its file, or the name that it was obtained for
	NotAfter    time.Time
}

// Certificates tells of every certificate of the listener, as it was last loaded. A plain listener has none.
func (s *Server) Certificates() []Expiry {
	if s.tls == nil {
		return nil
	}
	var list []Expiry
	for i, c := range s.tls.current.Load().list {
		list = append(list, Expiry{s.tls.config.Pairs()[i].Cert, c.Leaf.NotAfter})
	}
	if s.tls.renewal != nil {
		list = append(list, s.tls.renewal.expiries()...)
	}
	return list
}

func loadCertificates(files []config.Certificate) (*certificates, error) {
	c := &certificates{byName: map[string][]*tls.Certificate{}}
	var errs []error
	for _, f := range files {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			errs = append(errs, fmt.Errorf("couldn't load certificate %q with key %q: %w", f.Cert, f.Key, err))
			continue
		}
		c.add(&pair)
	}
	return c, errors.Join(errs...)
}
