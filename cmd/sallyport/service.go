package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/admin"
	"github.com/sallyport/sallyport/admin/dashboard"
	"github.com/sallyport/sallyport/admin/oidc"
	"github.com/sallyport/sallyport/admin/people"
	"github.com/sallyport/sallyport/admin/replay"
	"github.com/sallyport/sallyport/admin/suggest"
	"github.com/sallyport/sallyport/audit"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/event/alert"
	"github.com/sallyport/sallyport/event/spool"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/forward"
	"github.com/sallyport/sallyport/gateway"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/inspect"
	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/limit/agent"
	"github.com/sallyport/sallyport/limit/challenge"
	"github.com/sallyport/sallyport/limit/quota"
	"github.com/sallyport/sallyport/listen"
	"github.com/sallyport/sallyport/store"
	"github.com/sallyport/sallyport/store/keyring"
	"github.com/sallyport/sallyport/telemetry"
)

// service is a running gateway: everything that lives longer than a snapshot, and the listeners.
type service struct {
	config      *config.Config
	parts       *gateway.Parts
	gateway     *gateway.Gateway
	store       *store.Store
	ring        *keyring.Ring
	archive     *event.Archive
	bus         event.Bus
	early       early      // hands events to the bus
	audit       *audit.Log // nil: off
	ledger      *event.Ledger
	live        *dashboard.Live
	alerts      *alerts
	silences    *alert.Silences
	again       *replay.Desk
	rates       *suggest.Desk
	spool       *spool.Spool
	sinks       *spool.Change // of the first configuration, which waits for its leaf
	mask        []byte        // key of pseudonyms
	access      *telemetry.AccessLog
	metrics     *telemetry.Metrics
	listeners   []*listener
	line        *listen.Line
	admin       *listener
	inherited   *listen.Inherited
	replaced    bool // a successor serves
	notifier    *notifier
	newToken    string // printed once
	newAuditKey string // likewise
	reloading   sync.Mutex
	ctx         context.Context
	origin      string // the config file, "" for flags
	failed      chan error
	stale       atomic.Bool // the last reload failed
	keyed       atomic.Bool // every key set was loaded once
	loader      loader      // nil where the configuration cannot change
	outbox      delivery
	bans        bans
	cluster     cluster
	endQuotas   func() // writes what was used
}

// sink is somebody else who wants the records.
type sink = event.Sink

// errStopped is a start that a signal ended.
var errStopped = errors.New("stopped before it was ready")

// open opens the sockets first, so that a taken port is told before a long build and probes are answered during one;
// until the snapshot is there, clients get gateway.not_ready. On error, and when ctx ends first, nothing is left open.
func open(ctx context.Context, cfg *config.Config, src *config.Source, extra ...sink) (_ *service, problems config.Problems, err error) {
	v := &service{config: cfg, ctx: ctx}
	if src.File != flagsOnly {
		v.origin = src.File
	}
	defer func() {
		if err != nil {
			v.close()
		}
		if errors.Is(err, context.Canceled) && ctx.Err() != nil { // a signal came while something was waited for
			err = errStopped
		}
	}()
	if err = v.openRecords(cfg, extra); err != nil {
		return nil, nil, err
	}
	v.gateway = gateway.New(v.parts)
	v.observe()
	v.notifier = newNotifier()
	if v.inherited, err = listen.Inherit(); err != nil {
		return nil, nil, err
	}
	if err = v.openSockets(); err != nil {
		return nil, nil, err
	}
	v.accept()
	type compiled struct {
		snapshot *gateway.Snapshot
		problems config.Problems
	}
	done := make(chan compiled, 1)
	go func() {
		s, p := gateway.Build(cfg, src, v.parts)
		done <- compiled{s, append(p, unheard(cfg.Alerts, src)...)}
	}()
	select {
	case b := <-done:
		if b.snapshot == nil || b.problems.Failed() {
			return nil, b.problems, errFindings
		}
		if err = v.begin(cfg, src, b.snapshot); err != nil {
			return nil, b.problems, err
		}
		return v, b.problems, v.succeed(ctx)
	case <-ctx.Done(): // the build knows no signals; the process ends under it
		return nil, nil, errStopped
	}
}

// begin takes the first snapshot into use, once it is written down that it is.
func (v *service) begin(cfg *config.Config, src *config.Source, s *gateway.Snapshot) error {
	sinks := v.sinks
	v.sinks = nil
	if err := v.applied(cfg, src, s, sinks); err != nil {
		return err
	}
	if err := v.alerts.apply(cfg.Alerts); err != nil {
		return err
	}
	v.startCluster(v.ctx)
	if _, err := quota.Seal(v.ctx, v.store, time.Now().AddDate(0, 0, -31)); err != nil { // before the first of them is written
		return err
	}
	v.startBans(v.ctx)
	v.swap(cfg, s)
	v.startDelivery(v.ctx)
	v.happened(exchange.GatewayStarted, "The gateway serves.", map[string]string{"version": version()})
	return nil
}

// openRecords opens everything that records and events go to, and the parts that survive reloads.
func (v *service) openRecords(cfg *config.Config, extra []sink) (err error) {
	if v.store, err = openStore(cfg.Store); err != nil {
		return err
	}
	if v.ring, err = openRing(cfg.Store); err != nil {
		return err
	}
	if err = v.ring.Ready(v.ctx); err != nil {
		return err
	}
	if err = unlockNames(v.ctx, v.store, v.ring, cfg.Store, true); err != nil {
		return err
	}
	if v.access, err = telemetry.OpenAccessLog(cfg.Log.Access); err != nil {
		return err
	}
	v.archive = event.NewArchive(v.store, v.ring, event.ArchiveOptions{Retention: time.Duration(cfg.Store.Retention), Refusals: time.Duration(cfg.Store.Refusals), MaxBytes: int64(cfg.Store.MaxBytes), Passed: cfg.Store.Passed,
		Tell: v.early.hear})
	v.metrics = telemetry.NewMetrics(version())
	v.parts = newParts(v.store)
	if err = v.openCluster(cfg.Store); err != nil {
		return err
	}
	if v.endQuotas, err = v.parts.Limiter.Quotas().Keep(v.ctx, v.store); err != nil {
		return err
	}
	if v.parts.Tracer, err = telemetry.NewTracer(v.ctx, version()); err != nil {
		return err
	}
	v.silences = alert.NewSilences(v.store.DB())
	v.alerts = &alerts{options: alert.Options{Silences: v.silences.Now, Tell: v.early.hear, Metrics: v.metrics.Gatherer(), Version: version()}}
	v.alerts.observe(v.metrics)
	v.live = dashboard.NewLive()
	v.again, v.rates = replay.New(v.replay), suggest.New(v.archive.Reader)
	if err = v.openSpool(cfg); err != nil {
		return err
	}
	v.bus = append(event.Bus{v.access, v.metrics, v.archive, v.alerts, v.live, v.spool}, extra...)
	if err = v.openAudit(); err != nil {
		return err
	}
	if err = v.followErasures(v.ctx); err != nil {
		return err
	}
	v.parts.Record, v.parts.InFlight = v.bus.Record, v.spool.Serving()
	if v.sinks, err = v.prepareSinks(cfg); err != nil {
		return err
	}
	v.early.open(v.bus)
	return nil
}

// newParts makes what survives reloads; s may be nil for commands that only check.
func newParts(s *store.Store) *gateway.Parts {
	var current *identity.Providers
	parts := &gateway.Parts{
		Providers: func(list []config.Identity) (_ *identity.Providers, err error) {
			if current == nil {
				current, err = identity.New(list, s, identity.Options{Log: slog.Default()})
				return current, err
			}
			next, err := current.Next(list)
			if err == nil {
				current = next
			}
			return next, err
		},
		Upstreams: forward.NewPool(), Limiter: limit.New(limit.Options{}), Inspectors: new(inspect.Pool),
		Agents: agent.NewMemory(agent.Options{Log: slog.Default()}), Challenges: challenge.NewIssuer(challenge.Options{}),
		Record: func(*exchange.Record) {},
	}
	parts.Upstreams.Strained(func() bool { return parts.Limiter.Strained() }) // openCluster puts another one in its place
	return parts
}

// swap takes a snapshot into use.
func (v *service) swap(cfg *config.Config, s *gateway.Snapshot) {
	v.parts.Limiter.Apply(cfg.Abuse)
	v.parts.Limiter.UseLists(s.Lists())
	v.keepBasis(s.Basis())
	v.gateway.Swap(s)
	s.Start(v.ctx)
	v.noted(true)
}

func (v *service) observe() {
	m := v.metrics
	m.Gauge("sallyport_http_requests_in_flight", "Exchanges being served.", func() float64 { return float64(v.gateway.InFlight()) })
	m.Counter("sallyport_refusals_slowed_total", "Refusals whose answer had to wait, because their client causes many.", func() float64 { return float64(v.parts.Slowed.Load()) })
	m.Counter("sallyport_guard_panics_total", "Guards that panicked; each refused its exchange.", func() float64 { return float64(v.parts.Panics.Load()) })
	m.Gauge("sallyport_limit_keys", "Keys that limits count separately now.", func() float64 { return float64(v.parts.Limiter.Stats().Keys) })
	m.Counter("sallyport_limit_overflow_total", "Requests counted in a shared bucket, because all keys were in use.", func() float64 { return float64(v.parts.Limiter.Stats().Overflow) })
	m.Counter("sallyport_access_log_dropped_total", "Lines of the access log that could not be written.", func() float64 { return float64(v.access.Dropped()) })
	v.observeQuotas()
	v.observeIdentity()
	v.observeAbuse()
	v.observeCluster()
	v.observeConnections()
	v.observeSinks()
	v.observeAudit()
	m.GaugeBy("sallyport_tls_certificate_expiry_timestamp_seconds", "Until when a certificate of a listener is valid.", "certificate", v.expiries)
	m.Counter("sallyport_archive_dropped_total", "Records and events that could not be kept in the store.", func() float64 { return float64(v.archive.Dropped()) })
	m.Counter("sallyport_archive_sampled_total", "Exchanges that passed and of which, under load, only the counts were kept.", func() float64 { return float64(v.archive.Sampled()) })
}

func (v *service) adminHandler() (http.Handler, error) {
	hash, err := v.tokenHash()
	if err != nil {
		return nil, err
	}
	c := v.config.Admin
	elsewhere, err := signInElsewhere(c.OIDC)
	if err != nil {
		return nil, err
	}
	sessions := people.Options{Idle: time.Duration(c.Session.Idle), Lifetime: time.Duration(c.Session.Lifetime)}
	return admin.New(admin.Options{Hosts: lower(c.Hosts), TokenHash: hash, People: people.New(v.store, sessions), Tell: v.tell, OIDC: elsewhere,
		Started: v.started, Ready: v.ready, Stale: v.stale.Load, Metrics: v.metrics.Handler(), Posture: v.gateway.Posture,
		Quotas: v.parts.Limiter.Quotas().Used, Bans: v.parts.Limiter.Bans().List, Ban: v.takeBan, Find: v.archive.Find, Select: v.archive.Select, Archive: v.archive.Reader,
		Store: v.store, Config: v.file(), Reload: v.reload, Dashboard: v.dashboard(),
		Evidence: v.evidence(),
	})
}

// signInElsewhere is the identity provider of people who administer, or nil.
func signInElsewhere(c *config.AdminOIDC) (*oidc.Provider, error) {
	if c == nil {
		return nil, nil
	}
	s, err := config.Secret(c.ClientSecret)
	if err != nil {
		return nil, err
	}
	return oidc.New(*c, s)
}

func lower(names []string) (list []string) {
	for _, n := range names {
		list = append(list, strings.ToLower(n))
	}
	return list
}

// tokenHash is that of the configured admin token, or of the one that was generated on first start.
func (v *service) tokenHash() (hash [sha256.Size]byte, err error) {
	if ref := v.config.Admin.Token; ref != "" {
		token, err := config.Secret(ref)
		if err == nil && token == "" {
			err = errors.New("the admin token is empty: admin.token")
		}
		return sha256.Sum256([]byte(token)), err
	}
	var kept string
	err = v.store.DB().QueryRowContext(v.ctx, `SELECT value FROM settings WHERE key = 'admin.token'`).Scan(&kept)
	switch {
	case err == nil:
		n, decodeErr := hex.Decode(hash[:], []byte(kept))
		if decodeErr != nil || n != len(hash) {
			return hash, errors.New("the store's admin token is damaged: delete the setting admin.token")
		}
		return hash, nil
	case !errors.Is(err, sql.ErrNoRows):
		return hash, fmt.Errorf("couldn't read the admin token: %w", err)
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	v.newToken = "spa_" + base64.RawURLEncoding.EncodeToString(random)
	hash = sha256.Sum256([]byte(v.newToken))
	_, err = v.store.DB().ExecContext(v.ctx, `INSERT INTO settings (key, value) VALUES ('admin.token', $1)`, hex.EncodeToString(hash[:]))
	return hash, err
}

// close ends everything that open began, in reverse.
func (v *service) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, l := range v.sockets() {
		_ = l.server.Shutdown(ctx) // after drain it does nothing
	}
	if v.parts != nil {
		v.parts.Upstreams.Close()
		_ = v.parts.Tracer.Close(ctx) // a collector that is gone must not keep us
	}
	v.endDelivery()
	v.endBans()
	v.endCluster()
	if v.again != nil {
		v.again.Close()
		v.rates.Close()
	}
	if v.gateway != nil && v.started() {
		v.happened(exchange.GatewayStopped, "The gateway stops.", nil)
	}
	if v.alerts != nil {
		v.alerts.close()
	}
	if v.spool != nil {
		v.closeSpool()
	}
	if v.archive != nil {
		v.archive.Close()
	}
	if v.endQuotas != nil {
		v.endQuotas()
	}
	v.closeAudit()
	if v.access != nil {
		_ = v.access.Close() // the log's own counter has told of what was lost
	}
	if v.ring != nil {
		_ = v.ring.Close() // nothing waits to be written
	}
	if v.store != nil {
		_ = v.store.Close()
	}
}
