// Package alert tells people what needs them: rules over records, events and metrics, grouped, silenced with an expiry, and
// sent to where people look.
//
// A rule is true for a key (an address, a principal, an operation) when enough happened within a span of time, or while a
// metric is what it should not be. It raises one alert for each key and resolves it when that is no longer so. Raising and
// resolving are events themselves, so that spool, store and audit log have them.
//
// The sink never blocks a request: what it cannot queue it does not judge, and counts. Rules look at records of
// refusals, of what would have been refused and of findings, unless they ask for all.
package alert

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// Options are what alerts borrow from the process.
type Options struct {
	// Tell hands events of alerts on; nil: to nobody.
	Tell func(*exchange.Event)
	// Metrics are what rules over metrics read; nil: those rules are never true.
	Metrics prometheus.Gatherer
	// Silences that people have made; nil: none but those of the config.
	Silences func() []Silence
	// Version is for User-Agent.
	Version string
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Alerts judges rules. It is a sink of the bus, safe for concurrent use.
type Alerts struct {
	o      Options
	rules  []*rule
	groups []*group
	fixed  []Silence // of the config
	queue  chan occurrence
	missed atomic.Int64
	quit   chan struct{}
	done   sync.WaitGroup
	once   sync.Once
	mu     sync.Mutex // guards what is raised
	raised map[key]*Alert
	every  bool // some rule looks at all exchanges
}

// occurrence is a record or an event.
type occurrence struct {
	record *exchange.Record
	event  *exchange.Event
}

type key struct{ rule, of string }

// An Alert is one rule that is true for one key.
type Alert struct {
	Rule     string            `json:"rule"`
	Key      string            `json:"key,omitempty"` // what it is about: an address, say; "" where the rule has no by
	Severity exchange.Severity `json:"severity"`
	Summary  string            `json:"summary"`
	Hint     string            `json:"hint,omitempty"`
	Since    time.Time         `json:"since"`
	Last     time.Time         `json:"last"`               // when something last happened that counts
	Resolved time.Time         `json:"resolved,omitzero"`  // zero while it is true
	Count    int               `json:"count"`              // what happened within the span, or 0 for metrics
	Value    float64           `json:"value,omitempty"`    // of the metric
	Examples []string          `json:"examples,omitempty"` // ids of exchanges and events
	Silenced string            `json:"silenced,omitempty"` // why nobody is told
}

// queueSize is how many occurrences may wait to be judged.
const queueSize = 8192

// tick is how often spans are looked at, and metrics.
const tick = 5 * time.Second

// New compiles the rules. The error joins an [*Error] for each mistake. Close it.
func New(c config.Alerts, o Options) (*Alerts, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &Alerts{o: o, queue: make(chan occurrence, queueSize), quit: make(chan struct{}), raised: map[key]*Alert{}}
	if err := a.compile(c); err != nil {
		return nil, err
	}
	a.done.Go(a.run)
	for _, g := range a.groups {
		a.done.Go(func() { g.run(a.quit) })
	}
	return a, nil
}

// Record queues a record if a rule may look at it. It does not block.
func (a *Alerts) Record(r *exchange.Record) {
	if _, code := r.Settled(); code == "" && !r.Refused && len(r.Findings) == 0 && !a.every {
		return
	}
	a.put(occurrence{record: r})
}

// Event queues an event. It does not block.
func (a *Alerts) Event(e *exchange.Event) {
	if e.Kind != exchange.AlertRaised.Name && e.Kind != exchange.AlertResolved.Name {
		a.put(occurrence{event: e})
	}
}

func (a *Alerts) put(o occurrence) {
	select {
	case a.queue <- o:
	default:
		a.missed.Add(1)
	}
}

// Missed counts what could not be judged.
func (a *Alerts) Missed() int64 { return a.missed.Load() }

// Close judges what is queued, tells what is left to be told within ctx, and ends.
func (a *Alerts) Close(ctx context.Context) {
	a.once.Do(func() { close(a.quit) })
	ended := make(chan struct{})
	go func() { a.done.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

func (a *Alerts) run() {
	clock := time.NewTicker(tick)
	defer clock.Stop()
	for {
		select {
		case o := <-a.queue:
			if len(a.queue) < queueSize/2 {
				runtime.Gosched() // requests come first, as long as there is room for what they leave
			}
			a.judge(o)
		case <-clock.C:
			a.tick()
		case <-a.quit:
			for {
				select {
				case o := <-a.queue:
					a.judge(o)
				default:
					return
				}
			}
		}
	}
}

// judge counts an occurrence for every rule that it concerns.
func (a *Alerts) judge(o occurrence) {
	now := a.o.Now()
	for _, r := range a.rules {
		of, holds := r.concerns(o)
		if !holds {
			continue
		}
		if n := r.count(of, o.id(), now); n >= r.least {
			a.raise(r, of, n, 0, now)
		}
	}
}

func (o occurrence) id() string {
	if o.record != nil {
		return o.record.ID
	}
	return o.event.ID
}

// tick resolves what is no longer true, and asks the metrics.
func (a *Alerts) tick() {
	now := a.o.Now()
	a.measure(now)
	a.mu.Lock()
	var over []*Alert
	for k, alert := range a.raised {
		r := a.rule(k.rule)
		if r.metric != nil || r.now(k.of, now) >= r.least {
			continue
		}
		over = append(over, alert)
		delete(a.raised, k)
	}
	a.mu.Unlock()
	for _, r := range a.rules {
		r.forget(now)
	}
	for _, alert := range over {
		a.resolve(alert, now)
	}
}

func (a *Alerts) rule(name string) *rule {
	for _, r := range a.rules {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// maxRaised bounds how many alerts are true at once; what is beyond is one alert about the rest, since a rule by address
// may be true for thousands.
const maxRaised = 500

// raise makes the alert of a rule and a key, or brings it up to date.
func (a *Alerts) raise(r *rule, of string, count int, value float64, now time.Time) {
	a.mu.Lock()
	k := key{r.Name, of}
	alert := a.raised[k]
	if alert == nil && len(a.raised) >= maxRaised {
		k, of = key{r.Name, others}, others
		alert = a.raised[k]
	}
	isNew := alert == nil
	if isNew {
		alert = &Alert{Rule: r.Name, Key: of, Severity: r.severity, Hint: r.Hint, Since: now}
		a.raised[k] = alert
	}
	alert.Last, alert.Count, alert.Value, alert.Examples = now, count, value, r.examples(of)
	alert.Summary = r.summary(alert)
	alert.Silenced = a.silenced(alert, now)
	told := *alert
	a.mu.Unlock()
	if isNew {
		a.tell(exchange.AlertRaised, r, told)
	}
}

const others = "others"

func (a *Alerts) resolve(alert *Alert, now time.Time) {
	alert.Resolved = now
	alert.Silenced = a.silenced(alert, now)
	a.tell(exchange.AlertResolved, a.rule(alert.Rule), *alert)
}

// tell makes the event, and hands the alert to the routes of its rule unless it is silenced.
func (a *Alerts) tell(kind *exchange.Kind, r *rule, alert Alert) {
	if a.o.Tell != nil {
		a.o.Tell(alert.event(kind))
	}
	if alert.Silenced != "" {
		return
	}
	for _, g := range r.groups {
		g.add(alert)
	}
}

func (alert *Alert) event(kind *exchange.Kind) *exchange.Event {
	e := exchange.NewEvent(kind, strings.Replace(alert.Summary, about(alert.Key), "", 1)) // the key may be a person: it stands in Subject, which is kept sealed
	e.Object, e.Subject, e.Severity = alert.Rule, alert.Key, alert.Severity
	if kind == exchange.AlertResolved {
		e.Severity = exchange.Info
	}
	if alert.Silenced != "" {
		e.Data = map[string]string{"silenced": alert.Silenced}
	}
	return e
}

// Active lists what is true now, the gravest first.
func (a *Alerts) Active() []Alert {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := make([]Alert, 0, len(a.raised))
	for _, alert := range a.raised {
		now := *alert
		now.Silenced = a.silenced(alert, a.o.Now())
		list = append(list, now)
	}
	sortAlerts(list)
	return list
}

// Verify says what [New] would object to, and starts nothing.
func Verify(c config.Alerts) error { return (&Alerts{o: Options{Now: time.Now}}).compile(c) }
