//go:build unix

package spool

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sallyport/sallyport/event/encode"
	"github.com/sallyport/sallyport/event/sink"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/store/keyring"
)

// A minute of 20,000 records a second reaches a file, a webhook and Kafka, as OCSF, masked, sealed on the way by real keys of
// 1,000 people, and none is lost. All receivers are in this process, and take their share of its processors.
func TestMinute(t *testing.T) {
	if os.Getenv("SALLYPORT_ALL") == "" {
		t.Skip("takes a minute and two processors: set SALLYPORT_ALL=1")
	}
	const rate, seconds = 20_000, 60
	dir := t.TempDir()
	hook, posted := countingHook(t)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "events"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	ring, err := keyring.Open(filepath.Join(dir, "keys"), keyring.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer ring.Close()
	heard := &told{}
	s, err := Open(Options{Dir: filepath.Join(dir, "spool"), Sealer: ring, Tell: heard.tell})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(s)
	if err := s.Apply(minuteOutputs(t, dir, hook, cluster.ListenAddrs())); err != nil {
		t.Fatal(err)
	}
	for n := range 1000 { // the first record of a person has a key made
		s.Record(minuteRecord(n, n))
	}
	await(t, "keys to be made", func() bool { return s.own.end() == 1001 })
	began, used := time.Now(), processorTime(t)
	delays := tellEvenly(s, rate, seconds)
	took, spent := time.Since(began), processorTime(t)-used
	t.Logf("%d records in %s, with %s of processor time; to hand one over took %s in the median, %s at p99, %s at most", rate*seconds, took.Round(time.Millisecond), spent.Round(time.Millisecond), delays[len(delays)/2], delays[len(delays)*99/100], delays[len(delays)-1])
	for _, one := range s.Stats() {
		t.Logf("%s: %d behind at the end", one.Name, one.Pending)
	}
	all := s.Totals()
	for _, one := range s.Stats() {
		await(t, one.Name+" to have all", func() bool { return statsOf(t, s, one.Name).Pending == 0 })
		if got := statsOf(t, s, one.Name); got.Delivered != all.Accepted || got.Dropped+got.Dead+all.Lost != 0 {
			t.Errorf("%+v of %+v", got, all)
		}
	}
	t.Logf("all were delivered %s after the last", (time.Since(began) - took).Round(time.Millisecond))
	if posted.Load() != int64(all.Accepted) || produced(t, cluster.ListenAddrs()) != int64(all.Accepted) || linesOf(t, filepath.Join(dir, "out.log")) != int64(all.Accepted) {
		t.Errorf("%d posted, %d produced, %d in the file, of %d", posted.Load(), produced(t, cluster.ListenAddrs()), linesOf(t, filepath.Join(dir, "out.log")), all.Accepted)
	}
	if n := len(heard.kinds("event.dropped")); n > 0 {
		t.Errorf("%d losses are told", n)
	}
}

// tellEvenly hands over rate records a second, spread over each millisecond, and returns how long each took, sorted. After a
// standstill of this process it catches up at twice the rate, no faster: who stands still serves nobody.
func tellEvenly(s *Spool, rate, seconds int) []time.Duration {
	delays := make([]time.Duration, 0, rate*seconds)
	last, owed := time.Now(), 0.0
	for began := last; len(delays) < rate*seconds; time.Sleep(time.Millisecond) {
		now := time.Now()
		tick := min(now.Sub(last), 10*time.Millisecond).Seconds() * float64(rate)
		last = now
		behind := now.Sub(began).Seconds()*float64(rate) - float64(len(delays))
		for owed = min(owed+2*tick, behind); owed >= 1 && len(delays) < rate*seconds; owed-- {
			r := minuteRecord(len(delays), len(delays)%1000)
			start := time.Now()
			s.Record(r)
			delays = append(delays, time.Since(start))
		}
	}
	slices.Sort(delays)
	return delays
}

func minuteRecord(n, person int) *exchange.Record {
	r := record(n)
	r.Principal.Subject, r.UserAgent, r.Host, r.Proto, r.Took, r.BytesOut = fmt.Sprintf("person-%d", person), "Mozilla/5.0 (X11; Linux x86_64)", "shop.example", "HTTP/2.0", time.Millisecond, 512
	for _, guard := range []string{"limit.admit", "identity", "policy.operation", "limit.spend", "validate.params", "policy.object", "inspect.head", "validate.response", "protect.filter", "protect.mask"} {
		r.Steps = append(r.Steps, exchange.RecordStep{Guard: guard, Mode: "enforce", Took: 20 * time.Microsecond})
	}
	return r
}

func minuteOutputs(t *testing.T, dir, hook string, brokers []string) []Output {
	t.Helper()
	e := maskedOCSF(t)
	return []Output{
		{Name: "file", Encode: e, Variant: "ocsf", Only: Everything, Open: func() (sink.Sink, error) {
			return sink.NewFile(sink.FileOptions{Path: filepath.Join(dir, "out.log"), Size: 1 << 40})
		}},
		{Name: "hook", Encode: e, Variant: "ocsf", Only: Everything, Open: func() (sink.Sink, error) {
			return sink.NewWebhook(sink.WebhookOptions{URL: hook, Secret: []byte("secret"), JSON: true, AllowPrivate: true})
		}},
		{Name: "bus", Encode: e, Variant: "ocsf", Only: Everything, Open: func() (sink.Sink, error) {
			return sink.NewKafka(sink.KafkaOptions{Brokers: brokers, Topic: "events"})
		}},
	}
}

func maskedOCSF(t testing.TB) encode.Encoding {
	t.Helper()
	e, err := encode.New("ocsf")
	if err != nil {
		t.Fatal(err)
	}
	mask, err := encode.NewMask([]byte("key"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return mask.Before(e)
}

func countingHook(t *testing.T) (url string, posted *atomic.Int64) {
	posted = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !json.Valid(body) {
			t.Error("not JSON", err)
		}
		posted.Add(int64(strings.Count(string(body), `"activity_id":`)))
	}))
	t.Cleanup(server.Close)
	return server.URL, posted
}

// produced is how many records the partitions of the topic have.
func produced(t *testing.T, brokers []string) (n int64) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics("events"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		got := client.PollRecords(ctx, 100_000).NumRecords()
		cancel()
		if got == 0 {
			return n
		}
		n += int64(got)
	}
}

func linesOf(t *testing.T, path string) (n int64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1<<20)
	for {
		got, err := f.Read(b)
		n += int64(strings.Count(string(b[:got]), "\n"))
		if err != nil {
			return n
		}
	}
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
