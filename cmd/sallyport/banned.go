package main

import (
	"context"
	"log/slog"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/limit/agent"
	"github.com/sallyport/sallyport/listen"
)

// Bounds of what is made of bans: an attack from very many addresses must not become one of events, nor of rows. All are counted.
const (
	maxBansTold   = 60   // events in a minute
	maxBansQueued = 4096 // that wait to be written down; more hold in this process only
	sweepBans     = time.Hour
)

// bans keeps those of this process and of the others together.
type bans struct {
	queue  chan limit.Ban
	end    context.CancelFunc
	done   sync.WaitGroup
	minute atomic.Int64
	told   atomic.Int64
	total  atomic.Uint64
}

// banned is what listeners ask about an address before they hear it.
func (v *service) banned(a netip.Addr) (bool, time.Duration) {
	_, is := v.parts.Limiter.Banned(a)
	return is, v.parts.Limiter.Tarpit()
}

func (v *service) standing(a netip.Addr) listen.Standing {
	switch known, served, refused := v.parts.Limiter.Standing(a); {
	case known:
		return listen.Known
	case served:
		return listen.Served
	case refused:
		return listen.Refused
	}
	return listen.Stranger
}

// startBans takes over the bans of the store, and follows them until ctx ends.
func (v *service) startBans(ctx context.Context) {
	v.bans.queue = make(chan limit.Ban, maxBansQueued)
	v.parts.Limiter.Bans().Tell(v.tellBan)
	ctx, v.bans.end = context.WithCancel(ctx)
	l := limit.NewBanList(v.store)
	v.followBans(ctx, l)
	v.bans.done.Go(func() { v.keepBans(ctx, l) })
	if b := v.cluster.bans; b != nil {
		b.Exchange(ctx)
		v.bans.done.Go(func() { b.Run(ctx) })
	}
	v.bans.done.Go(func() { v.parts.Limiter.Watch(ctx) })
}

func (v *service) endBans() {
	if v.bans.end != nil {
		v.bans.end()
		v.bans.done.Wait()
	}
}

func (v *service) keepBans(ctx context.Context, l *limit.BanList) {
	look, sweep := time.NewTicker(limit.FollowBans), time.NewTicker(sweepBans)
	defer look.Stop()
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case b := <-v.bans.queue:
			if err := l.Put(ctx, nil, v.bans.waiting(b)...); err != nil && ctx.Err() == nil {
				slog.Error("a ban holds in this process only", "error", err)
			}
		case <-look.C:
			v.followBans(ctx, l)
		case now := <-sweep.C:
			if err := l.Sweep(ctx, now); err != nil && ctx.Err() == nil {
				slog.Error("bans that nobody remembers stay in the store", "error", err)
			}
		}
	}
}

// waiting are the bans that can be written down together.
func (b *bans) waiting(first limit.Ban) []limit.Ban {
	list := []limit.Ban{first}
	for len(list) < 500 {
		select {
		case next := <-b.queue:
			list = append(list, next)
		default:
			return list
		}
	}
	return list
}

func (v *service) followBans(ctx context.Context, l *limit.BanList) {
	list, err := l.Changes(ctx)
	if err != nil && ctx.Err() == nil {
		slog.Error("bans of other processes are not followed", "error", err)
	}
	for _, b := range list {
		v.takeBan(b)
	}
}

// takeBan takes a ban into force that was decided beside this process, and is in its store.
func (v *service) takeBan(b limit.Ban) {
	if v.parts.Limiter.Bans().Merge(b) && v.cluster.bans != nil {
		v.cluster.bans.Tell(b)
	}
}

// learnBan keeps one that a process with another store has decided; with PostgreSQL it stands there.
func (v *service) learnBan(b limit.Ban) {
	if v.store.Postgres() {
		return
	}
	select {
	case v.bans.queue <- b:
	default: // the store is slow: it holds here
	}
}

// tellBan writes down a ban that began or was ended here, and makes an event of it.
func (v *service) tellBan(b limit.Ban) {
	if b.Until.After(b.Since) {
		v.bans.total.Add(1)
	}
	select {
	case v.bans.queue <- b:
	default: // the store is slow: it holds here
	}
	if v.cluster.bans != nil {
		v.cluster.bans.Tell(b)
	}
	if b.By != "" || v.bans.tells(b.Since) {
		v.bus.Event(banEvent(b))
	}
}

// tells reports whether there is room for another event in this minute.
func (b *bans) tells(now time.Time) bool {
	if m := now.Unix() / 60; b.minute.Swap(m) != m {
		b.told.Store(0)
	}
	return b.told.Add(1) <= maxBansTold
}

func banEvent(b limit.Ban) *exchange.Event {
	k, detail := exchange.BanBegan, "a client is banned for "+b.Until.Sub(b.Since).Round(time.Second).String()
	if !b.Until.After(b.Since) {
		k, detail = exchange.BanEnded, "the ban of a client is ended"
	}
	e := exchange.NewEvent(k, detail)
	if e.Actor, e.Subject = b.By, b.Client.String(); b.By != "" {
		e.Words = b.Reason
	} else {
		e.Detail += ": " + b.Reason
	}
	e.Data = map[string]string{"until": b.Until.UTC().Format(time.RFC3339), "times": strconv.Itoa(b.Times)}
	return e
}

func (v *service) observeAbuse() {
	m, l := v.metrics, v.parts.Limiter
	m.Gauge("sallyport_bans", "Clients that are banned now.", func() float64 { return float64(l.Bans().Active()) })
	m.Counter("sallyport_bans_total", "Bans that began in this process.", func() float64 { return float64(v.bans.total.Load()) })
	m.Counter("sallyport_bans_refused_total", "Bans that were not made, because there are too many.", func() float64 { return float64(l.Bans().Refused()) })
	m.Gauge("sallyport_overload_queue_seconds", "How long work waited for a processor lately, on average.", func() float64 { return l.Load().Queue.Seconds() })
	m.Counter("sallyport_overload_shed_total", "Requests of strangers that were refused because work waited too long.", func() float64 { return float64(l.Load().Shed) })
	m.Gauge("sallyport_line_waiting", "Times that what a stranger sent waits to be taken up now, because known clients ask, too.", func() float64 { now, _, _ := v.line.Waiting(); return float64(now) })
	m.Counter("sallyport_line_waited_total", "Times that what a stranger sent had to wait.", func() float64 { _, since, _ := v.line.Waiting(); return float64(since) })
	m.Counter("sallyport_line_passed_total", "Times that it did not have to, because too many waited.", func() float64 { _, _, passed := v.line.Waiting(); return float64(passed) })
	agents := func() agent.Stats { return v.gateway.Agents().Stats() }
	m.Gauge("sallyport_agent_signers", "Signers whose signatures are believed.", func() float64 { return float64(agents().Signers) })
	m.Gauge("sallyport_agent_directories_missing", "Signers whose key directory is overdue for a day, or was never fetched.", func() float64 { return float64(agents().DirectoriesStale) })
	m.Gauge("sallyport_agent_addresses", "Addresses that are known to have a crawler's name, or none.", func() float64 { return float64(agents().Names) })
	m.Counter("sallyport_agent_lookups_total", "Addresses of clients that say they are crawlers, looked up since crawlers were last changed.", func() float64 { return float64(agents().LookUps) })
	m.Counter("sallyport_agent_lookups_failed_total", "Addresses of which the DNS did not tell.", func() float64 { return float64(agents().Failed) })
	m.Counter("sallyport_agent_lookups_put_off_total", "Look-ups that were not begun, because there were too many.", func() float64 { return float64(agents().PutOff) })
	m.GaugeBy("sallyport_upstream_requests_most", "How many requests in flight an upstream is given at most now; absent while there is no bound.", "target", v.parts.Upstreams.Ceilings)
}
