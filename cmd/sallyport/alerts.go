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

// farewell is how long alerts that are on their way may take when nobody will send them afterwards.
const farewell = 5 * time.Second

func closeAlerts(a *alert.Alerts) {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
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
