package limit

import (
	"net/netip"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/limit/quota"
)

// account finds, or opens, the account of whoever asks.
func (q *quotas) account(p *plan, e *exchange.Exchange) *quota.Account {
	by := q.l.principal
	if p.byTenant {
		by = q.l.tenant
	}
	k := accountKey(by(q.l.quotas, e))
	if a := q.l.book.Find(k); a != nil {
		return a
	}
	return q.l.book.Open(k, holderOf(p, e))
}

// holderOf names whoever is counted under the key that [quotas.account] finds.
func holderOf(p *plan, e *exchange.Exchange) quota.Holder {
	switch {
	case e.Principal == nil:
		a := e.Client.Addr.Unmap()
		if a.Is6() {
			whole, _ := a.WithZone("").Prefix(64) // of an IPv6 address there is one
			a = whole.Addr()
		}
		return quota.Holder{Kind: "client", Name: a.String()}
	case p.byTenant && e.Principal.Tenant != "":
		return quota.Holder{Kind: "tenant", Issuer: e.Principal.Issuer, Name: e.Principal.Tenant}
	}
	return quota.Holder{Kind: "principal", Issuer: e.Principal.Issuer, Name: e.Principal.Subject}
}

// accountKey is a key as accounts have it.
func accountKey(k key) quota.Key { return quota.Key{Hi: k.hi, Lo: k.lo} }

// keyOf is the key of a holder.
func (l *Limiter) keyOf(h quota.Holder) quota.Key {
	switch h.Kind {
	case "client":
		addr, _ := netip.ParseAddr(h.Name) // what cannot be read was not written by us, and is found by nobody
		return accountKey(l.client(l.quotas, addr))
	case "tenant":
		return accountKey(l.digest(l.quotas, ofTenant, h.Issuer, h.Name))
	case "upstream":
		return accountKey(l.digest(l.quotas, ofUpstream, h.Issuer, h.Name))
	}
	return accountKey(l.digest(l.quotas, ofPrincipal, h.Issuer, h.Name))
}

// countRecords counts the elements of arrays that are the answer, or members of it. It is asked only where a plan
// bounds them.
func countRecords(e *exchange.Exchange, p *plan) (n int64) {
	if p.limits[quota.Day][quota.Records] == 0 && p.limits[quota.Month][quota.Records] == 0 || e.Response == nil || e.Response.Body == nil || e.Verdict.Refused() {
		return 0
	}
	tree, err := e.Response.Body.Tree()
	if err != nil || tree == nil {
		return 0
	}
	if tree.Kind == content.Array {
		return int64(len(tree.Children))
	}
	for i := range tree.Children {
		if m := &tree.Children[i]; m.Kind == content.Array {
			n += int64(len(m.Children))
		}
	}
	return n
}
