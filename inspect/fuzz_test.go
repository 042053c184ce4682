package inspect

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

// FuzzURL: what passes has, for net/url too, the host that was judged, and judging its canonical spelling agrees.
func FuzzURL(f *testing.F) {
	for _, list := range refusedURLs {
		for _, s := range list {
			f.Add(s)
		}
	}
	for _, s := range plainURLs {
		f.Add(s)
	}
	p := policy(f, config.URLs{}, nil)
	f.Fuzz(func(t *testing.T, s string) {
		h, err := p.check(context.Background(), s)
		if err != nil {
			return
		}
		u, err := url.Parse(s)
		if err != nil {
			// Escapes of paths and queries are more than a host can depend on.
			u, err = url.Parse(s[:strings.IndexAny(s+"/", "/?#")+2] + strings.SplitN(s[strings.Index(s, "//")+2:]+"/", "/", 2)[0])
			if err != nil {
				return
			}
		}
		if name := strings.TrimSuffix(asciiLower(u.Hostname()), "."); isASCII(name) && !strings.Contains(name, ":") && name != h {
			t.Fatalf("%q: judged %q, net/url reads %q", s, h, name)
		}
		if strings.Contains(h, ":") {
			h = "[" + h + "]"
		}
		if _, err := p.check(context.Background(), "http://"+h+"/"); err != nil {
			t.Fatalf("%q: canonical host %q is refused: %v", s, h, err)
		}
	})
}

// FuzzMask: a mask shows at most five characters of what it hides.
func FuzzMask(f *testing.F) {
	for _, s := range []string{"", "a", "abc", "abcd", "abcdefghijk", "abcdefghijkl", "\x1b[31m\xff", "äöüäöüäöüäöü", "…"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m := mask(s)
		for i := range len(m) {
			if m[i] < ' ' {
				t.Fatalf("%q has a control character", m)
			}
		}
		if len(m) > 5*len(`\U0010ffff`)+32 {
			t.Fatalf("%q is too long", m)
		}
	})
}
