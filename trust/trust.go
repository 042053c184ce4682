// Package trust says whose certificates are believed: the authorities of an operator, and the lists of what they have
// revoked.
//
// It fails closed: a file that is missing, unreadable, empty, or holds something that it must not, is an error when it
// is loaded, and a revocation list that has run out is an error whenever a certificate is judged by it.
package trust

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"
)

// Bounds of what is read and of what a stranger presents.
const (
	maxFile  = 64 << 20 // revocation lists of large authorities have some ten megabytes
	maxChain = 8
)

// ErrNone says that there is no certificate to judge.
var ErrNone = errors.New("no certificate was presented")

// Anchors are authorities with their revocation lists. They are immutable and safe for concurrent use.
type Anchors struct {
	// Digest is of the content of all files, to know equal anchors by.
	Digest [sha256.Size]byte

	pool    *x509.CertPool
	lists   map[string]*list // by public key of the issuer
	revokes bool             // every certificate needs a list by its issuer
}

// Load reads authorities (PEM) and revocation lists (PEM or DER). Each list must be signed by one of the authorities
// and be in force. No lists mean that nobody's revocations are known, which is for the operator to choose.
func Load(ca, crl []string, now time.Time) (*Anchors, error) {
	a := &Anchors{pool: x509.NewCertPool(), lists: map[string]*list{}, revokes: len(crl) > 0}
	sum := sha256.New()
	var authorities []*x509.Certificate
	var errs []error
	for _, file := range ca {
		data, err := read(file)
		if err != nil {
			errs = append(errs, fmt.Errorf("couldn't read ca: %w", err))
			continue
		}
		found, err := certificates(data)
		if err != nil {
			errs = append(errs, fmt.Errorf("couldn't read ca %q: %w", file, err))
		}
		authorities = append(authorities, found...)
		sum.Write(data)
	}
	for _, c := range authorities {
		a.pool.AddCert(c)
	}
	known := len(errs) == 0
	for _, file := range crl {
		data, err := read(file)
		if err != nil {
			errs = append(errs, fmt.Errorf("couldn't read crl: %w", err))
			continue
		}
		if err := a.addLists(data, authorities, now); err != nil && known { // else its authority may be the missing one
			errs = append(errs, fmt.Errorf("couldn't use crl %q: %w", file, err))
		}
		sum.Write(data)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	a.Digest = [sha256.Size]byte(sum.Sum(nil))
	return a, nil
}

func read(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%q is larger than 64 MiB", file)
	}
	return os.ReadFile(file)
}

// certificates reads all of a PEM file, and demands that there be some and nothing else: what is passed over could be
// the one that the operator meant.
func certificates(data []byte) ([]*x509.Certificate, error) {
	var list []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("it has a %s", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		if c.BasicConstraintsValid && !c.IsCA {
			return nil, fmt.Errorf("the certificate of %q is not an authority's", c.Subject.String())
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, errors.New("it has no certificate")
	}
	return list, nil
}

// Pool is what a server names to clients as the authorities that it believes.
func (a *Anchors) Pool() *x509.CertPool { return a.pool }

// Verify judges the certificates that a client has presented, its own first (RFC 5280 section 6): a chain to one of the
// authorities, for client authentication, in time, and not revoked.
func (a *Anchors) Verify(presented []*x509.Certificate, now time.Time) error {
	_, err := a.Until(presented, now)
	return err
}

// Until is Verify, and tells how long the verdict holds: until a certificate or a revocation list of the chain runs out.
func (a *Anchors) Until(presented []*x509.Certificate, now time.Time) (time.Time, error) {
	if len(presented) == 0 {
		return time.Time{}, ErrNone
	}
	if len(presented) > maxChain {
		return time.Time{}, fmt.Errorf("%d certificates, more than %d", len(presented), maxChain)
	}
	between := x509.NewCertPool()
	for _, c := range presented[1:] {
		between.AddCert(c)
	}
	chains, err := presented[0].Verify(x509.VerifyOptions{Roots: a.pool, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return time.Time{}, err
	}
	for _, chain := range chains {
		var until time.Time
		if until, err = a.inForce(chain, now); err == nil {
			return until, nil
		}
	}
	return time.Time{}, err
}

// inForce looks each certificate but the anchor up in the list of its issuer.
func (a *Anchors) inForce(chain []*x509.Certificate, now time.Time) (time.Time, error) {
	until := chain[0].NotAfter
	for i, c := range chain {
		until = earlier(until, c.NotAfter)
		if !a.revokes || i == len(chain)-1 {
			continue
		}
		l := a.lists[string(chain[i+1].RawSubjectPublicKeyInfo)]
		if l == nil {
			return until, fmt.Errorf("there is no revocation list of %q", c.Issuer.String())
		}
		if err := l.judge(c, now); err != nil {
			return until, err
		}
		until = earlier(until, l.until)
	}
	return until, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
