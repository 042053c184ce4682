package dashboard

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func scopeOf(t *testing.T, target string) *scope {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	s, err := readScope(u, noon)
	if err != nil {
		t.Fatal(target, err)
	}
	return s
}

func TestRangesOfTime(t *testing.T) {
	for query, want := range map[string]string{
		"":                                    "11-29T12:00 11-30T12:00 Last 24 hours",
		"range=15m":                           "11-30T11:45 11-30T12:00 Last 15 minutes",
		"range=3d":                            "11-27T12:00 11-30T12:00 Last 3d",
		"from=2026-11-30":                     "11-30T00:00 11-30T12:00 2026-11-30 00:00 – 2026-11-30 12:00",
		"from=2026-11-29T10:00&range=1h":      "11-29T10:00 11-30T12:00 2026-11-29 10:00 – 2026-11-30 12:00",
		"to=2026-11-30T10:00:00%2B02:00":      "11-29T08:00 11-30T08:00 2026-11-29 08:00 – 2026-11-30 08:00",
		"from=2026-11-30+10:00&to=&range=":    "11-30T10:00 11-30T12:00 2026-11-30 10:00 – 2026-11-30 12:00",
		"from=2026-11-01&to=2026-11-02T03:04": "11-01T00:00 11-02T03:04 2026-11-01 00:00 – 2026-11-02 03:04",
	} {
		s := scopeOf(t, "/x?"+query)
		if got := s.From.Format("01-02T15:04") + " " + s.Until.Format("01-02T15:04") + " " + s.Span(); got != want {
			t.Errorf("%s: %s, not %s", query, got, want)
		}
	}
}

func TestWhatIsNotUnderstoodIsSaid(t *testing.T) {
	for query, want := range map[string]string{
		"clinet=10.0.0.1":                    `"clinet" is no filter`,
		"code=a&code=b":                      "needs one value",
		"range=1y":                           "no range of time",
		"range=-1h":                          "no range of time",
		"range=999999d":                      "no range of time",
		"range=400d":                         "no range of time",
		"from=yesterday":                     "no time",
		"from=2026-11-30&to=2026-11-29":      "before to",
		"from=2020-01-01&to=2026-01-01":      "at most 366 days",
		"outcome=blocked":                    "no outcome",
		"client=" + strings.Repeat("a", 600): "at most 512 bytes",
		"%zz":                                "malformed",
	} {
		if _, err := readScope(&url.URL{Path: "/", RawQuery: query}, noon); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestAddressesKeepRangeAndFilters(t *testing.T) {
	s := scopeOf(t, "/exchanges?range=7d&code=validate.body&client=10.0.0.1&before=01K&format=csv")
	for got, want := range map[string]string{
		s.With():                               "/exchanges?client=10.0.0.1&code=validate.body&range=7d",
		s.With("code", ""):                     "/exchanges?client=10.0.0.1&range=7d",
		s.With("before", "01J", "code", "x&y"): "/exchanges?before=01J&client=10.0.0.1&code=x%26y&range=7d",
		s.To("/findings", "rule", "942100"):    "/findings?range=7d&rule=942100",
		s.Exchanges("outcome", "refused"):      "/exchanges?client=10.0.0.1&code=validate.body&outcome=refused&range=7d",
		scopeOf(t, "/").To("/live"):            "/live",
	} {
		if got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
	if c := s.Chips(); len(c) != 2 || c[0].Name != "code" || c[0].Without != "/exchanges?client=10.0.0.1&range=7d" {
		t.Errorf("%+v", c)
	}
}
