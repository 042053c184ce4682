package limit

import (
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/limit/list"
)

// UseLists takes the lists of addresses into use, for all APIs.
func (l *Limiter) UseLists(s *list.Set) { l.lists.Store(s) }

// Banned is until when an address is shut out. What a list allows never is.
func (l *Limiter) Banned(a netip.Addr) (until time.Time, banned bool) {
	if until, banned = l.bans.Until(a); !banned || l.allowed(a) {
		return time.Time{}, false
	}
	return until, true
}

func (l *Limiter) allowed(a netip.Addr) bool {
	e := l.lists.Load().Find(a, l.now)
	return e != nil && e.Action == config.ListAllow
}

// listed asks the lists. What is only watched is noted.
func (l *Limiter) listed(e *exchange.Exchange) exchange.Verdict {
	entry := l.lists.Load().Find(e.Client.Addr, l.now)
	switch {
	case entry == nil || entry.Action == config.ListAllow:
		return exchange.Pass
	case entry.Action == config.ListMonitor:
		e.Findings = append(e.Findings, exchange.Finding{Guard: "limit.admit", Rule: "list." + entry.List, Message: onList(entry), Field: "client", Severity: exchange.Info})
		return exchange.Pass
	}
	return exchange.Refuse(exchange.Listed, onList(entry)).WithSetting("abuse.lists[" + entry.List + "]")
}

func onList(e *list.Entry) string {
	text := e.Text + " is on the list " + e.List + ": " + e.Reason
	if !e.Until.IsZero() {
		text += ", until " + e.Until.UTC().Format(time.RFC3339)
	}
	return text
}
