package expr

import (
	"testing"

	"github.com/sallyport/sallyport/content"
)

// No source makes the compiler or the evaluation panic, and an error never allows.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{`principal.subject`, `value == principal.subject || "admin" in principal.roles`,
		`client.addr.inCIDR("10.0.0.0/8")`, `params.tag.all(t, t in ["a"])`, `has(principal.claims.x)`, `now > timestamp("2026-01-01T00:00:00Z")`,
		`"a".matches("a*")`, `principal{subject: "x"}`, `[1,2,3].map(x, x*x)`, "\x00", `body.a[0].b`, `{"a": value}.a`} {
		f.Add(s)
	}
	e := alice()
	n := &content.Node{Kind: content.Array, Children: []content.Node{text1("a"), {Kind: content.Number, Text: "1e3"}}}
	f.Fuzz(func(t *testing.T, src string) {
		s := Scope{Operation: e.Operation, Body: true, Response: true}
		if o, err := NewOwner(src, s); err == nil {
			if ok, err := o.Owns(e, n); ok && err != nil {
				t.Errorf("%q owns with the error %v", src, err)
			}
		}
		if r, err := NewRule(src, s); err == nil {
			if ok, err := r.Allows(e); ok && err != nil {
				t.Errorf("%q allows with the error %v", src, err)
			}
		}
	})
}
