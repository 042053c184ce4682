package agent

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Bounds of looking names up. Whoever says that it is a crawler orders a look-up, and can say so from as many addresses as it has.
const (
	perSecond     = 50 // look-ups begun; as many at once after a quiet second
	mostAtOnce    = 64
	lookUpTimeout = 5 * time.Second
	mostNames     = 8      // of an address that are looked at
	mostConfirmed = 16_384 // addresses
	mostOthers    = 65_536 // addresses

	confirmedFor = 6 * time.Hour
	renewedFor   = 90 * time.Minute // before it ends, a name that is still asked for is looked up again
	otherFor     = time.Hour        // an address that has no such name
	failedFor    = time.Minute      // one of which the DNS did not tell
)

// names are those of addresses, as far as they lie in the domains of crawlers and lead back to the address.
type names struct {
	settings string
	domains  []string
	resolver *net.Resolver
	now      func() time.Time

	mu        sync.Mutex
	ctx       context.Context // nil: it does not run, and looks nothing up
	confirmed map[netip.Addr]name
	others    map[netip.Addr]time.Time // until when nothing is looked up
	flying    map[netip.Addr]struct{}
	room      float64 // look-ups that may begin now
	filled    time.Time
	begun     uint64
	failed    uint64
	putOff    uint64
}

type name struct {
	host  string
	until time.Time
}

func newNames(settings string, domains []string, server string, now func() time.Time) *names {
	r := &net.Resolver{PreferGo: true, StrictErrors: true}
	if server != "" {
		r.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server)
		}
	}
	return &names{settings: settings, domains: domains, resolver: r, now: now, room: perSecond,
		confirmed: map[netip.Addr]name{}, others: map[netip.Addr]time.Time{}, flying: map[netip.Addr]struct{}{}}
}

func (n *names) start(ctx context.Context) {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ctx = ctx
}

func (n *names) stats(s *Stats) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s.Names, s.LookUps, s.Failed, s.PutOff = len(n.confirmed)+len(n.others), n.begun, n.failed, n.putOff
}

// of is the confirmed name of an address; "" where there is none, or none is known yet, which begins a look-up.
func (n *names) of(a netip.Addr) string {
	a = a.Unmap()
	now := n.now()
	n.mu.Lock()
	defer n.mu.Unlock()
	known, found := n.confirmed[a]
	if found && now.After(known.until) {
		delete(n.confirmed, a)
		found, known = false, name{}
	}
	if found && known.until.Sub(now) > renewedFor || now.Before(n.others[a]) {
		return known.host
	}
	if n.begin(a, now) {
		go n.lookUp(n.ctx, a)
	}
	return known.host
}

// begin reports whether a look-up may begin now. The caller holds mu.
func (n *names) begin(a netip.Addr, now time.Time) bool {
	if _, flying := n.flying[a]; flying || n.ctx == nil || n.ctx.Err() != nil {
		return false
	}
	if !n.filled.IsZero() {
		n.room = min(n.room+now.Sub(n.filled).Seconds()*perSecond, perSecond)
	}
	n.filled = now
	if n.room < 1 || len(n.flying) >= mostAtOnce {
		n.putOff++
		return false
	}
	n.room--
	n.begun++
	n.flying[a] = struct{}{}
	return true
}

func (n *names) lookUp(ctx context.Context, a netip.Addr) {
	ctx, cancel := context.WithTimeout(ctx, lookUpTimeout)
	defer cancel()
	host, err := n.confirm(ctx, a)
	now := n.now()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.flying, a)
	switch {
	case err != nil: // what is confirmed holds until its end
		n.failed++
		n.pass(a, now.Add(failedFor))
	case host == "":
		delete(n.confirmed, a)
		n.pass(a, now.Add(otherFor))
	default:
		makeRoom(n.confirmed, mostConfirmed)
		n.confirmed[a] = name{host, now.Add(confirmedFor)}
	}
}

// pass keeps an address from being looked up until then.
func (n *names) pass(a netip.Addr, until time.Time) {
	makeRoom(n.others, mostOthers)
	n.others[a] = until
}

// makeRoom forgets any one of the addresses where there are too many. Those who have no name cannot displace those who have.
func makeRoom[V any](m map[netip.Addr]V, most int) {
	if len(m) < most {
		return
	}
	for a := range m {
		delete(m, a)
		return
	}
}

// confirm looks up the names of an address, and the addresses of those that are in a domain of a crawler: whoever owns an address
// can give it any name, but only the owner of the name can give it the address.
func (n *names) confirm(ctx context.Context, a netip.Addr) (string, error) {
	list, err := n.resolver.LookupAddr(ctx, a.String())
	if err != nil {
		return "", unless(err)
	}
	for _, host := range list[:min(len(list), mostNames)] {
		host = strings.ToLower(strings.TrimSuffix(host, "."))
		if !within(host, n.domains) {
			continue
		}
		back, err := n.resolver.LookupNetIP(ctx, network(a), host+".")
		if err := unless(err); err != nil {
			return "", err
		}
		for _, b := range back {
			if b.Unmap() == a {
				return host, nil
			}
		}
	}
	return "", nil
}

func network(a netip.Addr) string {
	if a.Is4() {
		return "ip4"
	}
	return "ip6"
}

// unless is the error, unless it says that there is nothing, which is an answer.
func unless(err error) error {
	var e *net.DNSError
	if errors.As(err, &e) && e.IsNotFound {
		return nil
	}
	return err
}
