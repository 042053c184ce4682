package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// deliverEvery is how often a gateway looks for acts that were done beside it.
const deliverEvery = time.Second

// delivery is what takes from the outbox.
type delivery struct {
	end  context.CancelFunc
	done sync.WaitGroup
}

func (v *service) startDelivery(ctx context.Context) {
	ctx, v.outbox.end = context.WithCancel(ctx)
	v.outbox.done.Go(func() { v.deliver(ctx) })
	v.outbox.done.Go(func() { v.keepFollowing(ctx) })
	v.outbox.done.Go(func() { v.keepSealing(ctx) })
	if v.audit != nil && v.config.Audit.Retention > 0 {
		v.outbox.done.Go(func() { v.prune(ctx, time.Duration(v.config.Audit.Retention)) })
	}
}

func (v *service) endDelivery() {
	if v.outbox.end != nil {
		v.outbox.end()
		v.outbox.done.Wait()
	}
}

// deliver tells, until ctx ends, of the acts of commands beside the gateway; the first time of those that were done while
// no gateway ran.
func (v *service) deliver(ctx context.Context) {
	failing := false
	for {
		err := v.store.Deliver(ctx, func(data []byte) error { return v.announced(ctx, data) })
		if err != nil && !failing && ctx.Err() == nil {
			slog.Error("nobody can be told what was done beside the gateway; it is tried again", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-time.After(deliverEvery):
		}
	}
}

// announced tells of one act. What cannot be read would stop all that come after it, and is told as that.
func (v *service) announced(ctx context.Context, data []byte) error {
	e := &exchange.Event{}
	if err := json.Unmarshal(data, e); err != nil || e.ID == "" {
		e = exchange.NewEvent(exchange.Dropped, fmt.Sprintf("an act was announced in a form that nobody understands: %v", err))
		e.Object = "outbox"
	}
	return v.tell(ctx, e)
}
