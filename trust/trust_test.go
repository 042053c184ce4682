package trust

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit"
)

func shown(certs ...tls.Certificate) (list []*x509.Certificate) {
	for _, c := range certs {
		list = append(list, c.Leaf)
	}
	return list
}

func load(t *testing.T, ca []byte, crl ...[]byte) (*Anchors, error) {
	t.Helper()
	var lists []string
	for _, data := range crl {
		lists = append(lists, testkit.WriteFile(t, "list.crl", data))
	}
	return Load([]string{testkit.WriteFile(t, "ca.pem", ca)}, lists, time.Now())
}

func mustLoad(t *testing.T, ca []byte, crl ...[]byte) *Anchors {
	t.Helper()
	a, err := load(t, ca, crl...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestVerify(t *testing.T) {
	root, other := testkit.NewAuthority(t, "root"), testkit.NewAuthority(t, "root") // of the same name
	between := root.Under("between")
	good, foreign, below := root.Client("good"), other.Client("foreign"), between.Client("below")
	old := root.Client("old", func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	})
	early := root.Client("early", func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	})
	server := root.Server("a.example")
	a := mustLoad(t, testkit.CertPEM(root.Cert))
	intermediate := tls.Certificate{Leaf: between.Cert}
	for name, c := range map[string]struct {
		presented []*x509.Certificate
		want      string
	}{
		"good":                     {shown(good), ""},
		"below":                    {shown(below, intermediate), ""},
		"below without the middle": {shown(below), "unknown authority"},
		"foreign":                  {shown(foreign), "unknown authority"},
		"foreign with its own":     {shown(foreign, tls.Certificate{Leaf: other.Cert}), "unknown authority"},
		"expired":                  {shown(old), "expired"},
		"early":                    {shown(early), "expired"},
		"a server's":               {shown(server), "key usage"},
		"many":                     {append(shown(good), make([]*x509.Certificate, 8)...), "more than 8"},
		"none":                     {nil, ErrNone.Error()},
	} {
		err := a.Verify(c.presented, time.Now())
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := a.Verify(nil, time.Now()); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

func TestRevocation(t *testing.T) {
	root := testkit.NewAuthority(t, "root")
	between := root.Under("between")
	good, bad, below := root.Client("good"), root.Client("bad"), between.Client("below")
	list := root.Revoke(time.Hour, []tls.Certificate{bad})
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: list})
	empty := between.Revoke(2*time.Hour, nil)
	newer := root.Revoke(time.Hour, []tls.Certificate{good}, func(l *x509.RevocationList) { l.ThisUpdate = time.Now().Add(-time.Minute) })
	both := testkit.CertPEM(root.Cert, between.Cert)
	for name, c := range map[string]struct {
		anchors   *Anchors
		presented tls.Certificate
		in        time.Duration
		want      string
	}{
		"not revoked":              {mustLoad(t, both, list), good, 0, ""},
		"revoked":                  {mustLoad(t, both, list), bad, 0, "was revoked"},
		"revoked, PEM":             {mustLoad(t, both, asPEM), bad, 0, "was revoked"},
		"no list of the issuer":    {mustLoad(t, both, list), below, 0, "no revocation list of \"CN=between\""},
		"a list of each":           {mustLoad(t, both, list, empty), below, 0, ""},
		"list has run out":         {mustLoad(t, both, list), good, 61 * time.Minute, "ran out"},
		"one of two has run out":   {mustLoad(t, both, list, empty), below, 61 * time.Minute, ""}, // between is an anchor itself
		"the newest counts, first": {mustLoad(t, both, newer, list), good, 0, "was revoked"},
		"the newest counts, last":  {mustLoad(t, both, list, newer), bad, 0, ""},
	} {
		err := c.anchors.Verify(shown(c.presented), time.Now().Add(c.in))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	until, err := mustLoad(t, both, list).Until(shown(good), time.Now())
	if d := time.Until(until); err != nil || d > time.Hour || d < 50*time.Minute {
		t.Errorf("the verdict holds for %s, %v; the list for an hour", d, err)
	}
}

// A certificate below an intermediate that was revoked is as good as revoked.
func TestRevokedIntermediate(t *testing.T) {
	root := testkit.NewAuthority(t, "root")
	between := root.Under("between")
	below := between.Client("below")
	lists := func(revoked ...tls.Certificate) *Anchors {
		a := mustLoad(t, testkit.CertPEM(root.Cert, between.Cert), root.Revoke(time.Hour, revoked), between.Revoke(time.Hour, nil))
		a.pool = x509.NewCertPool() // as where the intermediate is known for its lists only
		a.pool.AddCert(root.Cert)
		return a
	}
	middle := tls.Certificate{Leaf: between.Cert}
	if err := lists().Verify(shown(below, middle), time.Now()); err != nil {
		t.Error(err)
	}
	if err := lists(middle).Verify(shown(below, middle), time.Now()); err == nil || !strings.Contains(err.Error(), "was revoked") {
		t.Error(err)
	}
}

// What cannot be used does not load: nothing is passed over in silence.
func TestLoadRefuses(t *testing.T) {
	root, other := testkit.NewAuthority(t, "root"), testkit.NewAuthority(t, "root")
	ca := testkit.CertPEM(root.Cert)
	critical := func(id ...int) func(*x509.RevocationList) {
		return func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier(id), Critical: true, Value: []byte{5, 0}}}
		}
	}
	entry := func(l *x509.RevocationList) {
		l.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: big.NewInt(9), RevocationTime: time.Now(), ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 29}, Critical: true, Value: []byte{5, 0}}}}}
	}
	broken := root.Revoke(time.Hour, nil)
	broken[len(broken)-1] ^= 1
	for name, c := range map[string]struct {
		ca, crl []byte
		want    string
	}{
		"no certificate":       {[]byte("nothing"), nil, "has no certificate"},
		"a key":                {append(ca, testkit.KeyPEM(t, root.Client("a"))...), nil, "PRIVATE KEY"},
		"a client's":           {testkit.CertPEM(root.Client("a", func(c *x509.Certificate) { c.BasicConstraintsValid = true }).Leaf), nil, "not an authority"},
		"half of one":          {ca[:len(ca)/2], nil, "has no certificate"},
		"list run out":         {ca, root.Revoke(-time.Minute, nil), "ran out"},
		"list not yet":         {ca, root.Revoke(3*time.Hour, nil, func(l *x509.RevocationList) { l.ThisUpdate = time.Now().Add(time.Hour) }), "from"},
		"list of another":      {ca, testkit.NewAuthority(t, "other").Revoke(time.Hour, nil), "not among the authorities"},
		"list of a namesake":   {ca, other.Revoke(time.Hour, nil), "verification failure"},
		"list with a bad bit":  {ca, broken, "verification failure"},
		"difference of a list": {ca, root.Revoke(time.Hour, nil, critical(2, 5, 29, 27)), "critical extension 2.5.29.27"},
		"part of a list":       {ca, root.Revoke(time.Hour, nil, critical(2, 5, 29, 28)), "critical extension 2.5.29.28"},
		"entry of another":     {ca, root.Revoke(time.Hour, nil, entry), "critical extension 2.5.29.29"},
		"no list":              {ca, ca, "it has a CERTIFICATE"},
		"garbage":              {ca, []byte("garbage"), "x509"},
		"nothing":              {ca, []byte{}, "x509"},
	} {
		var lists [][]byte
		if c.crl != nil {
			lists = [][]byte{c.crl}
		}
		if a, err := load(t, c.ca, lists...); a != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	missing := filepath.Join(t.TempDir(), "none.pem")
	if _, err := Load([]string{missing}, nil, time.Now()); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := Load([]string{testkit.WriteFile(t, "ca.pem", ca)}, []string{missing}, time.Now()); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func BenchmarkUntil(b *testing.B) {
	root := testkit.NewAuthority(b, "root")
	client := root.Client("a")
	a, err := Load([]string{testkit.WriteFile(b, "ca.pem", testkit.CertPEM(root.Cert))}, []string{testkit.WriteFile(b, "a.crl", root.Revoke(time.Hour, nil))}, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Until(shown(client), time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}
