package replay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gateway"
)

func TestOneRunAtATimeTellsHowFarItIs(t *testing.T) {
	from := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	told, go_on := make(chan bool), make(chan bool)
	d := New(func(ctx context.Context, q Question, tell func(int, time.Time)) (*gateway.Summary, error) {
		tell(7, from.Add(15*time.Minute))
		told <- true
		select {
		case <-go_on:
			return gateway.NewSummary(), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	q := Question{"x", from, from.Add(time.Hour)}
	if err := d.Start("a", q); err != nil {
		t.Fatal(err)
	}
	<-told
	if r, ok := d.Run("a"); !ok || r.N != 7 || r.Share() != 0.25 || !r.Ended.IsZero() || r.Text != "x" {
		t.Errorf("%+v", r)
	}
	if err := d.Start("b", q); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Ask(ctx, q); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	d.Stop("b") // that is none
	go_on <- true
	if r := ended(d, "a"); r.Summary == nil || r.Err != nil {
		t.Errorf("%+v", r)
	}
	for errors.Is(d.Start("a", q), ErrBusy) {
		time.Sleep(time.Millisecond)
	}
	<-told
	d.Close()
	if err := d.Start("a", q); !errors.Is(err, ErrBusy) {
		t.Error("a desk that is closed decides", err)
	}
	if r := ended(d, "a"); r.Summary != nil || !errors.Is(r.Err, context.Canceled) {
		t.Errorf("%+v", r)
	}
}

func ended(d *Desk, key string) Run {
	for {
		if r, _ := d.Run(key); !r.Ended.IsZero() {
			return r
		}
		time.Sleep(time.Millisecond)
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	d := New(func(context.Context, Question, func(int, time.Time)) (*gateway.Summary, error) {
		return gateway.NewSummary(), nil
	})
	var ids []string
	for i := range mostDrafts + 3 {
		id, err := d.Keep(fmt.Sprint("text ", i))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
		for errors.Is(d.Start(fmt.Sprint(i), Question{}), ErrBusy) {
			time.Sleep(time.Millisecond)
		}
	}
	if _, ok := d.Draft(ids[2]); ok {
		t.Error("the oldest is still there")
	}
	if text, ok := d.Draft(ids[3]); !ok || text != "text 3" {
		t.Error(text, ok)
	}
	if _, ok := d.Run("2"); ok || len(d.runs) != mostRuns {
		t.Error(len(d.runs))
	}
	if _, err := d.Keep(strings.Repeat("x", MaxText+1)); !errors.Is(err, ErrLong) {
		t.Error(err)
	}
}
