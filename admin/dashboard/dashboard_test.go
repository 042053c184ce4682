package dashboard

import (
	"net/http"
	"testing"
)

func TestNobodyIsLedToTheSignInPage(t *testing.T) {
	w := ask(options(keep(t)), "", "/?range=24h")
	if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || to != "/signin?next=%2F%3Frange%3D24h" {
		t.Errorf("%d %s", w.Code, to)
	}
	if w := ask(options(keep(t)), "", "/signin"); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestSignInLeadsNowhereElse(t *testing.T) {
	for next, want := range map[string]string{"": "/", "/findings?range=1h": "/findings?range=1h", "//evil.example": "/", "https://evil.example/": "/",
		`/\evil.example`: "/", "javascript:alert(1)": "/", "evil": "/", "/\tx": "/"} {
		if got := local(next); got != want {
			t.Errorf("%q: %q, not %q", next, got, want)
		}
	}
}
