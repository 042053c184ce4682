package limit

import (
	"net/netip"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
)

// account finds, or opens, the account of whoever asks.
func (q *quota) account(p *plan, e *exchange.Exchange) *account {
	by := q.l.principal
	if p.byTenant {
		by = q.l.tenant
	}
	k := by(q.l.quotas, e)
	if a := q.l.accounts.find(k); a != nil {
		return a
	}
	return q.l.accounts.open(k, holderOf(p, e))
}

// holderOf names whoever is counted under the key that [quota.account] finds.
func holderOf(p *plan, e *exchange.Exchange) Holder {
	switch {
	case e.Principal == nil:
		a := e.Client.Addr.Unmap()
		if a.Is6() {
			whole, _ := a.WithZone("").Prefix(64) // of an IPv6 address there is one
			a = whole.Addr()
		}
		return Holder{Kind: "client", Name: a.String()}
	case p.byTenant && e.Principal.Tenant != "":
		return Holder{"tenant", e.Principal.Issuer, e.Principal.Tenant}
	}
	return Holder{"principal", e.Principal.Issuer, e.Principal.Subject}
}

// keyOf is the key of a holder.
func (l *Limiter) keyOf(h Holder) key {
	switch h.Kind {
	case "client":
		addr, _ := netip.ParseAddr(h.Name) // what cannot be read was not written by us, and is found by nobody
		return l.client(l.quotas, addr)
	case "tenant":
		return l.digest(l.quotas, ofTenant, h.Issuer, h.Name)
	case "upstream":
		return l.digest(l.quotas, ofUpstream, h.Issuer, h.Name)
	}
	return l.digest(l.quotas, ofPrincipal, h.Issuer, h.Name)
}

// countRecords counts the elements of arrays that are the answer, or members of it. It is asked only where a plan
// bounds them.
func countRecords(e *exchange.Exchange, p *plan) (n int64) {
	if p.limits[day][records] == 0 && p.limits[month][records] == 0 || e.Response == nil || e.Response.Body == nil || e.Verdict.Refused() {
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
