package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit"
)

var update = flag.Bool("update", false, "write generated files again")

// testssl.sh, from outside, finds nothing above LOW. Its findings are kept in docs/testssl.json (-update writes them).
func TestTestSSL(t *testing.T) {
	if os.Getenv("SALLYPORT_ALL") == "" {
		t.Skip("takes minutes: SALLYPORT_ALL=1")
	}
	testssl, err := exec.LookPath("testssl")
	if err != nil {
		t.Skip("testssl is not installed (Debian: testssl.sh)")
	}
	dir := t.TempDir()
	address := exposed(t, dir)
	_, port, _ := net.SplitHostPort(address)
	report := filepath.Join(dir, "report.json")
	cmd := exec.Command(testssl, "--quiet", "--color", "0", "--warnings", "batch", "--ip", "127.0.0.1", "--add-ca", filepath.Join(dir, "ca.pem"), "--jsonfile", report, "shop.example:"+port)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput() // its exit code counts what it could not try
	findings := readFindings(t, report, port)
	if len(findings) < 100 {
		t.Fatalf("%d findings only: %v\n%s", len(findings), err, out)
	}
	for _, f := range findings {
		untried := f.ID == "secure_renego" && f.Severity == "WARN" // see TestSecureRenegotiation
		if !untried && !slices.Contains([]string{"OK", "INFO", "LOW", "DEBUG"}, f.Severity) {
			t.Errorf("%s %s: %s", f.Severity, f.ID, f.Finding)
		}
	}
	if *update {
		writeFindings(t, findings)
	}
}

// OpenSSL 3 finds RFC 5746 in TLS 1.2, which testssl.sh 3.0 cannot try with it, and no renegotiation at the client's wish.
func TestSecureRenegotiation(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, openssl, "s_client", "-connect", exposed(t, t.TempDir()), "-servername", "shop.example", "-tls1_2")
	cmd.Stdin = strings.NewReader("R\n") // renegotiate
	out, _ := cmd.CombinedOutput()       // it fails, as it must
	if !bytes.Contains(out, []byte("Secure Renegotiation IS supported")) {
		t.Errorf("no secure renegotiation:\n%s", out)
	}
	if _, wished, _ := bytes.Cut(out, []byte("RENEGOTIATING")); !bytes.Contains(wished, []byte("SSL alert")) {
		t.Errorf("the client's wish was not refused:\n%s", out)
	}
}

type finding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Finding  string `json:"finding"`
}

// exposed runs the binary with a certificate as a public authority would issue it, and returns its address.
func exposed(t *testing.T, dir string) string {
	t.Helper()
	root := testkit.NewAuthority(t, "Test Root")
	pair := root.Client("shop.example", func(c *x509.Certificate) {
		c.ExtKeyUsage, c.URIs, c.EmailAddresses, c.DNSNames = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, nil, nil, []string{"shop.example"}
		c.KeyUsage, c.OCSPServer, c.NotBefore, c.NotAfter = x509.KeyUsageDigitalSignature, []string{"http://ocsp.example/"}, time.Now().Add(-time.Hour), time.Now().AddDate(0, 0, 90)
	})
	address, admin := freePort(t), freePort(t)
	for name, data := range map[string][]byte{
		"ca.pem": testkit.CertPEM(root.Cert), "cert.pem": testkit.CertPEM(pair.Leaf, root.Cert), "key.pem": testkit.KeyPEM(t, pair),
		"openapi.yaml": []byte("openapi: 3.1.0\ninfo: { title: Shop, version: \"1\" }\npaths: { /x: { get: { responses: { \"200\": { description: ok } } } } }\n"),
		"sallyport.yaml": fmt.Appendf(nil, "version: 1\nlisten: [ { address: %q, tls: { cert: cert.pem, key: key.pem } } ]\nadmin: { address: %q }\nlog: { access: off }\n"+
			"apis: [ { name: shop, spec: openapi.yaml, hosts: [ shop.example ], upstream: \"http://127.0.0.1:9\", modes: { identity: off } } ]\n", address, admin),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	cmd := exec.Command("sallyport", "run", "--config", filepath.Join(dir, "sallyport.yaml"))
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v\n%s", err, log.String())
		}
	})
	for range 400 {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return address
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal("it does not listen")
	return ""
}

func freePort(t *testing.T) string {
	t.Helper()
	address, err := testkit.FindAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// readFindings leaves out what tells of the machine, the port and the day.
func readFindings(t *testing.T, report, port string) (kept []finding) {
	t.Helper()
	data, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var all []finding
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	passing := []string{"scanTime", "cert_serialNumber", "cert_fingerprintSHA1", "cert_fingerprintSHA256", "cert", "cert_notBefore", "cert_notAfter", "cert_subjectAltName", "HTTP_clock_skew", "DH_groups", "service", "TLS_timestamp"}
	for _, f := range all {
		if !slices.Contains(passing, f.ID) {
			f.Finding = strings.ReplaceAll(f.Finding, port, "PORT")
			kept = append(kept, f)
		}
	}
	return kept
}

func writeFindings(t *testing.T, findings []finding) {
	t.Helper()
	var b bytes.Buffer
	for i, f := range findings {
		line, _ := json.Marshal(f) // strings always marshal
		fmt.Fprintf(&b, "%s%s", map[bool]string{true: "[\n", false: ",\n"}[i == 0], line)
	}
	if err := os.WriteFile("../../docs/testssl.json", append(b.Bytes(), "\n]\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
}
