package expr

import "testing"

func BenchmarkOwns(b *testing.B) {
	for name, src := range map[string]string{
		"fast":    `principal.subject`,
		"compare": `value == principal.subject`,
		"admin":   `value == principal.subject || "admin" in principal.roles`,
		"claims":  `value in principal.claims.accounts`,
	} {
		b.Run(name, func(b *testing.B) {
			o, err := NewOwner(src, Scope{})
			if err != nil {
				b.Fatal(err)
			}
			e, n := alice(), text1("mallory")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := o.Owns(e, &n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	e := alice()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewOwner(`value == principal.subject || "admin" in principal.roles`, Scope{Operation: e.Operation, Response: true}); err != nil {
			b.Fatal(err)
		}
	}
}
