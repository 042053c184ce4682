package alert

import (
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit/databases"
)

// Whatever holds for silences in SQLite holds for them in PostgreSQL.
func TestOnPostgres(t *testing.T) { databases.Again(t) }

// A silence is there for all who look, until it ends or somebody ends it, and never for ever.
func TestSilencesOfPeople(t *testing.T) {
	s := databases.Open(t, t.TempDir())
	mine, yours := NewSilences(s.DB()), NewSilences(s.DB())
	soon := time.Now().Add(time.Hour)
	made, err := mine.Add(t.Context(), Silence{Rule: "r", Key: "a", Until: soon, Reason: "a test", By: "admin:ada"})
	if err != nil || made.ID == "" {
		t.Fatal(made, err)
	}
	if list := yours.Now(); len(list) != 1 || list[0].ID != made.ID || list[0].By != "admin:ada" || list[0].Until.Unix() != soon.Unix() {
		t.Errorf("%+v", list)
	}
	for _, wrong := range []Silence{{Rule: "r", Until: soon}, {Reason: "x", Until: soon}, {Rule: "r", Reason: "x", Until: time.Now().Add(-time.Second)}, {Rule: "r", Reason: "x", Until: time.Now().Add(91 * 24 * time.Hour)}} {
		if _, err := mine.Add(t.Context(), wrong); !errors.Is(err, ErrSilence) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	if err := mine.End(t.Context(), made.ID); err != nil || len(mine.Now()) != 0 {
		t.Errorf("%v %v", err, mine.Now())
	}
	if err := mine.End(t.Context(), made.ID); !errors.Is(err, ErrNoSilence) {
		t.Error(err)
	}
}
