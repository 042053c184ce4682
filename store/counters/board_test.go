package counters

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit"
)

func board(t *testing.T, server *testkit.RedisServer, key string) *Board {
	t.Helper()
	b, err := client(t, Options{URL: server.URL(), Service: "s", Node: rand.Text()}).Board([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, b *Board, notes ...Note) {
	t.Helper()
	if err := b.Post(t.Context(), notes); err != nil {
		t.Fatal(err)
	}
}

// news are the values since a place.
func news(t *testing.T, b *Board, at *Place) string {
	t.Helper()
	notes, next, err := b.Read(t.Context(), *at)
	if err != nil {
		t.Fatal(err)
	}
	*at = next
	var values []string
	for _, n := range notes {
		values = append(values, fmt.Sprint(n.Rank, string(n.Value)))
	}
	return strings.Join(values, " ")
}

// What one writes the others read, once and in order, and of one name what has the highest rank, whoever comes last.
func TestNotes(t *testing.T) {
	server := testkit.Redis(t)
	a, b := board(t, server, "key"), board(t, server, "key")
	var at, late Place
	if got := news(t, b, &at); got != "" || at.Life == "" {
		t.Errorf("%q %+v", got, at)
	}
	write(t, a, Note{"x", 2, time.Hour, []byte("x")}, Note{"y", 7, time.Hour, []byte("\x00y z")})
	if got := news(t, b, &at); got != "2x 7\x00y z" {
		t.Errorf("%q", got)
	}
	write(t, b, Note{"x", 1, time.Hour, []byte("old")}, Note{"x", 2, time.Hour, []byte("same")})
	if got := news(t, a, &at); got != "" {
		t.Errorf("%q", got)
	}
	write(t, b, Note{"x", 3, time.Hour, []byte("new")})
	if got := news(t, a, &at); got != "3new" {
		t.Errorf("%q", got)
	}
	if got := news(t, a, &late); got != "7\x00y z 3new" {
		t.Errorf("who comes late reads %q", got)
	}
	write(t, a, Note{"gone", 1, time.Millisecond, []byte("gone")})
	time.Sleep(5 * time.Millisecond)
	write(t, a, Note{"z", 1, time.Hour, []byte("z")}) // sweeps
	if got := news(t, a, &at); got != "1z" {
		t.Errorf("%q", got)
	}
}

// The server learns nothing, and nobody without the key adds or changes anything; what is taken away is missing, and no error.
func TestNotesAreSealed(t *testing.T) {
	server := testkit.Redis(t)
	a, stranger := board(t, server, "key"), board(t, server, "another key")
	write(t, a, Note{"ban 192.0.2.9", 2, time.Hour, []byte("tries cards")})
	c, ctx := a.c.client, t.Context()
	raw, err := c.Do(ctx, c.B().Hgetall().Key(a.keys()[0]).Build()).AsStrMap()
	if err != nil || len(raw) != 1 || strings.Contains(fmt.Sprint(raw), "cards") || strings.Contains(fmt.Sprint(raw), "192.0.2.9") {
		t.Errorf("%q %v", raw, err)
	}
	write(t, stranger, Note{"ban 192.0.2.10", 2, time.Hour, []byte("of a stranger")})
	var at Place
	if got := news(t, a, &at); got != "2tries cards" {
		t.Errorf("%q", got)
	}
	for name, sealed := range raw {
		text := sealed[strings.Index(sealed, " "):]
		for _, changed := range []string{"3" + text, "2" + text[:len(text)-1], "x" + text, "", "2", "2 "} {
			if err := c.Do(ctx, c.B().Hset().Key(a.keys()[0]).FieldValue().FieldValue(name, changed).Build()).Error(); err != nil {
				t.Fatal(err)
			}
			if got := news(t, a, &Place{}); got != "" {
				t.Errorf("%q is read as %q", changed, got)
			}
		}
	}
}

// A server that has lost everything, or a part of it, is noticed by its life; what is written afterwards is read.
func TestNotesThatWereLost(t *testing.T) {
	server := testkit.Redis(t)
	a := board(t, server, "key")
	var at Place
	write(t, a, Note{"x", 1, time.Hour, []byte("x")}, Note{"y", 1, time.Hour, []byte("y")})
	news(t, a, &at)
	c, ctx := a.c.client, t.Context()
	if err := c.Do(ctx, c.B().Del().Key(a.keys()[3]).Build()).Error(); err != nil { // as a server does that is short of memory
		t.Fatal(err)
	}
	life := at.Life
	write(t, a, Note{"z", 1, time.Hour, []byte("z")})
	if got := news(t, a, &at); got != "1x 1y 1z" || at.Life == life {
		t.Errorf("%q", got)
	}
	life = at.Life
	if err := c.Do(ctx, c.B().Flushall().Build()).Error(); err != nil {
		t.Fatal(err)
	}
	if got := news(t, a, &at); got != "" || at.Life == life {
		t.Errorf("%q", got)
	}
	write(t, a, Note{"x", 1, time.Hour, []byte("x")})
	if got := news(t, a, &at); got != "1x" {
		t.Errorf("%q", got)
	}
}

// The server keeps so many notes and no more; those that are known can be changed still.
func TestNotesAreBounded(t *testing.T) {
	a := board(t, testkit.Redis(t), "key")
	a.most = 250
	for i := range 500 {
		write(t, a, Note{fmt.Sprint(i), 1, time.Hour, []byte("x")})
	}
	write(t, a, Note{"7", 2, time.Hour, []byte("y")})
	var at Place
	first, second := news(t, a, &at), news(t, a, &at)
	if n := strings.Count(first+" "+second, "x"); n != 249 || strings.Count(first, "x") != MaxNotes || !strings.HasSuffix(second, "2y") {
		t.Errorf("%d notes, %q", n, second)
	}
}
