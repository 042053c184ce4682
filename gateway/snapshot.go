package gateway

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/inspect"
	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/limit/agent"
	"github.com/sallyport/sallyport/limit/challenge"
	"github.com/sallyport/sallyport/limit/list"
	"github.com/sallyport/sallyport/listen"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/protect"
)

// A Snapshot is a whole configuration, compiled. It is immutable, owns nothing to start or stop, and serves any number
// of requests at once.
type Snapshot struct {
	parts    *Parts
	config   *config.Config
	identity *identity.Providers
	apis     []*api
	declared listen.Declared // of all APIs
	basis    *Basis
	lists    *list.Set
	agents   *agent.Agents
	matrix   bool // some operation has matrix parameters: ";" may stand in a path
}

// An api is one protected API, compiled.
type api struct {
	name        string
	settings    *config.API
	doc         *openapi.Document
	hosts       []string       // lower case; empty: every host
	demand      *listen.Demand // of clients, in the handshake; nil where the listener's holds
	bases       [][]string
	matcher     *openapi.Matcher
	alike       *openapi.Alike // nil where nothing unknown passes
	plans       []*plan
	byOperation map[*openapi.Operation]*plan
	door        *plan // admission of every request, and the whole plan of undocumented ones
	upstream    service
	rules       *limit.Rules
	challenge   *challenge.Keeper // nil without
	managed     *identity.Managed
	inspector   *inspect.Inspector // nil where no operation is inspected
	attackRules string             // what its rules are made of
	declared    listen.Declared
	odd         func(header string) bool // of declared, where it has odd names
	matrix      bool
}

// A plan is all that one operation needs: its guards by phase, and its limits.
type plan struct {
	op             *openapi.Operation
	phases         [exchange.OnResponseBody + 1][]step
	enforcesBody   bool
	enforcesAnswer bool
	streaming      string
	limits         content.Limits // of the request body
	answer         content.Limits // of the response body
	timeout        time.Duration
	eventMode      config.Mode // of validate.response, where some answer declares what its events are; else off
	cors           *protect.CORS
	corsMode       config.Mode // of protect.cors: who answers preflights, and judges the origin of WebSockets
}

// route finds the API for a host and path: the one with the named host before one for all hosts, the longest base path
// first. rest are the segments below the base path. A nil api comes with known false where not even the host is served.
func (s *Snapshot) route(host string, segments []string) (found *api, rest []string, known bool) {
	host = bare(host)
	best := -1
	for _, a := range s.apis {
		named := slices.Contains(a.hosts, host)
		if !named && len(a.hosts) > 0 {
			continue
		}
		known = true
		for _, base := range a.bases {
			if !hasPrefix(segments, base) {
				continue
			}
			weight := len(base) * 2
			if named {
				weight++
			}
			if weight > best {
				best, found, rest = weight, a, segments[len(base):]
			}
		}
	}
	return found, rest, known
}

// served reports whether the API is one of those that a client means who asked for the TLS server name.
func (a *api) served(name string) bool {
	if len(a.hosts) == 0 {
		return true
	}
	if name == "" {
		return slices.ContainsFunc(a.hosts, isAddress)
	}
	return slices.Contains(a.hosts, strings.ToLower(name))
}

// meant refuses requests on a connection that was made for another API: the handshake, and what it asked of the client,
// was not this one's.
func (a *api) meant(c *exchange.Client, host string) exchange.Verdict {
	switch {
	case c.ServerName != "" && !a.served(c.ServerName):
		return exchange.Refuse(exchange.UnknownHost, "host "+host+" on a connection that was made for "+c.ServerName)
	case c.ServerName == "" && a.demand != nil:
		return exchange.Refuse(exchange.UnknownHost, "host "+host+" on a connection that was made for no name, where no certificate was asked for").WithSetting("apis[" + a.name + "].clients")
	}
	return exchange.Pass
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

func hasPrefix(segments, prefix []string) bool {
	return len(segments) >= len(prefix) && slices.Equal(segments[:len(prefix)], prefix)
}

// bare is the host without port, in lower case.
func bare(host string) string {
	if strings.IndexByte(host, ':') >= 0 {
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
	}
	return strings.ToLower(host)
}

// Lists are the lists of addresses, for the limiter to use with the snapshot.
func (s *Snapshot) Lists() *list.Set { return s.lists }

// Start begins what the snapshot's identities and agents need in the background (fetching keys, looking up names) and ends what only
// its predecessor needed. Call it after Swap; it returns at once.
func (s *Snapshot) Start(ctx context.Context) {
	s.identity.Start(ctx)
	s.agents.Start(ctx)
}
