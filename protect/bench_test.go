package protect

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
)

// hostile are texts that are made to be slow: each detector has to look at them in time that grows with their length.
var hostile = []struct{ name, unit string }{
	{"digits", "4"}, {"spaced", "4 "}, {"groups", "4111 "}, {"dashed", "4111-"}, {"cards", "4111111111111111,"}, {"ssns", "123-45-6789 "},
	{"ibans", "DE89370400440532013000 "}, {"almost ibans", "DE89 3704 0044 "}, {"countries", "DE89"}, {"at", "a@"}, {"emails", "a@b.cd "}, {"domains", "a@a."},
	{"plus", "+1 "}, {"phones", "+4916012345678,"}, {"bcrypt", "$2a$"}, {"hashes", "$2b$10$abcdefghijklmnopqrstuv "}, {"braces", "{SSHA}"}, {"signs", "$"},
	{"jwt", "eyJ."}, {"jwt heads", "eyJ-"}, {"jwts", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0. "}, {"jwts in a word", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0,"}, {"aws", "AKIA"}, {"aws dashed", "AKIA-"}, {"aws keys", "AKIA" + "IOSFODNN7EXAMPLE "},
	{"dotted", "SG."}, {"pem", "-----BEGIN "}, {"pem keys", "-----BEGIN PRIVATE KEY-----\n"}, {"urls", "://a:"}, {"no-break spaces", "4111\u00a0"}, {"zero width", "4\u200b"}, {"full width", "４"},
}

const hostileSize = 1 << 20

func long(unit string) string { return strings.Repeat(unit, hostileSize/len(unit)) }

func BenchmarkDetectors(b *testing.B) {
	for i := range known {
		d, _ := newDetectors([]string{known[i].kind})
		for _, h := range hostile {
			text := long(h.unit)
			b.Run(known[i].kind+"/"+h.name, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for range b.N {
					d.find(text, "", new([]span))
				}
			})
		}
	}
}

// The whole mask over bodies that are made to be slow; deep has many values far down, each of which a finding would name by its whole way.
func BenchmarkMaskHostile(b *testing.B) {
	bodies := map[string]string{
		"deep":    strings.Repeat(`{"`+strings.Repeat("n", 1000)+`":`, 60) + "[" + strings.Repeat(`"4111111111111111",`, 45_000) + `""]` + strings.Repeat("}", 60),
		"escapes": `{"4111111111111111":"` + strings.Repeat(`\u0034111111111111111 `, 40_000) + `"}`,
	}
	for _, h := range hostile {
		bodies[h.name] = string(encode(content.Media{Type: jsonType}, long(h.unit)))
	}
	for _, name := range slices.Sorted(maps.Keys(bodies)) {
		b.Run(name, func(b *testing.B) {
			benchmarkGuards(b, answered(b, operation(b, anything, ""), jsonType, bodies[name]))
		})
	}
}

func BenchmarkAnswer(b *testing.B) {
	for _, c := range []struct {
		name string
		size int
	}{{"1KB", 1 << 10}, {"64KB", 64 << 10}} {
		for _, kind := range []struct{ name, schema, item string }{
			{"clean", benchSchema, cleanItem}, {"edited", benchSchema, editedItem}, {"no schema", anything, editedItem},
		} {
			body := "[" + strings.Repeat(kind.item+",", max(c.size/len(kind.item)-1, 1)) + kind.item + "]"
			b.Run(c.name+"/"+kind.name, func(b *testing.B) { benchmarkGuards(b, answered(b, operation(b, kind.schema, ""), jsonType, body)) })
		}
	}
}

const (
	benchSchema = `{"type":"array","items":{"type":"object","properties":{"id":{"type":"string"},"created_at":{"type":"string"},"email":{"type":"string","x-sallyport":{"kind":"email"}},
		"pan":{"type":"string","x-sallyport":{"kind":"pan"}},"margin":{"type":"integer","x-sallyport":{"visible_to":["staff"]}},"total":{"type":"number"},"note":{"type":"string"}}}}`
	cleanItem  = `{"id":"4f3c1a2b-1111-4111-8111-111111111111","created_at":"2026-01-31T23:59:59Z","email":"jane.doe@example.com","total":12.50,"note":"Please leave it at the door, thank you."}`
	editedItem = `{"id":"4f3c1a2b-1111-4111-8111-111111111111","created_at":"2026-01-31T23:59:59Z","email":"jane.doe@example.com","pan":"4111111111111111","margin":3,"hash":"$2b$10$abcdefghijklmnopqrstuv","note":"IBAN DE89370400440532013000"}`
)

// benchmarkGuards runs filter and mask over an answer that is read, parsed and judged already: what they cost is theirs.
func benchmarkGuards(b *testing.B, e *exchange.Exchange) {
	guards, err := Guards(e.Operation, config.Protect{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	e.Response.Judge()
	b.SetBytes(int64(len(e.Response.Body.Bytes())))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		e.Findings = e.Findings[:0]
		e.Reply.Truncate(0)
		for _, g := range guards {
			if g.Phase != exchange.OnResponseBody {
				continue
			}
			if v, err := g.Check(b.Context(), e); err != nil || !v.Passed() {
				b.Fatal(v.Detail, err)
			}
		}
		e.Response.Body.Result()
		e.Response.Body.Rollback(0)
	}
}
