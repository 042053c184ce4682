package counters

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit"
)

func client(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func trade(t *testing.T, c *Client, items ...Item) (nodes int, answers []Item) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	nodes, err := c.Exchange(ctx, time.Now(), items)
	if err != nil {
		t.Fatal(err)
	}
	return nodes, items
}

// The package asks Valkey and Redis the same.
func TestOnRedis(t *testing.T) { testkit.OnRedis(t) }

// What one has spent the others get to know, to the microsecond, and it comes back by the server's clock.
func TestSpentIsAddedUp(t *testing.T) {
	server := testkit.Redis(t)
	a, b := client(t, Options{URL: server.URL(), Service: "s", Node: "a"}), client(t, Options{URL: server.URL(), Service: "s", Node: "b"})
	x := Item{Key: [16]byte{1}, Spent: time.Hour + time.Microsecond, Most: 10 * time.Hour}
	began := time.Now()
	nodes, list := trade(t, a, x)
	if nodes != 1 || list[0].Ahead != x.Spent || list[0].Nodes != 1 || list[0].Window == 0 {
		t.Errorf("%d nodes, %+v", nodes, list)
	}
	nodes, list = trade(t, b, x)
	if least := 2*x.Spent - time.Since(began) - time.Microsecond; nodes != 2 || list[0].Ahead < least || list[0].Ahead > 2*x.Spent {
		t.Errorf("%d nodes, %+v", nodes, list)
	}
	x.Spent = 20 * time.Hour
	if _, list = trade(t, b, x); list[0].Ahead != x.Most {
		t.Errorf("a debt is bounded: %+v", list)
	}
	if _, list = trade(t, a, Item{Key: [16]byte{2}, Most: time.Hour}); list[0].Ahead != 0 {
		t.Errorf("another key: %+v", list)
	}
	other := client(t, Options{URL: server.URL(), Service: "other", Node: "a"})
	if nodes, list = trade(t, other, Item{Key: x.Key, Most: time.Hour}); nodes != 1 || list[0].Ahead != 0 {
		t.Errorf("another service: %d nodes, %+v", nodes, list)
	}
	if err := b.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if nodes, _ = trade(t, a); nodes != 1 {
		t.Errorf("%d nodes, one has left", nodes)
	}
}

// The number of processes that spend under a key is told, also when one asks again in the same window.
func TestWhoSpends(t *testing.T) {
	server := testkit.Redis(t)
	var nodes []*Client
	for _, name := range []string{"a", "b", "c"} {
		nodes = append(nodes, client(t, Options{URL: server.URL(), Service: "s", Node: name}))
	}
	items := make([]Item, len(nodes))
	most := 0
	for range 30 {
		for i, c := range nodes {
			items[i] = Item{Key: [16]byte{7}, Most: time.Hour, Window: items[i].Window}
			trade(t, c, items[i:i+1]...)
			most = max(most, items[i].Nodes)
		}
	}
	if most != 3 {
		t.Errorf("%d processes spend", most)
	}
}

// A server that has lost everything gets to know it again from those that were told, and whatever the delays, nothing is told later
// than it is.
func TestALostTATIsTold(t *testing.T) {
	server := testkit.Redis(t)
	c := client(t, Options{URL: server.URL(), Service: "s", Node: "a"})
	trade(t, c) // the clock
	_, list := trade(t, c, Item{Key: [16]byte{1}, Known: time.Hour, Spent: time.Minute, Most: 10 * time.Hour})
	if x := list[0]; x.Ahead > time.Hour || x.Ahead < 50*time.Minute {
		t.Errorf("%+v", x)
	}
	began := time.Now()
	for range 100 {
		at := time.Now()
		list[0].Known, list[0].Spent = list[0].Ahead-at.Sub(began), 0
		began = at
		time.Sleep(time.Duration(rand.IntN(2)) * time.Millisecond) // between the look at the key and the call
		if _, err := c.Exchange(t.Context(), at, list); err != nil {
			t.Fatal(err)
		}
	}
	first, at := list[0].Ahead, time.Now()
	if _, list = trade(t, c, Item{Key: [16]byte{1}, Most: 10 * time.Hour}); list[0].Ahead < first-time.Since(at)-time.Second {
		t.Errorf("what is known never takes back: %+v", list)
	}
}

// Keys go when their TAT is past, and what a stranger has written into one does no harm.
func TestKeysExpire(t *testing.T) {
	server := testkit.Redis(t)
	c := client(t, Options{URL: server.URL(), Service: "s", Node: "a"})
	trade(t, c, Item{Key: [16]byte{1}, Spent: time.Millisecond, Most: time.Hour}, Item{Key: [16]byte{2}, Spent: time.Hour, Most: time.Hour})
	r, ctx := c.client, t.Context()
	keys, err := r.Do(ctx, r.B().Keys().Pattern("sallyport:1:{s}:*").Build()).AsStrSlice()
	if err != nil || len(keys) != 3 {
		t.Fatalf("%q %v", keys, err)
	}
	for _, k := range keys {
		if left, err := r.Do(ctx, r.B().Pttl().Key(k).Build()).AsInt64(); err != nil || left <= 0 || left > 3_600_000 {
			t.Errorf("%s expires in %d: %v", k, left, err)
		}
	}
	k := c.prefix + "AQAAAAAAAAAAAAAAAAAAAA"
	for _, wrong := range []string{"", "x", "1", "-1 2 3 4", "1e300 1 1 1", strings.Repeat("9", 400) + " 1 1 1"} {
		if err := r.Do(ctx, r.B().Set().Key(k).Value(wrong).Build()).Error(); err != nil {
			t.Fatal(err)
		}
		if _, list := trade(t, c, Item{Key: [16]byte{1}, Spent: time.Second, Most: time.Minute}); list[0].Ahead < time.Second/2 || list[0].Ahead > time.Minute {
			t.Errorf("%.20q: %+v", wrong, list)
		}
	}
}

// As many items as there may be at once, of any numbers.
func TestManyItems(t *testing.T) {
	c := client(t, Options{URL: testkit.Redis(t).URL(), Service: "s", Node: "a"})
	items := make([]Item, MaxItems)
	for i := range items {
		items[i] = Item{Key: [16]byte{byte(i), byte(i >> 8)}, Spent: time.Duration(rand.Int64N(1 << 50)), Most: 1 << 60}
	}
	_, list := trade(t, c, items...)
	for i, x := range list {
		if want := (x.Spent + time.Microsecond - 1).Truncate(time.Microsecond); x.Ahead != want {
			t.Fatalf("item %d: %s, want %s", i, x.Ahead, want)
		}
	}
}

// A server that is away, stalls, or comes back empty is an error in time, and then works again without another client.
func TestServerGone(t *testing.T) {
	server := testkit.Redis(t)
	c := client(t, Options{URL: server.URL(), Service: "s", Node: "a"})
	trade(t, c)
	server.Kill()
	if _, err := c.Exchange(t.Context(), time.Now(), nil); err == nil {
		t.Fatal("a server that is gone answers")
	}
	server.Start(t)
	deadline := time.Now().Add(time.Minute)
	for {
		if _, err := c.Exchange(t.Context(), time.Now(), []Item{{Spent: time.Second, Most: time.Minute}}); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	stall(t, server, true)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := c.Exchange(ctx, time.Now(), nil); err == nil {
		t.Fatal("a server that is stopped answers")
	}
	stall(t, server, false)
}

// A server with users, with the rights of docs/scale.md: the URL has name and password, and the errors never have them.
func TestUsers(t *testing.T) {
	server := testkit.Redis(t, strings.Fields("--user default off --user gate on >s3cret ~sallyport:* +eval +evalsha +zadd +zremrangebyscore +zcard +zrem +pexpire +get +set +time +hget +hset +hsetnx +hdel +hlen +hincrby +hexists +zrangebyscore +zrevrange +hello +client +select")...)
	c := client(t, Options{URL: "redis://gate:s3cret@" + server.Addr, Service: "s", Node: "a"})
	trade(t, c, Item{Spent: time.Second, Most: time.Minute})
	if err := c.Leave(t.Context()); err != nil {
		t.Error(err)
	}
	notes, err := c.Board([]byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, notes, Note{"x", 1, time.Millisecond, nil})
	time.Sleep(5 * time.Millisecond)
	write(t, notes, Note{"x", 2, time.Hour, []byte("x")})
	if got := news(t, notes, &Place{}); got != "2x" {
		t.Errorf("%q", got)
	}
	for _, url := range []string{"redis://gate:wrong-s3cret@" + server.Addr, server.URL()} {
		_, err := client(t, Options{URL: url, Service: "s", Node: "a"}).Exchange(t.Context(), time.Now(), nil)
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := New(Options{URL: "redis://gate:s3cret@%zz"}); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v", err)
	}
}

// A server behind TLS is believed by its certificate only.
func TestTLS(t *testing.T) {
	authority := testkit.NewAuthority(t, "ours")
	server := testkit.RedisTLS(t, authority)
	url, ours := "rediss://"+server.Addr, testkit.WriteFile(t, "ours.pem", testkit.CertPEM(authority.Cert))
	theirs := testkit.WriteFile(t, "theirs.pem", testkit.CertPEM(testkit.NewAuthority(t, "theirs").Cert))
	trade(t, client(t, Options{URL: url, CA: ours, Service: "s", Node: "a"}))
	for _, ca := range []string{theirs, ""} {
		if _, err := client(t, Options{URL: url, CA: ca, Service: "s", Node: "a"}).Exchange(t.Context(), time.Now(), nil); err == nil || !strings.Contains(err.Error(), "x509") {
			t.Errorf("%s: %v", ca, err)
		}
	}
	for _, o := range []Options{{URL: "redis://x", CA: ours}, {URL: url, CA: ours + ".none"}, {URL: url, CA: testkit.WriteFile(t, "empty", nil)}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

func stall(t *testing.T, s *testkit.RedisServer, on bool) {
	t.Helper()
	signal := syscall.SIGCONT
	if on {
		signal = syscall.SIGSTOP
	}
	if err := s.Process().Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// What the server has to do for as many keys as one call may have.
func BenchmarkExchange(b *testing.B) {
	c, err := New(Options{URL: testkit.Redis(b).URL(), Service: "s", Node: "a"})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	items := make([]Item, MaxItems)
	for b.Loop() {
		for i := range items {
			items[i] = Item{Key: [16]byte{byte(i), byte(i >> 8)}, Spent: time.Millisecond, Most: time.Hour}
		}
		if _, err := c.Exchange(b.Context(), time.Now(), items); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*MaxItems), "µs/key")
}

// Of all who ask about an id one is the first, until it is forgotten.
func TestFirst(t *testing.T) {
	server := testkit.Redis(t)
	a, b := client(t, Options{URL: server.URL(), Service: "s", Node: "a"}), client(t, Options{URL: server.URL(), Service: "s", Node: "b"})
	other := client(t, Options{URL: server.URL(), Service: "other", Node: "a"})
	ask := func(c *Client, id byte, keep time.Duration) bool {
		first, err := c.First(t.Context(), [16]byte{id}, keep)
		if err != nil {
			t.Fatal(err)
		}
		return first
	}
	if !ask(a, 1, time.Hour) || ask(b, 1, time.Hour) || ask(a, 1, time.Hour) || !ask(b, 2, time.Hour) || !ask(other, 1, time.Hour) {
		t.Error("not the one who was first")
	}
	ask(a, 3, 20*time.Millisecond)
	for deadline := time.Now().Add(time.Minute); !ask(b, 3, 20*time.Millisecond); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is kept for ever")
		}
	}
	server.Kill()
	if _, err := a.First(t.Context(), [16]byte{4}, time.Hour); err == nil {
		t.Error("a server that is away says who was first")
	}
}

// Each process is told what the others have in flight, of those that were heard of lately.
func TestLevels(t *testing.T) {
	server := testkit.Redis(t)
	a, b := client(t, Options{URL: server.URL(), Service: "s", Node: "a"}), client(t, Options{URL: server.URL(), Service: "s", Node: "b"})
	level := func(c *Client, own ...Level) []Level {
		others, err := c.Levels(t.Context(), own)
		if err != nil {
			t.Fatal(err)
		}
		return others
	}
	x, y := Level{[16]byte{1}, 3}, Level{[16]byte{2, 0, 255}, 1 << 40}
	trade(t, a)
	level(a, x, y)
	if got := level(b, x); !slices.Equal(got, []Level{x, y}) {
		t.Errorf("%v", got)
	}
	if got := level(a, x); len(got) != 0 {
		t.Errorf("of one that was not heard of: %v", got)
	}
	trade(t, b)
	level(b, x)
	if got := level(a, y); !slices.Equal(got, []Level{x}) {
		t.Errorf("%v", got)
	}
	if got := level(b); !slices.Equal(got, []Level{y}) {
		t.Errorf("%v", got)
	}
	if err := a.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := level(b); len(got) != 0 {
		t.Errorf("of one that has left: %v", got)
	}
}
