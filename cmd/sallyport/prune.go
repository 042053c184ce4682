package main

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
)

// pruneEvery is how often leaves are looked for that are too old.
const pruneEvery = 24 * time.Hour

// prune deletes, until ctx ends, leaves of the audit log that are older than retention.
func (v *service) prune(ctx context.Context, retention time.Duration) {
	for {
		if err := v.pruneOnce(ctx, time.Now().Add(-retention)); err != nil && ctx.Err() == nil {
			slog.Error("old leaves of the audit log are still there", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pruneEvery):
		}
	}
}

// pruneOnce deletes what was appended before a time, once there is a leaf that says so.
func (v *service) pruneOnce(ctx context.Context, before time.Time) error {
	first, err := v.audit.Old(before, event.Appended)
	if err != nil || first == 0 {
		return err
	}
	e := exchange.NewEvent(exchange.AuditPruned, fmt.Sprintf("the first %d leaves of the audit log are deleted, their hashes stay", first))
	e.Object, e.Data = "audit", map[string]string{"first": strconv.FormatInt(first, 10)}
	if err := v.tell(ctx, e); err != nil {
		return err
	}
	_, err = v.audit.Prune(first)
	return err
}
