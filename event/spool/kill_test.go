//go:build unix

package spool

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/event/encode"
	"github.com/sallyport/sallyport/event/sink"
	"github.com/sallyport/sallyport/exchange"
)

// victim is a process that tells of exchanges as fast as it can until it is killed.
const victim = "SALLYPORT_SPOOL_VICTIM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victim); dir != "" {
		suffer(dir)
	}
	os.Exit(m.Run())
}

func suffer(dir string) {
	s, err := talking(dir, victims(dir)...)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	s.Serving().Add(3)
	for n := 0; ; n++ {
		s.Record(record(n))
		if n == 20_000 {
			fmt.Println("going on")
		}
	}
}

// victims are a file and a webhook that works at times.
func victims(dir string) []Output {
	encoding, err := encode.New("json")
	if err != nil {
		panic(err)
	}
	return []Output{
		{Name: "file", Key: "f", Encode: encoding, Variant: "json", Only: Everything, Open: func() (sink.Sink, error) {
			return sink.NewFile(sink.FileOptions{Path: dir + "/out.log", Size: 1 << 40})
		}},
		{Name: "hook", Key: "h", Encode: encoding, Variant: "json", Only: Everything, Open: func() (sink.Sink, error) {
			return sink.NewWebhook(sink.WebhookOptions{URL: os.Getenv("HOOK"), JSON: true, AllowPrivate: true})
		}},
	}
}

// A process that is killed in the middle, a few times, loses what was in its queue, and the next one knows to the entry how
// much that was: what was accepted is delivered, dropped, dead or pending.
func TestKill(t *testing.T) {
	var calls atomic.Int64
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1)%5 == 0 {
			http.Error(w, "not now", http.StatusServiceUnavailable)
		}
	}))
	defer hook.Close()
	t.Setenv("HOOK", hook.URL)
	dir := t.TempDir()
	for range 4 {
		killed := exec.Command(os.Args[0])
		killed.Env = append(os.Environ(), victim+"="+dir)
		out, err := killed.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := killed.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "going on\n" {
			t.Fatal(line, err)
		}
		_ = killed.Process.Kill()
		_ = killed.Wait()
	}
	s, err := talking(dir, victims(dir)...)
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the loss to be told", func() bool { return s.own.board.told.Load() == s.Totals().Lost })
	all := s.Totals()
	if all.Accepted < 80_000 || all.Lost == 0 {
		t.Errorf("%+v", all)
	}
	t.Logf("%d were accepted, %d never written", all.Accepted, all.Lost)
	for _, name := range []string{"file", "hook"} {
		balanced(t, s, name)
		await(t, name+" to have the rest", func() bool { return statsOf(t, s, name).Pending == 0 })
		if one := statsOf(t, s, name); one.Delivered != all.Accepted-all.Lost || one.Dropped+one.Dead != 0 {
			t.Errorf("%+v", one)
		}
	}
	s.Close(context.Background())
	data, err := os.ReadFile(dir + "/out.log")
	if err != nil {
		t.Fatal(err)
	}
	if lost, unended := toldIn(t, data); lost != all.Lost || unended != 4*3 {
		t.Errorf("events tell of %d lost and %d interrupted; %d were lost", lost, unended, all.Lost)
	}
	if lines := uint64(strings.Count(string(data), "\n")); lines < all.Accepted-all.Lost {
		t.Errorf("%d lines for %d entries", lines, all.Accepted-all.Lost)
	}
}

// toldIn sums up what events say was lost for every sink, each of them once.
func toldIn(t *testing.T, lines []byte) (lost, interrupted uint64) {
	t.Helper()
	seen := map[string]bool{}
	for line := range bytes.Lines(lines) {
		var e exchange.Event
		if err := json.Unmarshal(line, &e); err != nil || e.Kind != exchange.Dropped.Name || e.Object != "" || seen[e.ID] {
			continue
		}
		seen[e.ID] = true
		n, err := strconv.ParseUint(e.Data["count"], 10, 64)
		if err != nil {
			t.Error(err)
		}
		if e.Data["why"] == unended {
			interrupted += n
		} else {
			lost += n
		}
	}
	return lost, interrupted
}
