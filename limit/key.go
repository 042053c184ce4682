package limit

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"
	"net/netip"

	"github.com/sallyport/sallyport/exchange"
)

// Kinds keep keys of different meaning apart, whatever their text is.
const (
	ofPrincipal = 'p'
	ofClient    = 'c'
	ofTenant    = 't'
	ofExpr      = 'x'
	ofRule      = 'r'
	ofUpstream  = 'u'
)

// bytes are what other processes know the key by.
func (k key) bytes() (b [16]byte) {
	binary.BigEndian.PutUint64(b[:8], k.hi)
	binary.BigEndian.PutUint64(b[8:], k.lo)
	return b
}

// keyIn is the key that others know by b.
func keyIn(b [16]byte) key {
	return key{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// secret is what keys of several processes are made with: as long as a hash, whatever text it comes from; nil where there is none.
func secret(text []byte) []byte {
	if len(text) == 0 {
		return nil
	}
	s := sha256.Sum256(text)
	return s[:]
}

// digest is the key for what two texts name under a rule: 128 bits of two keyed hashes with seeds that are random per
// process, so that nobody outside can find two names with the same key, or many with the same set.
func (l *Limiter) digest(rule uint64, kind byte, a, b string) key {
	var room [160]byte // subjects of the usual length stay off the heap
	name := append(append(room[:0], l.secret...), kind)
	name = binary.LittleEndian.AppendUint64(name, rule)
	name = binary.LittleEndian.AppendUint32(name, uint32(len(a))) // so that ("ab","c") is not ("a","bc")
	name = append(name, a...)
	return l.sum(append(name, b...))
}

// sum is the key of a name that begins with the secret, where there is one. Half of SHA-256 is left out, so that nobody can extend a
// name.
func (l *Limiter) sum(name []byte) key {
	if l.secret != nil {
		h := sha256.Sum256(name)
		return key{binary.LittleEndian.Uint64(h[:]), binary.LittleEndian.Uint64(h[8:])}
	}
	return l.random(name)
}

// random is the key of a name in this process alone.
func (l *Limiter) random(name []byte) key {
	return key{maphash.Bytes(l.seeds[0], name), maphash.Bytes(l.seeds[1], name)}
}

// ruleID names a rule within the process, or within all that have the secret.
func (l *Limiter) ruleID(name string) uint64 {
	if l.secret != nil {
		return l.digest(0, ofRule, name, "").hi
	}
	return maphash.String(l.seeds[2], name)
}

// client is the key of a client's address.
func (l *Limiter) client(rule uint64, a netip.Addr) key {
	var room [sha256.Size + 25]byte
	return l.sum(addressed(append(room[:0], l.secret...), rule, a))
}

// here is that of what other processes are never told: a third of the time where there is a secret.
func (l *Limiter) here(rule uint64, a netip.Addr) key {
	var room [25]byte
	return l.random(addressed(room[:0], rule, a))
}

// addressed appends what a client's address is called under a rule.
func addressed(name []byte, rule uint64, a netip.Addr) []byte {
	name = binary.LittleEndian.AppendUint64(append(name, ofClient), rule)
	a = a.Unmap()
	bytes := a.As16()
	if a.Is6() {
		clear(bytes[8:]) // a client chooses these itself
	}
	return append(name, bytes[:]...)
}

// principal is the key of whoever asks: the subject of its issuer, or the client where nobody is known.
func (l *Limiter) principal(rule uint64, e *exchange.Exchange) key {
	if e.Principal == nil {
		return l.client(rule, e.Client.Addr)
	}
	return l.digest(rule, ofPrincipal, e.Principal.Issuer, e.Principal.Subject)
}

// tenant is the key of the caller's tenant, or that of the principal where it has none.
func (l *Limiter) tenant(rule uint64, e *exchange.Exchange) key {
	if e.Principal == nil || e.Principal.Tenant == "" {
		return l.principal(rule, e)
	}
	return l.digest(rule, ofTenant, e.Principal.Issuer, e.Principal.Tenant)
}
