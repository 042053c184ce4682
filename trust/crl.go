package trust

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// A list is what one authority has revoked, as of one day.
type list struct {
	issuer  string
	from    time.Time
	until   time.Time
	revoked map[string]struct{} // serial numbers, as bytes
}

// addLists reads the lists of a file. Of several by one issuer the newest counts.
func (a *Anchors) addLists(data []byte, authorities []*x509.Certificate, now time.Time) error {
	ders, err := decode(data)
	if err != nil {
		return err
	}
	for _, der := range ders {
		crl, err := x509.ParseRevocationList(der)
		if err != nil {
			return err
		}
		issuer, err := signer(crl, authorities)
		if err != nil {
			return err
		}
		l, err := newList(crl)
		if err != nil {
			return err
		}
		if err := l.current(now); err != nil {
			return err
		}
		key := string(issuer.RawSubjectPublicKeyInfo)
		if known := a.lists[key]; known == nil || known.from.Before(l.from) {
			a.lists[key] = l
		}
	}
	return nil
}

// decode takes PEM or, where there is none, the whole as DER.
func decode(data []byte) (ders [][]byte, err error) {
	if !bytes.Contains(data, []byte("-----BEGIN")) {
		return [][]byte{data}, nil
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "X509 CRL" {
			return nil, fmt.Errorf("it has a %s", block.Type)
		}
		ders = append(ders, block.Bytes)
	}
	if len(ders) == 0 {
		return nil, errors.New("it has no revocation list")
	}
	return ders, nil
}

// signer is the authority that has signed the list.
func signer(crl *x509.RevocationList, authorities []*x509.Certificate) (*x509.Certificate, error) {
	err := fmt.Errorf("its issuer %q is not among the authorities under ca", crl.Issuer.String())
	for _, c := range authorities {
		if !bytes.Equal(c.RawSubject, crl.RawIssuer) {
			continue
		}
		if err = crl.CheckSignatureFrom(c); err == nil {
			return c, nil
		}
	}
	return nil, err
}

// newList refuses what it does not understand (RFC 5280 section 5.2): lists that are only the difference to another one,
// or cover a part of what the issuer has issued, say so by critical extensions.
func newList(crl *x509.RevocationList) (*list, error) {
	for _, e := range crl.Extensions {
		if e.Critical {
			return nil, fmt.Errorf("it has the critical extension %s: only complete lists are understood", e.Id)
		}
	}
	if crl.NextUpdate.IsZero() {
		return nil, errors.New("it does not say until when it is in force (nextUpdate)")
	}
	l := &list{issuer: crl.Issuer.String(), from: crl.ThisUpdate, until: crl.NextUpdate, revoked: make(map[string]struct{}, len(crl.RevokedCertificateEntries))}
	for i := range crl.RevokedCertificateEntries {
		entry := &crl.RevokedCertificateEntries[i]
		for _, e := range entry.Extensions {
			if e.Critical {
				return nil, fmt.Errorf("an entry has the critical extension %s, which is not understood", e.Id)
			}
		}
		l.revoked[number(entry.SerialNumber)] = struct{}{}
	}
	return l, nil
}

func number(n *big.Int) string { return string(slices.Insert(n.Bytes(), 0, byte(n.Sign()))) }

// current is nil while the list is in force.
func (l *list) current(now time.Time) error {
	switch {
	case now.Before(l.from):
		return fmt.Errorf("the revocation list of %q is in force from %s on", l.issuer, l.from.UTC().Format(time.RFC3339))
	case !now.Before(l.until):
		return fmt.Errorf("the revocation list of %q ran out at %s: fetch the next one", l.issuer, l.until.UTC().Format(time.RFC3339))
	}
	return nil
}

func (l *list) judge(c *x509.Certificate, now time.Time) error {
	if err := l.current(now); err != nil {
		return err
	}
	if _, revoked := l.revoked[number(c.SerialNumber)]; revoked {
		return fmt.Errorf("the certificate with serial number %x of %q was revoked", c.SerialNumber, l.issuer)
	}
	return nil
}
