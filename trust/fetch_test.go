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

// What has not changed is said only to whom asks, of what it asks about; and bytes come as they were sent.
func TestFetchOfWhatIsThere(t *testing.T) {
	status, tag := 200, `"a"`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(r.Header.Get("If-None-Match") + r.Header.Get("Accept-Encoding")))
	}))
	defer s.Close()
	fetch, err := trust.Fetch{Most: 100, AllowPrivate: true}.AnswersFrom(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := fetch(t.Context(), ""); err != nil || a.Tag != tag || string(a.Body) != "" || a.Body == nil {
		t.Errorf("%+v %v", a, err)
	}
	if a, err := fetch(t.Context(), `"b"`); err != nil || a.Tag != tag || string(a.Body) != `"b"` {
		t.Errorf("%+v %v", a, err)
	}
	status = 304
	for asked, good := range map[string]bool{`"a"`: true, `W/"a"`: true, `"b"`: false, "": false} {
		if a, err := fetch(t.Context(), asked); (err == nil) != good || good && (a.Body != nil || a.Tag != asked) {
			t.Errorf("%s: %+v %v", asked, a, err)
		}
	}
}
