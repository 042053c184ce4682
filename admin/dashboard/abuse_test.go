package dashboard

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/limit/quota"
)

// Reasons of bans and names of holders are texts of strangers; analysts see them, and only operators are given something to do.
func TestBansAndQuotasOnThePage(t *testing.T) {
	o := options(keep(t))
	for _, s := range hostile {
		o.Bans = func() []limit.Ban {
			return []limit.Ban{{Client: netip.MustParsePrefix("2001:db8::/64"), Since: now, Until: now, Reason: s, By: s}}
		}
		o.Quotas = func(quota.Filter) []quota.Used {
			return []quota.Used{{Holder: quota.Holder{Kind: "principal", Name: s}, Plan: s, Window: "day", Used: quota.Amounts{Requests: 1}}}
		}
		onlyOurs(t, s, page(t, o, "/identities"))
		if csv := ask(o, RoleAnalyst, "/identities?format=csv&table=bans").Body.String(); strings.Contains(csv, "\n=") || !strings.Contains(csv, "2001:db8::/64") {
			t.Errorf("%q", csv)
		}
	}
	if seen := ask(o, RoleAnalyst, "/identities").Body.String(); strings.Contains(seen, "/api/v1/bans") || !strings.Contains(seen, "2001:db8::/64") || !strings.Contains(seen, "no bound") {
		t.Errorf("%s", seen)
	}
	o.Bans, o.Quotas = func() []limit.Ban { return nil }, func(quota.Filter) []quota.Used { return nil }
	seen := page(t, o, "/identities")
	for _, help := range []string{"sallyport bans add", "Nobody is banned", "Nobody has used anything of a quota", "name: free"} {
		if !strings.Contains(seen, help) {
			t.Errorf("an empty page does not say %q", help)
		}
	}
}
