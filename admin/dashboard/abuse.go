package dashboard

import (
	"fmt"
	"math"
	"net/netip"

	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/limit/quota"
)

// mostHolders is how many of those who use quotas are looked at: those closest to a bound.
const mostHolders = 1000

// bannedRow is a client that is shut out.
type bannedRow struct {
	limit.Ban
	Addr netip.Addr // by which it is let in again
	Href string     // "": none
}

func (d *dashboard) banned(s *scope) listing[bannedRow] {
	var rows []bannedRow
	for _, b := range d.Bans() {
		r := bannedRow{Ban: b, Addr: b.Client.Addr()}
		if b.Client.IsSingleIP() { // exchanges are found by an address, not by a network
			r.Href = s.Exchanges("client", r.Addr.String())
		}
		rows = append(rows, r)
	}
	return tabled(s, "bans", rows, identitiesShown,
		column[bannedRow]{Name: "client", Label: "Client", Cell: func(r bannedRow) any { return r.Client.String() }},
		column[bannedRow]{Name: "since", Label: "Since", Class: "wide", Cell: func(r bannedRow) any { return r.Since }},
		column[bannedRow]{Name: "until", Label: "Until", Cell: func(r bannedRow) any { return r.Until }},
		column[bannedRow]{Name: "times", Label: "Times", Class: "n wide", Cell: func(r bannedRow) any { return r.Times }},
		column[bannedRow]{Name: "by", Label: "By", Class: "wide", Cell: func(r bannedRow) any { return r.By }},
		column[bannedRow]{Name: "reason", Label: "Reason", Cell: func(r bannedRow) any { return r.Reason }})
}

// quotas are who uses how much of plans and spend caps in the present day and month, of one subject where the scope names it.
func (d *dashboard) quotas(s *scope) listing[quota.Used] {
	used := d.Quotas(quota.Filter{Name: s.Get("subject"), Limit: mostHolders})
	cut := len(used) == mostHolders
	return tabled(s, "quotas", used, identitiesShown,
		column[quota.Used]{Name: "who", Label: "Who", Cell: func(u quota.Used) any { return u.Name }, Plain: cut},
		column[quota.Used]{Name: "kind", Cell: func(u quota.Used) any { return u.Kind }},
		column[quota.Used]{Name: "plan", Label: "Plan", Cell: func(u quota.Used) any { return u.Plan }, Plain: cut},
		column[quota.Used]{Name: "window", Label: "Window", Cell: func(u quota.Used) any { return u.Window }, Plain: cut},
		column[quota.Used]{Name: "requests", Label: "Requests", Class: "n", Cell: func(u quota.Used) any { return u.Used.Requests }, Plain: cut},
		column[quota.Used]{Name: "units", Label: "Units", Class: "n wide", Cell: func(u quota.Used) any { return u.Used.Units }, Plain: cut},
		column[quota.Used]{Name: "bytes", Label: "Bytes", Class: "n wide", Cell: func(u quota.Used) any { return u.Used.Bytes }, Plain: cut},
		column[quota.Used]{Name: "records", Label: "Records", Class: "n wide", Cell: func(u quota.Used) any { return u.Used.Records }, Plain: cut},
		column[quota.Used]{Name: "share", Label: "Used up", Class: "n", Cell: func(u quota.Used) any { return math.Round(u.Share*1000) / 1000 }, Rank: func(u quota.Used) int { return int(u.Share * 1e6) }, Plain: cut})
}

// units are those of a plan, or what was spent on an upstream.
func units(u quota.Used, n int64) string {
	if u.Kind == "upstream" {
		return fmt.Sprintf("%.2f", float64(n)/1e6)
	}
	return number(n)
}

// usedUp is the share of the bound that is closest.
func usedUp(u quota.Used) string {
	if u.Limit == (quota.Amounts{}) {
		return "no bound"
	}
	return fmt.Sprintf("%.0f %%", 100*u.Share)
}

func noBans() *empty {
	return &empty{Title: "Nobody is banned", Text: "A client that is turned away at the door again and again is banned by itself (abuse.bans), for a minute and each time for twice as long. Bans hold in all processes with this store.", Lines: []string{"sallyport bans add 192.0.2.9 --for 2h --reason card-testing"}}
}

func noQuotas() *empty {
	return &empty{Title: "Nobody has used anything of a quota", Text: "A plan says how much a key, a token or a tenant may use in a day and a month; it is named by the key, the token, the tenant or the API.", Lines: []string{"plans:\n  - { name: free, day: { requests: 1000 }, month: { requests: 20000 } }"}}
}
