package telemetry

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// hostile are texts that break logs, terminals and readers.
var hostile = map[string]string{
	"line feed":            "a\nb",
	"forged line":          "x\"}\n{\"status\":200,\"path\":\"/",
	"carriage return":      "a\r\nSet-Cookie: x",
	"every control":        "\x00\x01\x02\x07\x08\x09\x0b\x0c\x1b\x7f",
	"C1 controls":          "\u0080\u0085\u009b31m\u009f",
	"ANSI escape":          "\x1b[2J\x1b]0;owned\x07",
	"line separators":      "a\u2028b\u2029c",
	"bidi controls":        "\u202eevil\u2066x\u2069\u200f\u061c",
	"no width":             "a\u200bb\u200d\u2060\ufeff\u00ad",
	"tags":                 "a\U000e0041\U000e007f",
	"invalid UTF-8":        "\xff\xfe\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80",
	"cut UTF-8":            "a\xe2\x80",
	"quotes":               `"\"\\"\u0022{}[],:`,
	"markup":               "</script><!--",
	"other scripts":        "Ελληνικά 日本語 😀 é",
	"replacement":          "\ufffd",
	"private use":          "\ue000\U0010ffff",
	"a path of 8 KB":       strings.Repeat("/äé\x01\"", 1300),
	"nothing but newlines": strings.Repeat("\n", 500),
}

// filled is a record that carries text wherever a stranger's text can stand.
func filled(text string) *exchange.Record {
	return &exchange.Record{
		ID: "01J", Time: time.Date(2026, 11, 24, 1, 2, 3, 4000, time.UTC), Took: 1500 * time.Microsecond, API: "shop", Operation: text,
		Method: text, Host: text, Path: text, Query: text, Proto: text, Client: text, Peer: text, UserAgent: text,
		Principal: &exchange.RecordPrincipal{Subject: text, Issuer: text, Tenant: text}, Status: 403, Refused: true, Guard: "policy.object",
		Code: "policy.not_owner", OWASP: "API1", Detail: text, BytesIn: 1, BytesOut: 2, Trace: "4bf92f3577b34da6a3ce929d0e0e4736",
		Steps:    []exchange.RecordStep{{Guard: "validate.body", Mode: config.Monitor, Code: "validate.body"}, {Guard: "inspect.body", Mode: config.Monitor, Code: "inspect.sqli"}},
		Findings: []exchange.Finding{{Rule: text, Field: text}, {Rule: "x"}},
		Upstream: &exchange.RecordUpstream{Target: text, Status: 200, Attempts: 2, Took: time.Millisecond},
	}
}

// checkLine demands one line, one JSON object, and nothing in it that is not printable.
func checkLine(t *testing.T, line []byte) map[string]any {
	t.Helper()
	if n := bytes.Count(line, []byte("\n")); n != 1 || line[len(line)-1] != '\n' {
		t.Fatalf("%d line feeds in %q", n, line)
	}
	if !utf8.Valid(line) {
		t.Fatalf("not UTF-8: %q", line)
	}
	for _, r := range string(line[:len(line)-1]) {
		if !unicode.IsPrint(r) {
			t.Fatalf("%U stands in %q", r, line)
		}
	}
	var object map[string]any
	d := json.NewDecoder(bytes.NewReader(line))
	if err := d.Decode(&object); err != nil {
		t.Fatalf("%v in %q", err, line)
	}
	if d.More() {
		t.Fatalf("more than one object: %q", line)
	}
	return object
}

func TestLineHoldsWhateverComes(t *testing.T) {
	for name, text := range hostile {
		t.Run(name, func(t *testing.T) {
			object := checkLine(t, AppendLine(nil, filled(text)))
			want := string([]rune(text)) // every byte that is not UTF-8 becomes one U+FFFD
			for _, field := range []string{"operation", "method", "host", "path", "query", "proto", "client", "peer", "user_agent", "subject", "issuer", "tenant", "detail", "upstream"} {
				if object[field] != want {
					t.Errorf("%s is %q, want %q", field, object[field], want)
				}
			}
			finding := object["findings"].([]any)[0].(map[string]any)
			if finding["rule"] != want || finding["field"] != want {
				t.Errorf("finding %q", finding)
			}
			if object["status"] != 403.0 || object["refused"] != true {
				t.Errorf("the text has changed other fields: %v", object)
			}
		})
	}
}

func TestLineFields(t *testing.T) {
	got := string(AppendLine(nil, filled("v")))
	want := `{"time":"2026-11-24T01:02:03.000004Z","id":"01J","api":"shop","operation":"v","method":"v","host":"v","path":"v","query":"v","proto":"v",` +
		`"status":403,"took_ms":1.500,"client":"v","peer":"v","user_agent":"v","subject":"v","issuer":"v","tenant":"v",` +
		`"refused":true,"guard":"policy.object","code":"policy.not_owner","owasp":"API1","detail":"v","would_refuse":["validate.body","inspect.sqli"],` +
		`"findings":[{"rule":"v","field":"v"},{"rule":"x"}],"upstream":"v","upstream_status":200,"upstream_ms":1.000,"attempts":2,` +
		`"bytes_in":1,"bytes_out":2,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}` + "\n"
	if got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	checkLine(t, AppendLine(nil, &exchange.Record{})) // nothing of it known
	zone := &exchange.Record{Time: time.Date(2026, 11, 24, 1, 0, 0, 0, time.FixedZone("", 3600))}
	if got := checkLine(t, AppendLine(nil, zone))["time"]; got != "2026-11-24T00:00:00.000000Z" {
		t.Errorf("time %v is not UTC", got)
	}
}

// A guard that enforces and refuses does not stand among those that would have.
func TestLineTellsMonitorFromEnforce(t *testing.T) {
	r := &exchange.Record{Steps: []exchange.RecordStep{{Guard: "a", Mode: config.Enforce, Code: "a.b"}, {Guard: "c", Mode: config.Monitor}}}
	if line := AppendLine(nil, r); bytes.Contains(line, []byte("would_refuse")) {
		t.Errorf("%s", line)
	}
}

func TestLineBoundsFindings(t *testing.T) {
	r := &exchange.Record{Findings: make([]exchange.Finding, 10_000)}
	object := checkLine(t, AppendLine(nil, r))
	if n := len(object["findings"].([]any)); n != maxListed || object["findings_total"] != 10_000.0 {
		t.Errorf("%d findings of %v", n, object["findings_total"])
	}
}

func FuzzAppendLine(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got := checkLine(t, AppendLine(nil, filled(text)))["path"]; text != "" && got != string([]rune(text)) {
			t.Errorf("path is %q", got)
		}
	})
}

// usual is the record of an everyday exchange.
func usual() *exchange.Record {
	r := &exchange.Record{
		ID: "01KB5M8Z2W7X9Y4T6R3Q1P0N5M", Time: time.Now(), Took: 843 * time.Microsecond, API: "shop", Operation: "GET /orders/{id}", Method: "GET",
		Host: "api.example.com", Path: "/v1/orders/4711", Query: "limit=20&q=***", Proto: "HTTP/2.0", Client: "203.0.113.7", UserAgent: "shop-app/4.2 (Android 14)",
		Principal: &exchange.RecordPrincipal{Subject: "customer-118", Issuer: "corp", Kind: "jwt", Tenant: "acme"}, Status: 200, BytesOut: 1024,
		Upstream: &exchange.RecordUpstream{Target: "http://10.0.0.7:9000", Status: 200, Attempts: 1, Took: 512 * time.Microsecond},
	}
	for _, g := range []string{"limit.admit", "identity", "policy.operation", "limit.spend", "validate.params", "policy.object", "inspect.head", "validate.response", "protect.filter", "protect.mask"} {
		r.Steps = append(r.Steps, exchange.RecordStep{Guard: g, Mode: config.Enforce, Took: 3 * time.Microsecond})
	}
	return r
}

func BenchmarkAppendLine(b *testing.B) {
	r, buf := usual(), make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendLine(buf[:0], r)
	}
	b.SetBytes(int64(len(buf)))
}
