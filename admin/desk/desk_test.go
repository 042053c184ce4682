package desk

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestOneRunAtATimeTellsHowFarItIs(t *testing.T) {
	told, goOn := make(chan bool), make(chan bool)
	d := New(func(ctx context.Context, q string, tell func(Progress)) (string, error) {
		tell(Progress{N: 7, Share: 0.25})
		told <- true
		select {
		case <-goOn:
			return "answer to " + q, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	})
	if err := d.Start("a", "x"); err != nil {
		t.Fatal(err)
	}
	<-told
	if r, ok := d.Run("a"); !ok || r.N != 7 || r.Share != 0.25 || !r.Ended.IsZero() || r.Question != "x" {
		t.Errorf("%+v", r)
	}
	if err := d.Start("b", "x"); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Ask(ctx, "x"); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	d.Stop("b") // that is none
	goOn <- true
	if r := ended(d, "a"); r.Answer != "answer to x" || r.Err != nil {
		t.Errorf("%+v", r)
	}
	for errors.Is(d.Start("a", "x"), ErrBusy) {
		time.Sleep(time.Millisecond)
	}
	<-told
	d.Close()
	if err := d.Start("a", "x"); !errors.Is(err, ErrBusy) {
		t.Error("a desk that is closed answers", err)
	}
	if r := ended(d, "a"); r.Answer != "" || !errors.Is(r.Err, context.Canceled) {
		t.Errorf("%+v", r)
	}
}

func ended(d *Desk[string, string], key string) Run[string, string] {
	for {
		if r, _ := d.Run(key); !r.Ended.IsZero() {
			return r
		}
		time.Sleep(time.Millisecond)
	}
}

func TestTheLastAnswersAreKept(t *testing.T) {
	d := New(func(_ context.Context, q int, _ func(Progress)) (int, error) { return q, nil })
	for i := range mostRuns + 3 {
		for errors.Is(d.Start(fmt.Sprint(i), i), ErrBusy) {
			time.Sleep(time.Millisecond)
		}
	}
	if _, ok := d.Run("2"); ok || len(d.runs) != mostRuns {
		t.Error(len(d.runs))
	}
	if _, ok := d.Run("3"); !ok {
		t.Error("one of the last is forgotten")
	}
}

func TestShareOf(t *testing.T) {
	from := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	for at, want := range map[time.Time]float64{{}: 0, from.Add(-time.Hour): 0, from: 0, from.Add(15 * time.Minute): 0.25, from.Add(2 * time.Hour): 1} {
		if got := ShareOf(from, from.Add(time.Hour), at); got != want {
			t.Errorf("%v: %v, want %v", at, got, want)
		}
	}
	if ShareOf(from, from, from) != 0 {
		t.Error("no time at all")
	}
}
