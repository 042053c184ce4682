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

func TestARunTellsHowMuchOfTheTimeWasDecided(t *testing.T) {
	from := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	told, goOn := make(chan bool), make(chan bool)
	d := New(func(_ context.Context, q Question, tell func(int, time.Time)) (*gateway.Summary, error) {
		tell(7, from.Add(15*time.Minute))
		told <- true
		<-goOn
		return gateway.NewSummary(), nil
	})
	if err := d.Start("a", Question{"x", from, from.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	<-told
	if r, ok := d.Run("a"); !ok || r.N != 7 || r.Share != 0.25 || r.Question.Text != "x" {
		t.Errorf("%+v", r)
	}
	goOn <- true
	d.Close()
	if r, _ := d.Run("a"); r.Answer == nil || r.Err != nil {
		t.Errorf("%+v", r)
	}
}

func TestDraftsAreBounded(t *testing.T) {
	d := New(nil)
	var ids []string
	for i := range mostDrafts + 3 {
		id, err := d.Keep(fmt.Sprint("text ", i))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if _, ok := d.Draft(ids[2]); ok {
		t.Error("the oldest is still there")
	}
	if text, ok := d.Draft(ids[3]); !ok || text != "text 3" {
		t.Error(text, ok)
	}
	if _, err := d.Keep(strings.Repeat("x", MaxText+1)); !errors.Is(err, ErrLong) {
		t.Error(err)
	}
}
