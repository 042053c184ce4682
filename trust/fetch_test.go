package trust_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/trust"
)

// What answers of another media type say is not read; identity's tests tell the rest of what a server must not be able to do.
func TestFetchOfAType(t *testing.T) {
	kind := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = []string{kind}
		_, _ = w.Write([]byte(r.Header.Get("Accept")))
	}))
	defer s.Close()
	fetch, err := trust.Fetch{Accept: "a/b+json", Type: "a/b+json", Most: 100, AllowPrivate: true}.From(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	for kind = range map[string]bool{"A/B+json; charset=utf-8": true, "a/b+json": true} {
		if data, err := fetch(t.Context()); err != nil || string(data) != "a/b+json" {
			t.Errorf("%s: %q %v", kind, data, err)
		}
	}
	for _, kind = range []string{"", "text/html", "a/b", "a/b+json, text/html"} {
		if data, err := fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "not a/b+json") {
			t.Errorf("%s: %q %v", kind, data, err)
		}
	}
}
