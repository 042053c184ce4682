package list

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/sallyport/sallyport/config"
)

var today = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func now() time.Time { return today }

func written(t testing.TB, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func open(t testing.TB, databases []string, texts ...string) *Set {
	t.Helper()
	actions := []config.ListAction{config.ListDeny, config.ListAllow, config.ListMonitor}
	var lists []config.List
	for i, text := range texts {
		lists = append(lists, config.List{Name: string(actions[i]), File: written(t, "list.txt", text), Action: actions[i]})
	}
	s, err := Open(lists, databases)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFind(t *testing.T) {
	s := open(t, nil, `
# comment
0.0.0.0/8
192.0.2.0/24 # scanners
192.0.2.128/25 ; worse until 2027-01-01
192.0.2.200    # the worst of all until 2026-11-30
198.51.100.0/24 # wait until it is over
203.0.113.7  # two
203.0.113.7  # twice until 2026-12-01T00:00:00Z
255.255.255.0/24 # the end
2001:db8::/32 # six
2001:db8:1::/48
ffff:ffff::/32 # the end of six
`, "192.0.2.7 # ours\n2001:db8:1:2::3\n198.51.100.9 # until 2026-01-01\n", "198.51.0.0/16 # watch\n")
	for address, want := range map[string]string{
		"0.0.0.0": "deny 0.0.0.0/8 deny", "0.255.255.255": "deny 0.0.0.0/8 deny", "1.0.0.0": "",
		"192.0.1.255": "", "192.0.2.0": "deny 192.0.2.0/24 scanners", "192.0.2.7": "allow 192.0.2.7 ours", "192.0.2.8": "deny 192.0.2.0/24 scanners",
		"192.0.2.127": "deny 192.0.2.0/24 scanners", "192.0.2.128": "deny 192.0.2.128/25 worse", "192.0.2.255": "deny 192.0.2.128/25 worse", "192.0.3.0": "",
		"192.0.2.200":  "deny 192.0.2.128/25 worse", // its own entry is over
		"198.51.100.1": "deny 198.51.100.0/24 wait until it is over", "198.51.100.9": "deny 198.51.100.0/24 wait until it is over", "198.51.101.1": "monitor 198.51.0.0/16 watch",
		"203.0.113.7": "deny 203.0.113.7 twice", "203.0.113.8": "",
		"255.255.255.255": "deny 255.255.255.0/24 the end", "::ffff:192.0.2.1": "deny 192.0.2.0/24 scanners",
		"2001:db8::1": "deny 2001:db8::/32 six", "2001:db8:1::1": "deny 2001:db8:1::/48 deny", "2001:db8:1:2::3": "allow 2001:db8:1:2::3 allow", "2001:db9::": "",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff": "deny ffff:ffff::/32 the end of six", "::": "",
	} {
		got := ""
		if e := s.Find(netip.MustParseAddr(address), now); e != nil {
			got = string(e.Action) + " " + e.Text + " " + e.Reason
		}
		if got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
	if s.Find(netip.Addr{}, now) != nil || (*Set)(nil).Find(netip.MustParseAddr("192.0.2.1"), now) != nil {
		t.Error("something is found of nothing")
	}
}

// The table says of every address what a walk through all entries says.
func TestFindAsAWalkDoes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	address := func() netip.Addr {
		if rnd.IntN(2) == 0 {
			return netip.AddrFrom4([4]byte{10, byte(rnd.IntN(3)), byte(rnd.IntN(4)), byte(rnd.IntN(256))})
		}
		return netip.AddrFrom16([16]byte{0x20, 1, byte(rnd.IntN(3)), 7: byte(rnd.IntN(4)), 15: byte(rnd.IntN(256))})
	}
	for range 200 {
		var entries []Entry
		var places []place
		for i := range 1 + rnd.IntN(40) {
			p, _ := address().Prefix(0 + rnd.IntN(33))
			if rnd.IntN(2) == 0 && p.Addr().Is6() {
				p, _ = address().Prefix(32)
			}
			entries = append(entries, Entry{Text: p.String(), Action: []config.ListAction{config.ListAllow, config.ListDeny, config.ListMonitor}[rnd.IntN(3)]})
			places = append(places, place{p, int32(i)})
		}
		s := newSet(entries, append([]place(nil), places...))
		for range 300 {
			a := address()
			best := -1
			for _, p := range places {
				if e := entries[p.entry]; p.prefix.Contains(a) && (best < 0 || rank(e.Action) < rank(entries[best].Action)) {
					best = int(p.entry)
				}
			}
			got := s.Find(a, now)
			if (got == nil) != (best < 0) || got != nil && got.Action != entries[best].Action {
				t.Fatalf("%s: %+v, want %d of %+v", a, got, best, entries)
			}
		}
	}
}

func TestTable(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{1, 15, 16, 17, 255, 256, 257, 4095, 4096, 4097, 10_000} {
		var table table
		hi, lo := uint64(7), uint64(7)
		for i := range n {
			if rnd.IntN(4) > 0 {
				hi += 1 + rnd.Uint64N(3)
			}
			lo += 1 + rnd.Uint64N(3)
			table.put(hi, lo, span{int32(i), -1})
		}
		for range 5_000 {
			hi, lo, want := rnd.Uint64N(hi+3), rnd.Uint64N(lo+3), none
			for i := range n {
				if table.hi[i] > hi || table.hi[i] == hi && table.lo[i] > lo {
					break
				}
				want = table.of[i]
			}
			if got := table.find(hi, lo); got != want {
				t.Fatalf("%d keys: %d %d is in %v, want %v", n, hi, lo, got, want)
			}
		}
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"\n  10.0.0.1/8 # x":           "2:3: 10.0.0.1/8 has bits set behind its length",
		"::ffff:10.0.0.1":              "1:1: an IPv4 address written as IPv6",
		"fe80::1%eth0":                 "1:1: \"fe80::1%eth0\" is no address, CIDR, system or country",
		"example.com # name":           "1:1: \"example.com\" is no address, CIDR, system or country",
		"country:kp":                   "1:1: \"country:kp\" is no address, CIDR, system or country",
		"AS64496 # x":                  "1:1: there is no database that tells the addresses of AS64496",
		"10.0.0.1 # x until 2026-13-1": "1:14: \"2026-13-1\" is no day",
		strings.Repeat("1", 2000):      "1:1: a line of more than 1024 bytes",
	} {
		file := written(t, "bad.txt", text)
		_, err := Open([]config.List{{Name: "bad", File: file}}, nil)
		if err == nil || strings.TrimPrefix(err.Error(), file+":") != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if _, err := Open([]config.List{{Name: "gone", File: filepath.Join(t.TempDir(), "gone")}}, nil); err == nil {
		t.Error("a file that is not there is no list")
	}
	_, err := Open([]config.List{{Name: "many", File: written(t, "many.txt", strings.Repeat("x\n", 1000))}}, nil)
	if n := len(config.Each(errors.Unwrap(fmt.Errorf("%w", err)))); n != maxErrors {
		t.Errorf("%d mistakes are told", n)
	}
}

// database is written by MaxMind's own library.
func database(t testing.TB, kind string, networks map[string]mmdbtype.Map) string {
	t.Helper()
	w, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for cidr, record := range networks {
		_, network, err := net.ParseCIDR(cidr)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Insert(network, record); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), kind+".mmdb")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := w.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestSystemsAndCountries(t *testing.T) {
	country := func(code string) mmdbtype.Map {
		return mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(code)}}
	}
	system := func(n uint32) mmdbtype.Map {
		return mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(n), "autonomous_system_organization": mmdbtype.String("Example")}
	}
	databases := []string{
		database(t, "GeoLite2-Country", map[string]mmdbtype.Map{"192.0.2.0/24": country("KP"), "198.51.100.0/24": country("DE"), "2001:db8::/32": country("KP")}),
		database(t, "GeoLite2-ASN", map[string]mmdbtype.Map{"192.0.2.0/25": system(64496), "203.0.113.0/24": system(64497), "2001:db8:5::/48": system(64496)}),
	}
	s := open(t, databases, "country:KP # sanctions\nAS64497 # hosting until 2027-01-01\n", "", "AS64496 # ours to watch\n")
	for address, want := range map[string]string{
		"192.0.2.1": "country:KP", "192.0.2.200": "country:KP", "198.51.100.1": "", "203.0.113.9": "AS64497", "2001:db8:5::1": "country:KP", "2001:db9::": "",
	} {
		got := ""
		if e := s.Find(netip.MustParseAddr(address), now); e != nil {
			got = e.Text
		}
		if got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
	if _, err := Open([]config.List{{Name: "x", File: written(t, "x", "AS1")}}, []string{written(t, "x.mmdb", "no database")}); err == nil {
		t.Error("any file is a database")
	}
}

// opens is what is said of lists and databases together.
func opens(t *testing.T, text string, databases ...string) string {
	t.Helper()
	_, err := Open([]config.List{{Name: "l", File: written(t, "l.txt", text)}}, databases)
	return fmt.Sprint(err)
}

// sparse is a file that says it has so many bytes.
func sparse(t *testing.T, size int64) string {
	t.Helper()
	file := written(t, "sparse", "")
	if err := os.Truncate(file, size); err != nil {
		t.Fatal(err)
	}
	return file
}

// What is larger than its bound is refused as a whole, before it is read: files and databases.
func TestFilesAreBounded(t *testing.T) {
	if _, err := Open([]config.List{{Name: "l", File: sparse(t, maxFile+1)}}, nil); err == nil || !strings.Contains(err.Error(), "is larger than 64 MiB") {
		t.Error(err)
	}
	if said := opens(t, "AS64496", sparse(t, maxDatabase+1)); !strings.Contains(said, "is larger than 1024 MiB") {
		t.Error(said)
	}
	if _, err := Open([]config.List{{Name: "l", File: "/dev/zero"}}, nil); err == nil || !strings.Contains(err.Error(), "is larger than 64 MiB") {
		t.Error(err)
	}
	if said := opens(t, "192.0.2.1 # "+strings.Repeat("x", 700)); said != "<nil>" {
		t.Error(said)
	}
	s := open(t, nil, "192.0.2.1 # "+strings.Repeat("x", 700))
	if e := s.Find(netip.MustParseAddr("192.0.2.1"), now); len(e.Reason) != maxReason {
		t.Errorf("a reason of %d bytes goes into records", len(e.Reason))
	}
}

// Lists have so many entries and no more, and the networks that databases make of few entries are bounded as well.
func TestEntriesAreBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("reads millions of entries")
	}
	if said := opens(t, strings.Repeat("::1\n", maxEntries)); said != "<nil>" {
		t.Error(said)
	}
	if said := opens(t, strings.Repeat("::1\n", maxEntries+1)); !strings.Contains(said, "1000001:1: there are more than 1000000 entries") {
		t.Error(said)
	}
	networks := map[string]mmdbtype.Map{}
	for i := range 2000 {
		networks[fmt.Sprintf("10.%d.%d.0/24", i>>8, i&255)] = mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String([]string{"KP", "DE"}[i%2])}}
	}
	if said := opens(t, strings.Repeat("country:KP\ncountry:DE\n", maxPlaces/2000+1), database(t, "GeoLite2-Country", networks)); !strings.Contains(said, "the lists cover more than 4000000 networks") {
		t.Error(said)
	}
}

// A file of somebody else's never does worse than to be refused.
func FuzzOpen(f *testing.F) {
	f.Add("192.0.2.0/24 # reason until 2027-01-01\nAS1\ncountry:KP;\n::/0")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Open([]config.List{{Name: "l", File: written(t, "l", text)}}, nil)
		if err != nil {
			return
		}
		for i, e := range s.entries {
			p, err := netip.ParsePrefix(e.Text)
			if a, single := netip.ParseAddr(e.Text); single == nil {
				p, err = netip.PrefixFrom(a, a.BitLen()), nil
			}
			if err != nil {
				t.Fatal(err)
			}
			if s.Find(p.Addr(), func() time.Time { return time.Time{} }) == nil {
				t.Fatalf("entry %d is not found: %+v", i, e)
			}
		}
	})
}

// Entries half of IPv6, and addresses of which half are listed.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { find(b, n) })
	}
}

func find(b *testing.B, n int) {
	rnd := rand.New(rand.NewPCG(3, 4))
	entries := make([]Entry, n)
	var places []place
	var ask []netip.Addr
	for i := range entries {
		entries[i] = Entry{Action: config.ListDeny}
		a := netip.AddrFrom4([4]byte{byte(rnd.Uint32()), byte(rnd.Uint32()), byte(rnd.Uint32()), byte(rnd.Uint32())})
		if i%2 == 0 {
			a = netip.AddrFrom16([16]byte{0x20, byte(rnd.Uint32()), byte(rnd.Uint32()), byte(rnd.Uint32()), byte(rnd.Uint32()), byte(rnd.Uint32())})
		}
		p, _ := a.Prefix(24 + 24*(1-i%2))
		places = append(places, place{p, int32(i)})
		if len(ask) < 4096 && rnd.IntN(2) == 0 {
			ask = append(ask, a)
		} else if len(ask) < 4096 {
			ask = append(ask, netip.AddrFrom4([4]byte{byte(rnd.Uint32()), byte(rnd.Uint32()), byte(rnd.Uint32()), 1}))
		}
	}
	s := newSet(entries, places)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		s.Find(ask[i%len(ask)], now)
	}
}
