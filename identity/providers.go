package identity

import (
	"context"
	"log/slog"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/store"
)

// Options are what Providers need besides the config. The zero value works.
type Options struct {
	// Dir is the folder from which relative file: paths start. Default: the working directory.
	Dir string
	// Log tells about key sets that cannot be fetched and keys that cannot be used. Default: nothing is logged.
	Log *slog.Logger
}

// Providers are the identities of one config, ready to verify. They are immutable and safe for concurrent use.
type Providers struct{}

// New builds providers and reads file: key sets. s may be nil: then only the API keys of the config are known.
// All mistakes are reported at once, each with the path of the setting (identity[0].jwt.jwks).
func New(list []config.Identity, s *store.Store, o Options) (*Providers, error) {
	return &Providers{}, nil
}

// Next builds the successor of p for a reload. It starts nothing and leaves p as it is.
func (p *Providers) Next(list []config.Identity) (*Providers, error) { return &Providers{}, nil }

// Start fetches https: key sets and follows the store until ctx ends, and stops what a predecessor ran and p does not
// need. It returns at once.
func (p *Providers) Start(ctx context.Context) {}

// Guard compiles the guard of one operation. security maps the spec's schemes to identities by name.
func (p *Providers) Guard(op *openapi.Operation, schemes map[string]*openapi.SecurityScheme, security map[string]string) (exchange.Guard, error) {
	return exchange.Guard{Name: "identity", Phase: exchange.OnHead, Check: func(context.Context, *exchange.Exchange) (exchange.Verdict, error) {
		return exchange.Verdict{}, nil
	}}, nil
}
