// Package lab is Harbor Goods, a shop API that looks and answers like a normal product and is deliberately
// vulnerable: every flaw of [Flaws] is real in the code, marked there by its id, and reproduced by a test.
//
// It is the honest test bench of the gateway: `sallyport demo` shows it, the scanner attacks it, the end-to-end tests
// run its legitimate [Traffic]. Everything is in memory and deterministic: 200 customers in 3 tenants, products,
// orders, payments, refunds, invoices. [Lab.Reset] goes back to the first state.
//
// Nothing here leaves the machine. Outbound requests (webhooks, imports, carriers) reach loopback listeners that
// belong to the lab and play the cloud's metadata service, the carriers and the rest of the internet.
//
// Never expose a Lab to a network.
package lab

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

//go:embed openapi.yaml
var spec []byte

// Issuer and Audience are the iss and aud of the lab's tokens.
const (
	Issuer   = "https://id.harborgoods.example/"
	Audience = "shop"
)

// DefaultAPIKey is the partner's key where [Options] name none.
const DefaultAPIKey = "hgk_live_7Yq2mVtB9xKpR4sWc8ZdN1fLhJ6gTe3A"

// PartnerID, PartnerTenant, PartnerRoles and PartnerScopes say who the partner's API key belongs to, for whoever
// configures a gateway in front of the lab.
const (
	PartnerID     = "northpost"
	PartnerTenant = "harbor-eu"
)

// PartnerRoles and PartnerScopes of the API key.
var (
	PartnerRoles  = []string{"partner"}
	PartnerScopes = []string{"stock:read", "stock:write", "shipments:write", "products:write"}
)

// Accounts with a role, and the customer whose token examples use. Their passwords are [Password].
const (
	Admin    = "stf_0001"
	Support  = "stf_0002"
	Attacker = "cus_0042" // an ordinary customer, in whose name every flaw is exploited
	Victim   = "cus_0107" // another customer of the same tenant
	Stranger = "cus_0181" // a customer of another tenant
)

// Options of a lab. The zero value is ready to use.
type Options struct {
	// APIKey is the genuine key of the partner; default [DefaultAPIKey].
	APIKey string
}

// A Lab is one shop with its neighbours. It is safe for concurrent use.
type Lab struct {
	opts Options
	keys *keyring
	net  *internet
	mux  *http.ServeMux

	mu    sync.Mutex // guards store and what hangs on it
	store *store

	front *http.Server // nil until Start
}

// New returns a lab with its seed data and starts the loopback listeners of its neighbours. Close stops them.
func New(o Options) (*Lab, error) {
	if o.APIKey == "" {
		o.APIKey = DefaultAPIKey
	}
	keys, err := newKeyring()
	if err != nil {
		return nil, fmt.Errorf("lab keys: %w", err)
	}
	l := &Lab{opts: o, keys: keys, store: seed()}
	if l.net, err = startInternet(); err != nil {
		return nil, fmt.Errorf("lab neighbours: %w", err)
	}
	l.mux = l.routes()
	return l, nil
}

// Handler is the bare shop, without anything in front.
func (l *Lab) Handler() http.Handler { return http.HandlerFunc(l.serve) }

// Start serves the bare shop on addr, which must be a loopback address, and returns its base URL.
func (l *Lab) Start(addr string) (string, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("lab address: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", fmt.Errorf("lab address %s: only loopback, the lab is vulnerable on purpose", addr)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("lab: %w", err)
	}
	l.front = &http.Server{Handler: l.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go l.front.Serve(ln) //nolint:errcheck // ends with ErrServerClosed at Close
	return "http://" + ln.Addr().String(), nil
}

// Close stops every listener of the lab.
func (l *Lab) Close() error {
	err := l.net.close()
	if l.front != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if l.front.Shutdown(ctx) != nil {
			err = errors.Join(err, l.front.Close())
		}
	}
	return err
}

// Reset goes back to the seed data.
func (l *Lab) Reset() {
	fresh := seed()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.store = fresh
}

// Spec returns the OpenAPI 3.1 document of the shop.
func (l *Lab) Spec() []byte { return spec }

// APIKey returns the partner's genuine key, sent as X-API-Key.
func (l *Lab) APIKey() string { return l.opts.APIKey }
