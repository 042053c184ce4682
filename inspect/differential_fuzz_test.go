package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// A raw request that carries a text in its path, query, cookie, header or body; turn says where the text goes, and
// whether it is escaped or stands there as it is.
func carried(turn uint8, text, more string) []byte {
	as := func(escape func(string) string, s string) string {
		if turn&1 == 0 {
			return escape(s)
		}
		return line.Replace(s)
	}
	target, header, body := "/api/items", "X-Note: none", ""
	kind := []string{"application/json", "application/x-www-form-urlencoded", "text/xml"}[turn/16%3]
	switch turn / 2 % 8 {
	case 0:
		target += "?note=" + as(url.QueryEscape, text) + "&" + as(url.QueryEscape, more) + "=1"
	case 1:
		target += "/" + as(url.PathEscape, text) + "?more=" + as(url.QueryEscape, more)
	case 2:
		header = "User-Agent: " + line.Replace(text) + "\r\nReferer: " + line.Replace(more)
	case 3:
		header = "Cookie: note=" + as(url.QueryEscape, text) + "; more=" + as(url.QueryEscape, more)
	default:
		header = "Content-Type: " + kind
		body = text + more
		if turn&1 == 0 {
			body = fitting(kind, text, more)
		}
	}
	r := recorded{Method: "POST", Path: target, Body: body, Headers: map[string]any{"Host": "api.example.com", "Accept": "*/*"}}
	name, value, _ := strings.Cut(header, ": ")
	r.Headers[name] = value
	return r.raw()
}

// line takes what would end a line of the head out of it.
var line = strings.NewReplacer("\r", "", "\n", "", "\x00", "")

// fitting is a well-formed body.
func fitting(kind, text, more string) string {
	switch kind {
	case "application/json":
		data, _ := json.Marshal(map[string]any{"note": text, "more": []string{more, "1"}})
		return string(data)
	case "text/xml":
		return "<order note='" + url.QueryEscape(more) + "'>" + strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(text) + "</order>"
	}
	return "note=" + url.QueryEscape(text) + "&more=" + url.QueryEscape(more)
}

// Whatever a request carries, both engines object by the same rules. Chains may compare with what was captured of another
// value in Coraza, which visits values in the random order of a map: there one of its answers has to be ours.
func FuzzSameAsCoraza(f *testing.F) {
	for i, text := range []string{"hello", "1' or '1'='1", "<script>alert(1)</script>", "; cat /etc/passwd", "../../etc/passwd", "${jndi:ldap://x/a}", "%2e%2e%2f", "O:8:\"stdClass\":0:{}", "{{7*7}}", "\xff\xfe", "http://127.0.0.1/"} {
		f.Add(uint8(i), text, "more")
		f.Add(uint8(255-i), text, text)
	}
	p := newPair(f, 4)
	f.Fuzz(func(t *testing.T, turn uint8, text, more string) {
		if len(text)+len(more) > 1000 {
			return
		}
		p.differ = func(m *Message, ours, oracle []string) {
			for range 16 {
				if slices.Equal(ours, oracle) || !subset(exclusive(ours, oracle), lastCaptured) {
					break
				}
				again, err := p.oracle.Inspect(context.Background(), m, nil)
				if err != nil {
					t.Fatal(err)
				}
				oracle = ruleIDs(again)
			}
			if !slices.Equal(ours, oracle) {
				t.Errorf("stage %d, %q: ours %v, Coraza %v", m.Stage, carried(turn, text, more), ours, oracle)
			}
		}
		if _, err := judgeRaw(carried(turn, text, more), p); err != nil && !errors.Is(err, errFront) {
			t.Fatal(err)
		}
	})
}

func subset(list, of []string) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !slices.Contains(of, s) })
}
