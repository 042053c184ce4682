package main

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event/alert"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/telemetry"
)

// alerts are those of the current configuration. It is the sink of the bus, so that a reload may change the rules.
type alerts struct {
	mu      sync.RWMutex
	current *alert.Alerts
	config  config.Alerts
	options alert.Options
}

// apply takes rules and routes into use. What was raised under others is raised anew where it is true.
func (a *alerts) apply(c config.Alerts) error {
	if a.current != nil && reflect.DeepEqual(c, a.config) {
		return nil
	}
	next, err := alert.New(c, a.options)
	if err != nil {
		return err
	}
	a.mu.Lock()
	last := a.current
	a.current, a.config = next, c
	a.mu.Unlock()
	if last != nil {
		go closeAlerts(last)
	}
	return nil
}

// parting is how long alerts that are on their way may take when nobody will send them afterwards.
const parting = 5 * time.Second

func closeAlerts(a *alert.Alerts) {
	ctx, cancel := context.WithTimeout(context.Background(), parting)
	defer cancel()
	a.Close(ctx)
}

func (a *alerts) now() *alert.Alerts {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.current
}

// Record hands a record on.
func (a *alerts) Record(r *exchange.Record) {
	if now := a.now(); now != nil {
		now.Record(r)
	}
}

// Event hands an event on.
func (a *alerts) Event(e *exchange.Event) {
	if now := a.now(); now != nil {
		now.Event(e)
	}
}

// close tells what is left to be told.
func (a *alerts) close() {
	if now := a.now(); now != nil {
		closeAlerts(now)
	}
}

// unheard reports rules and routes of alerts that cannot be used, each at its place.
func unheard(c config.Alerts, src *config.Source) (problems config.Problems) {
	wrong := alert.Verify(c)
	if wrong == nil {
		return nil
	}
	for _, err := range config.Each(wrong) {
		at := "alerts"
		if mistake := (*alert.Error)(nil); errors.As(err, &mistake) {
			at = mistake.Setting
		}
		problems = append(problems, src.Problem(at, "alerts.invalid", err.Error(), ""))
	}
	return problems
}

// observe adds to the metrics what is true now, by severity.
func (a *alerts) observe(m *telemetry.Metrics) {
	m.GaugeBy("sallyport_alerts_active", "Alerts that are true now, silenced ones included.", "severity", func(add func(string, float64)) {
		active := map[exchange.Severity]int{exchange.Info: 0, exchange.Low: 0, exchange.Medium: 0, exchange.High: 0, exchange.Critical: 0}
		if now := a.now(); now != nil {
			for _, one := range now.Active() {
				active[one.Severity]++
			}
		}
		for severity, n := range active {
			add(string(severity), float64(n))
		}
	})
	m.Counter("sallyport_alerts_missed_total", "Records and events that the rules of alerts did not see, because too many came at once.", func() float64 {
		if now := a.now(); now != nil {
			return float64(now.Missed())
		}
		return 0
	})
}
