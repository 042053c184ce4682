package identity

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
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
type Providers struct {
	engine *engine
	byName map[string]provider
	sets   []*keySet
}

// A provider verifies one kind of credential of one identity.
type provider struct {
	name  string
	jwt   *jwt          // exactly one of jwt, keys and certs is set
	keys  *apiKeys      //
	certs *certificates //
}

// verify verifies what e presents: the credential, or the certificates of its connection.
func (p provider) verify(ctx context.Context, e *exchange.Exchange, credential string) (*facts, *failure) {
	switch {
	case p.certs != nil:
		return p.certs.verify(presented(e))
	case p.keys != nil:
		return p.keys.verify(ctx, credential)
	}
	known, f := p.jwt.verify(ctx, credential)
	if f == nil {
		if f = known.bound(e); f != nil {
			return nil, p.jwt.blame(f)
		}
	}
	return known, f
}

// kind is the setting by which the config says what the provider takes.
func (p provider) kind() string {
	switch {
	case p.jwt != nil:
		return "jwt"
	case p.keys != nil:
		return "api_key"
	}
	return "mtls"
}

// New builds providers, and reads file: key sets and the API keys of s. s may be nil: then only the API keys of the
// config are known. All mistakes of the settings are reported at once, as [*SettingError] values of a joined error.
func New(list []config.Identity, s *store.Store, o Options) (*Providers, error) {
	e, err := newEngine(s, o)
	if err != nil {
		return nil, err
	}
	return build(list, e)
}

// Next builds the successor of p for a reload. It starts nothing and leaves p as it is; files are read again. Start
// the successor when it serves.
func (p *Providers) Next(list []config.Identity) (*Providers, error) { return build(list, p.engine) }

// Start fetches https: key sets and follows the store until ctx ends, and stops what a predecessor ran and p does not
// need. It returns at once. ctx is the one of the whole gateway, the same for every successor.
func (p *Providers) Start(ctx context.Context) { p.engine.run(ctx, p.sets) }

func build(list []config.Identity, e *engine) (*Providers, error) {
	p := &Providers{engine: e, byName: make(map[string]provider, len(list))}
	var m mistakes
	m.names(list)
	for i, d := range list {
		switch {
		case d.Kinds() != 1:
			m.add(at(i), "needs exactly one of jwt, api_key and mtls")
		case d.JWT != nil:
			p.addJWT(d.Name, at(i), d.JWT, &m)
		case d.MTLS != nil:
			p.byName[d.Name] = provider{name: d.Name, certs: newCertificates(d.Name, at(i), d.MTLS, e, &m)}
		default:
			p.byName[d.Name] = provider{name: d.Name, keys: newAPIKeys(d.Name, at(i), d.APIKey, e.stored, &m)}
		}
	}
	if err := m.error(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Providers) addJWT(name, at string, c *config.JWT, m *mistakes) {
	e := p.engine
	j := newJWT(name, at, c, m)
	set := e.keySet(at, c, j.list, m)
	for _, s := range p.sets {
		if s.name == set.name && s.name != "" {
			set = s // two identities with one key set share it
		}
	}
	if !slices.Contains(p.sets, set) {
		p.sets = append(p.sets, set)
	}
	j.keys = set
	j.cache, j.id = e.cache, e.id(digest(name, c))
	p.byName[name] = provider{name: name, jwt: j}
}

// ErrNotReady says that a key set was never loaded since the start.
var ErrNotReady = errors.New("a key set was not loaded yet")

// Ready is nil when every key set was loaded at least once. Readiness probes use it.
func (p *Providers) Ready() error {
	for _, s := range p.sets {
		if s.ring() == nil {
			return ErrNotReady
		}
	}
	return nil
}
