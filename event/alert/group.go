package alert

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// A group gathers the alerts that go one way: those that are raised together are sent together, and one that stays true is
// sent again only after a while.
type group struct {
	name         string
	route        route
	least        exchange.Severity
	wait, repeat time.Duration
	incoming     chan Alert
	sent         map[key]time.Time // of those that are true
}

// A route sends alerts to people. It is used by one goroutine.
type route interface {
	send(ctx context.Context, list []Alert) error
}

// maxWaiting bounds the alerts that wait to be sent in one message.
const maxWaiting = 200

// sending bounds one attempt, and attempts how many there are.
const (
	sending  = 15 * time.Second
	attempts = 5
)

func newGroup(c config.AlertRoute, all config.Alerts, o Options) (*group, error) {
	r, err := newRoute(c, o)
	if err != nil {
		return nil, err
	}
	return &group{name: c.Name, route: r, least: exchange.Severity(cmp.Or(c.Least, "info")), wait: all.Wait.Or(10 * time.Second),
		repeat: all.Repeat.Or(4 * time.Hour), incoming: make(chan Alert, maxWaiting), sent: map[key]time.Time{}}, nil
}

// add hands an alert to the route. It does not block; what finds no room is on the dashboard and among the events.
func (g *group) add(a Alert) {
	if slices.Index(grades, a.Severity) < slices.Index(grades, g.least) {
		return
	}
	select {
	case g.incoming <- a:
	default:
		slog.Error("an alert could not be sent: too many wait", "route", g.name, "rule", a.Rule)
	}
}

// run sends until quit, and then what is left.
func (g *group) run(quit <-chan struct{}) {
	for {
		var list []Alert
		select {
		case a := <-g.incoming:
			list = append(list, a)
		case <-quit:
			if list = g.gather(list, nil, nil); len(list) > 0 {
				g.deliver(list, quit)
			}
			return
		}
		timer := time.NewTimer(g.wait)
		list = g.gather(list, timer.C, quit)
		timer.Stop()
		g.deliver(list, quit)
	}
}

// gather takes what comes until done or quit, or, where done is nil, what is there.
func (g *group) gather(list []Alert, done <-chan time.Time, quit <-chan struct{}) []Alert {
	for len(list) < maxWaiting {
		if done == nil {
			select {
			case a := <-g.incoming:
				list = append(list, a)
				continue
			default:
				return list
			}
		}
		select {
		case a := <-g.incoming:
			list = append(list, a)
		case <-done:
			return list
		case <-quit:
			return list
		}
	}
	return list
}

// deliver sends what is new: of an alert that was raised and resolved while it waited, both are told in one.
func (g *group) deliver(list []Alert, quit <-chan struct{}) {
	latest := map[key]int{}
	var out []Alert
	for _, a := range list {
		k := key{a.Rule, a.Key}
		if i, ok := latest[k]; ok {
			out[i] = a
			continue
		}
		if again := g.sent[k]; a.Resolved.IsZero() && !again.IsZero() && time.Since(again) < g.repeat {
			continue
		}
		latest[k] = len(out)
		out = append(out, a)
	}
	if len(out) == 0 {
		return
	}
	sortAlerts(out)
	if err := g.try(out, quit); err != nil {
		slog.Error("alerts could not be sent", "route", g.name, "alerts", len(out), "error", err)
		return
	}
	for _, a := range out {
		if k := (key{a.Rule, a.Key}); a.Resolved.IsZero() {
			g.sent[k] = time.Now()
		} else {
			delete(g.sent, k)
		}
	}
}

// try sends, again after a while where that fails. When the process ends, one attempt is all there is time for.
func (g *group) try(list []Alert, quit <-chan struct{}) (err error) {
	pause := time.Second
	for range attempts {
		ctx, cancel := context.WithTimeout(context.Background(), sending)
		err = g.route.send(ctx, list)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-quit:
			return err
		case <-time.After(pause):
			pause *= 4
		}
	}
	return err
}
