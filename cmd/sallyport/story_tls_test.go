package main

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/internal/testkit"
)

// storyTrust are the authorities of stories and the certificates of their clients, by story and name.
type storyTrust struct {
	t           *testing.T
	authorities sync.Map
	clients     sync.Map
}

// authority makes one, whose certificate is NAME.pem: authority NAME.
func (s *storyTrust) authority(ts *testscript.TestScript, _ bool, args []string) {
	a := testkit.NewAuthority(s.t, args[0])
	s.authorities.Store(ts.Name()+"/"+args[0], a)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pem"), testkit.CertPEM(a.Cert), 0o600))
}

func (s *storyTrust) of(ts *testscript.TestScript, name string) *testkit.Authority {
	a, ok := s.authorities.Load(ts.Name() + "/" + name)
	if !ok {
		ts.Fatalf("there is no authority %s", name)
	}
	return a.(*testkit.Authority)
}

// client makes a client's certificate, NAME.pem and NAME.key: client AUTHORITY NAME.
func (s *storyTrust) client(ts *testscript.TestScript, _ bool, args []string) {
	c := s.of(ts, args[0]).Client(args[1])
	s.clients.Store(ts.Name()+"/"+args[1], c)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]+".pem"), testkit.CertPEM(c.Leaf), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]+".key"), testkit.KeyPEM(s.t, c), 0o600))
}

// revoke writes the list of an authority: revoke AUTHORITY FILE [CLIENT …].
func (s *storyTrust) revoke(ts *testscript.TestScript, _ bool, args []string) {
	var revoked []tls.Certificate
	for _, name := range args[2:] {
		c, _ := s.clients.Load(ts.Name() + "/" + name)
		revoked = append(revoked, c.(tls.Certificate))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), s.of(ts, args[0]).Revoke(time.Hour, revoked), 0o600))
}

// show lets clients of the story show a certificate from now on, or none: show [CLIENT].
func (s *storyTrust) show(ts *testscript.TestScript, _ bool, args []string) {
	cert, key := "", ""
	if len(args) > 0 {
		cert, key = ts.ReadFile(args[0]+".pem"), ts.ReadFile(args[0]+".key")
	}
	ts.Setenv("CLIENT_CERT", cert)
	ts.Setenv("CLIENT_KEY", key)
}

// bind signs a token that is bound to a client's certificate: bind VARIABLE CLIENT.
func (s *storyTrust) bind(issuer storyIssuer) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		c, _ := s.clients.Load(ts.Name() + "/" + args[1])
		sum := sha256.Sum256(c.(tls.Certificate).Leaf.Raw)
		cnf, _ := json.Marshal(map[string]string{"x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:])}) // strings always marshal
		issuer.token(ts, false, []string{args[0], "cnf=" + string(cnf)})
	}
}

// deniedCmd waits until there is no answer: denied URL.
func deniedCmd(ts *testscript.TestScript, _ bool, args []string) {
	client := client(ts)
	for range patiently {
		if _, _, _, err := exchanged(client, request(ts, append([]string{http.MethodGet}, args...))); err != nil {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	ts.Fatalf("%s is still answered", args[0])
}

// showing is the certificate of the story's clients, whatever authorities the server names; empty where there is none.
func showing(ts *testscript.TestScript) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	var pair tls.Certificate
	if cert := ts.Getenv("CLIENT_CERT"); cert != "" {
		var err error
		pair, err = tls.X509KeyPair([]byte(cert), []byte(ts.Getenv("CLIENT_KEY")))
		ts.Check(err)
	}
	return func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
}
