package identity

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit"
	"github.com/sallyport/sallyport/openapi"
)

// shared is a file of the shared test data; the test is skipped where it is absent.
func shared(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("SALLYPORT_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared")
	}
	file := filepath.Join(root, filepath.FromSlash(name))
	if _, err := os.Stat(file); err != nil {
		t.Skipf("no shared test data: %v", err)
	}
	return file
}

// fileSet publishes keys as a file: setting.
func fileSet(t testing.TB, set []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(file, set, 0o600); err != nil {
		t.Fatal(err)
	}
	return "file:" + file
}

// corp is an identity for tokens of the issuer, for the audience "shop".
func corp(i *testkit.Issuer, jwks string, algorithms ...string) config.Identity {
	return config.Identity{Name: "corp", JWT: &config.JWT{
		Issuer: i.Name, JWKS: jwks, Audience: []string{"shop"}, Algorithms: algorithms, AllowPrivate: true,
	}}
}

func mustNew(t testing.TB, list ...config.Identity) *Providers {
	t.Helper()
	p, err := New(list, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// started runs the providers until the test ends.
func started(t testing.TB, p *Providers) *Providers {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	p.Start(ctx)
	return p
}

var (
	bearerScheme = &openapi.SecurityScheme{Name: "bearer", Type: "http", Scheme: "bearer"}
	keyScheme    = &openapi.SecurityScheme{Name: "key", Type: "apiKey", In: "header", Param: "X-API-Key"}
)

// operation demands one of the alternatives, each a list of scheme names.
func operation(alternatives ...[]string) *openapi.Operation {
	op := &openapi.Operation{Key: "GET /x", Declared: true}
	for _, a := range alternatives {
		var r openapi.Requirement
		for _, name := range a {
			r.Schemes = append(r.Schemes, openapi.SchemeRef{Name: name})
		}
		op.Security = append(op.Security, r)
	}
	return op
}

// bearerGuard guards an operation that wants a token of corp.
func bearerGuard(t testing.TB, p *Providers) exchange.Guard {
	t.Helper()
	g, err := p.Guard(operation([]string{"bearer"}), map[string]*openapi.SecurityScheme{"bearer": bearerScheme}, map[string]string{"bearer": "corp"})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// ask makes an exchange with header fields given as pairs.
func ask(pairs ...string) *exchange.Exchange {
	r := httptest.NewRequest(http.MethodGet, "/x", nil)
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Add(pairs[i], pairs[i+1])
	}
	return &exchange.Exchange{API: "shop", Request: r, Target: content.Target{Path: "/x"}}
}

func withToken(token string) *exchange.Exchange { return ask("Authorization", "Bearer "+token) }

func verdict(t testing.TB, g exchange.Guard, e *exchange.Exchange) exchange.Verdict {
	t.Helper()
	v, err := g.Check(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// code is the reason's code, or "" for a pass.
func code(v exchange.Verdict) string {
	switch {
	case v.Passed():
		return ""
	case v.Reason == nil:
		return "the zero verdict"
	}
	return v.Reason.Code
}
