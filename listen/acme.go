package listen

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"
	"go.uber.org/zap"

	"github.com/sallyport/sallyport/config"
)

// challengeProtocol is what an authority offers, alone, where it looks for the answer to TLS-ALPN-01 (RFC 8737).
const challengeProtocol = "acme-tls/1"

// renewal obtains certificates by ACME, and renews them in time. It is safe for concurrent use.
type renewal struct {
	domains []string
	cache   *certmagic.Cache
	config  *certmagic.Config
	issuer  *certmagic.ACMEIssuer
	end     func() // of what runs in the background; more than once does no harm
}

// newRenewal prepares; begin begins. What the authority's challenges need to know is where it will find us.
func newRenewal(c config.ACME, at net.Addr, o Options) (*renewal, error) {
	r := &renewal{domains: c.Domains}
	roots, err := rootsOf(c.CARoot)
	if err != nil {
		return nil, err
	}
	silent := zap.NewNop() // what matters comes as events
	r.cache = certmagic.NewCache(certmagic.CacheOptions{Logger: silent,
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return r.config, nil }})
	r.end = sync.OnceFunc(r.cache.Stop)
	r.config = certmagic.New(r.cache, certmagic.Config{Storage: &certmagic.FileStorage{Path: o.Folder}, Logger: silent,
		DefaultServerName: c.Domains[0], OnEvent: tell(logger(o.Log))})
	socket := at.(*net.TCPAddr)
	r.issuer = certmagic.NewACMEIssuer(r.config, certmagic.ACMEIssuer{CA: or(c.CA, certmagic.LetsEncryptProductionCA), TestCA: or(c.CA, certmagic.LetsEncryptStagingCA),
		Email: c.Email, Agreed: true, TrustedRoots: roots, Logger: silent, ExternalAccount: external(c.ExternalAccount), ListenHost: socket.IP.String(), AltTLSALPNPort: socket.Port, AltHTTPPort: o.HTTPPort, DisableHTTPChallenge: o.HTTPPort == 0})
	r.config.Issuers = []certmagic.Issuer{r.issuer}
	return r, nil
}

func external(a *config.ExternalAccount) *acme.EAB {
	if a == nil {
		return nil
	}
	return &acme.EAB{KeyID: a.ID, MACKey: a.Key}
}

func rootsOf(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("couldn't read acme ca_root: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("acme ca_root %q has no certificate", file)
	}
	return roots, nil
}

// tell logs what became of certificates. An error here would refuse handshakes.
func tell(log *slog.Logger) func(context.Context, string, map[string]any) error {
	return func(_ context.Context, event string, data map[string]any) error {
		switch event {
		case "cert_obtained":
			log.Info("certificate obtained", "name", data["identifier"], "issuer", data["issuer"], "renewal", data["renewal"])
		case "cert_failed":
			log.Error("a certificate was not obtained", "name", data["identifier"], "renewal", data["renewal"], "error", fmt.Sprint(data["error"]))
		}
		return nil
	}
}

// begin loads what is kept, and obtains the rest in the background until ctx ends, again and again where that fails.
func (r *renewal) begin(ctx context.Context) error {
	if err := r.config.ManageAsync(ctx, r.domains); err != nil {
		return fmt.Errorf("couldn't manage certificates by ACME: %w", err)
	}
	return nil
}

// challenged reports whether an authority looks for the answer to its challenge.
func challenged(hello *tls.ClientHelloInfo) bool {
	return slices.Equal(hello.SupportedProtos, []string{challengeProtocol})
}

// challenge is base for such a connection, which carries nothing else.
func (r *renewal) challenge(base *tls.Config) *tls.Config {
	c := base.Clone()
	c.NextProtos = []string{challengeProtocol}
	c.GetCertificate = r.config.GetCertificate
	return c
}

// certificate is the one for the client's name; until it is there, handshakes end in an alert.
func (r *renewal) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return r.config.GetCertificate(hello)
}

func (r *renewal) expiries() (list []Expiry) {
	for _, d := range r.domains {
		for _, c := range r.cache.AllMatchingCertificates(d) {
			list = append(list, Expiry{d, c.Leaf.NotAfter})
		}
	}
	return list
}

// Challenges answers HTTP-01 of a server with ACME, on a listener without TLS, and leaves the rest to next.
func (s *Server) Challenges(next http.Handler) http.Handler {
	if s.tls == nil || s.tls.renewal == nil {
		return next
	}
	return s.tls.renewal.issuer.HTTPChallengeHandler(next)
}
