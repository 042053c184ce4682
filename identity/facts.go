package identity

import (
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/sallyport/sallyport/exchange"
)

// facts are what a verified credential says: everything of a principal but which identity vouches for it and which
// schemes of an operation it satisfies. They are immutable but for shared.
type facts struct {
	principal exchange.Principal
	expires   time.Time
	// thumbprint is SHA-256 of the certificate to which a token is bound; nil where it is a bearer's.
	thumbprint []byte
	// shared is the principal as it was handed out last. Operations of one API want the same list of schemes, so
	// most exchanges share one value.
	shared atomic.Pointer[exchange.Principal]
}

// as is the principal by the name of an identity, for an operation whose satisfied schemes are these. Equal lists are
// the same slice, because [engine.intern] makes them so.
func (f *facts) as(issuer string, satisfies []string) *exchange.Principal {
	if p := f.shared.Load(); p != nil && p.Issuer == issuer &&
		len(p.Satisfies) == len(satisfies) && unsafe.SliceData(p.Satisfies) == unsafe.SliceData(satisfies) {
		return p
	}
	p := f.principal
	p.Issuer, p.Satisfies = issuer, satisfies
	f.shared.Store(&p)
	return &p
}
