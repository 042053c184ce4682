package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/internal/testkit"
)

// storyIssuer is an identity provider for stories.
type storyIssuer struct {
	t      *testing.T
	issuer *testkit.Issuer
	key    testkit.Key
}

func newStoryIssuer(t *testing.T) storyIssuer {
	i := storyIssuer{t, testkit.NewIssuer(t), testkit.NewKey(t, "story", "ES256")}
	i.issuer.Rotate(i.key)
	return i
}

// publish writes the key set: issuer FILE.
func (i storyIssuer) publish(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), i.issuer.Set(), 0o600))
	ts.Setenv("ISSUER", i.issuer.Claims()["iss"].(string))
}

// token signs a token: token VARIABLE [CLAIM=VALUE …]; a value is JSON where it can be, "-" removes the claim, @N is
// N seconds from now, and header.NAME sets a header member.
func (i storyIssuer) token(ts *testscript.TestScript, _ bool, args []string) {
	claims, header := i.issuer.Claims(), map[string]any{"typ": "at+jwt"}
	for _, a := range args[1:] {
		name, text, _ := strings.Cut(a, "=")
		var value any
		seconds := 0
		switch n, _ := fmt.Sscanf(text, "@%d", &seconds); {
		case text == "-":
		case n == 1:
			value = time.Now().Unix() + int64(seconds)
		case json.Unmarshal([]byte(text), &value) != nil:
			value = text
		}
		if member, ok := strings.CutPrefix(name, "header."); ok {
			header[member] = value
		} else if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	ts.Setenv(args[0], "Bearer "+i.key.Sign(i.t, header, claims))
}

// keyCmd keeps a new API key.
func keyCmd(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec(args[1], args[2:]...))
	var created struct{ Key, Token, ID string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &created))
	ts.Setenv(args[0], created.Key+created.Token)
	ts.Setenv(args[0]+"_ID", created.ID)
}

// certificateCmd writes NAME.pem and NAME.key for 127.0.0.1 and HOSTs, which clients of the story trust from now on,
// and nothing else: certificate NAME [HOST …].
func certificateCmd(ts *testscript.TestScript, _ bool, args []string) {
	cert, key, err := selfSigned(args[0], args[1:]...)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pem"), cert, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".key"), key, 0o600))
	ts.Setenv("CA", string(cert))
}

// trustCmd lets clients of the story trust the certificates in FILE and no others: trust FILE.
func trustCmd(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv("CA", ts.ReadFile(args[0]))
}

// selfSigned makes a certificate for 127.0.0.1 and hosts, and its key, both in PEM.
func selfSigned(name string, hosts ...string) (cert, key []byte, err error) {
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: hosts, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, pair.Public(), pair)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(pair)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), err
}
