// Package sink hands encoded events to systems outside: files, syslog, webhooks, Kafka, OpenTelemetry collectors, object
// stores. One file for each kind, with a constructor that does all that can fail without the network. That what is sent
// arrives, in the end, is the business of package spool.
package sink

import (
	"context"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// A Message is one encoded record or event. Nobody changes it: several sinks may share it.
type Message struct {
	ID       string
	Time     time.Time
	Severity exchange.Severity
	Name     string // the operation of an exchange, the kind of an event
	Body     []byte // one text without a line break
}

// A Sink takes batches. Send and Close are called by one goroutine.
type Sink interface {
	// Send returns nil once the batch is with the other side, as durably as that side promises. A *Refused is final; any
	// other error means that nobody knows what arrived, and the batch is sent again. It ends with ctx.
	Send(ctx context.Context, batch []Message) error
	// Batch is how much Send wants at once.
	Batch() Batch
	Close() error
}

// Batch bounds what is sent at once: so many messages, so many bytes of bodies; and how long the first message of a batch may
// wait for others.
type Batch struct {
	Messages, Bytes int
	Wait            time.Duration
}

// Refused is an error that sending again does not mend: the other side does not want these messages.
type Refused struct {
	// Messages are the indexes of those that are refused, where the rest was accepted. Nil: the batch as a whole was refused,
	// and the sender may try its parts.
	Messages []int
	Err      error
}

func (r *Refused) Error() string { return fmt.Sprintf("refused for good: %v", r.Err) }

func (r *Refused) Unwrap() error { return r.Err }
