package limit

import (
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
)

// digest is the key for what two texts name under a rule: 128 bits of two keyed hashes with seeds that are random per
// process, so that nobody outside can find two names with the same key, or many with the same set.
func (l *Limiter) digest(rule uint64, kind byte, a, b string) key {
	var room [128]byte // subjects of the usual length stay off the heap
	name := append(room[:0], kind)
	name = binary.LittleEndian.AppendUint64(name, rule)
	name = binary.LittleEndian.AppendUint32(name, uint32(len(a))) // so that ("ab","c") is not ("a","bc")
	name = append(name, a...)
	return l.sum(append(name, b...))
}

func (l *Limiter) sum(name []byte) key {
	return key{maphash.Bytes(l.seeds[0], name), maphash.Bytes(l.seeds[1], name)}
}

// ruleID names a rule within the process.
func (l *Limiter) ruleID(name string) uint64 { return maphash.String(l.seeds[2], name) }

// client is the key of a client's address.
func (l *Limiter) client(rule uint64, a netip.Addr) key {
	var head [25]byte
	head[0] = ofClient
	binary.LittleEndian.PutUint64(head[1:], rule)
	a = a.Unmap()
	bytes := a.As16()
	if a.Is6() {
		clear(bytes[8:]) // a client chooses these itself
	}
	copy(head[9:], bytes[:])
	return l.sum(head[:])
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
