package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event/encode"
	receiver "github.com/sallyport/sallyport/event/sink"
	"github.com/sallyport/sallyport/event/spool"
	"github.com/sallyport/sallyport/exchange"
)

// openSpool opens the spool, which has no sinks yet and so tells nothing.
func (v *service) openSpool(c *config.Config) (err error) {
	if v.mask, err = pseudonymKey(c.Store.Path); err != nil {
		return err
	}
	v.spool, err = spool.Open(spool.Options{Dir: filepath.Join(c.Store.Path, "spool"), Bytes: int64(c.Events.Spool.MaxBytes), Sealer: v.ring, Tell: v.early.hear})
	return err
}

// prepareSinks opens the sinks of a config, all or nothing.
func (v *service) prepareSinks(c *config.Config) (*spool.Change, error) {
	var outputs []spool.Output
	for i := range c.Events.Sinks {
		o, err := outputOf(&c.Events.Sinks[i], v.mask)
		if err != nil {
			return nil, fmt.Errorf("events.sinks[%d]: %w", i, err)
		}
		outputs = append(outputs, o)
	}
	return v.spool.Prepare(outputs)
}

// takeSinks takes the sinks of a config into use.
func (v *service) takeSinks(c *config.Config, sinks *spool.Change) {
	v.spool.Bound(c.Events.Spool.MaxBytes.Or(spool.DefaultBytes))
	sinks.Take()
}

// outputOf is a sink of the config as the spool sees it. Its key is all that was written down;
// secrets and certificates are read again when that changes, or by another process.
func outputOf(c *config.EventSink, key []byte) (o spool.Output, err error) {
	written, err := json.Marshal(c)
	if err != nil {
		return o, err
	}
	encoding, err := encode.New(c.Encoding)
	if err != nil {
		return o, err
	}
	mask, err := encode.NewMask(key, c.Fields.Drop, c.Fields.Clear)
	if err != nil {
		return o, err
	}
	return spool.Output{Name: c.Name, Key: string(written), Encode: mask.Before(encoding), Variant: variant(c), Only: only(c.Only),
		Open: func() (receiver.Sink, error) { return receiver.Open(c, os.Stdout, version()) }}, nil
}

// variant is the same for sinks that get the same text.
func variant(c *config.EventSink) string {
	drop, clear := slices.Sorted(slices.Values(c.Fields.Drop)), slices.Sorted(slices.Values(c.Fields.Clear))
	return fmt.Sprint(c.Encoding, drop, clear)
}

func only(words []string) (o spool.Only) {
	for _, w := range words {
		o |= map[string]spool.Only{"all": spool.Everything, "refusals": spool.Refusals, "findings": spool.Findings, "events": spool.Events}[w]
	}
	if o == 0 {
		return spool.Everything
	}
	return o
}

// sinkFile reports whether a file is one of a sink, or was before it was rotated.
func (v *service) sinkFile(name string) bool {
	return slices.ContainsFunc(v.config.Events.Sinks, func(s config.EventSink) bool {
		return s.File != nil && strings.HasPrefix(filepath.Clean(name), filepath.Clean(s.File.Path))
	})
}

// pseudonymKey is the key of pseudonyms, made on first use. Whoever has it can try values; another one makes other pseudonyms.
func pseudonymKey(dir string) ([]byte, error) {
	path := filepath.Join(dir, "pseudonyms.key")
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, 32)
		_, _ = rand.Read(key) // never fails
		if err = os.MkdirAll(dir, 0o700); err == nil {
			err = os.WriteFile(path, key, 0o600)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read the key of pseudonyms: %w", err)
	}
	if len(key) != 32 {
		return nil, fmt.Errorf("%s is not 32 bytes long", path)
	}
	return key, nil
}

// happened tells whoever listens of what happened beside exchanges.
func (v *service) happened(k *exchange.Kind, detail string, data map[string]string) {
	e := exchange.NewEvent(k, detail)
	e.Data = data
	v.early.hear(e)
}

// closeWait is how long sinks have for what is pending when the gateway stops; the rest is there at the next start.
const closeWait = 3 * time.Second

func (v *service) closeSpool() {
	if v.sinks != nil { // the start failed before they were taken into use
		v.sinks.Discard()
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	v.spool.Close(ctx)
}

func (v *service) observeSinks() {
	m := v.metrics
	m.Counter("sallyport_events_accepted_total", "Records and events that were handed to the spool, since it was made.", func() float64 { return float64(v.spool.Totals().Accepted) })
	m.Counter("sallyport_events_lost_total", "Records and events that never came into the spool's journal: no sink gets them.", func() float64 { return float64(v.spool.Totals().Lost) })
	m.Gauge("sallyport_spool_bytes", "Bytes of the spool's journal.", func() float64 { return float64(v.spool.Totals().Bytes) })
	by := func(of func(spool.SinkStats) uint64) func(add func(string, float64)) {
		return func(add func(string, float64)) {
			for _, s := range v.spool.Stats() {
				add(s.Name, float64(of(s)))
			}
		}
	}
	m.GaugeBy("sallyport_sink_pending", "Records and events that wait for a sink.", "sink", by(func(s spool.SinkStats) uint64 { return s.Pending }))
	m.CounterBy("sallyport_sink_delivered_total", "Records and events that a sink has got.", "sink", by(func(s spool.SinkStats) uint64 { return s.Delivered }))
	m.CounterBy("sallyport_sink_dropped_total", "Records and events that were lost for a sink.", "sink", by(func(s spool.SinkStats) uint64 { return s.Dropped }))
	m.CounterBy("sallyport_sink_dead_total", "Records and events that a sink refused for good.", "sink", by(func(s spool.SinkStats) uint64 { return s.Dead }))
	m.GaugeBy("sallyport_sink_failing", "1 while a sink takes nothing.", "sink", by(func(s spool.SinkStats) uint64 {
		if s.Failing {
			return 1
		}
		return 0
	}))
}
