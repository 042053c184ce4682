package bot

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/exchange"
)

// Requests of real clients, recorded by make bots with SALLYPORT_TRACES=1, are rated as their labels say: each run as the worst of its
// requests.
func TestTraces(t *testing.T) {
	data, err := os.ReadFile("testdata/traces.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	type run struct {
		memory *Memory
		want   exchange.Rating
		got    exchange.Rating
		words  []string
	}
	runs := map[string]*run{}
	worse := []exchange.Rating{exchange.LikelyHuman, exchange.Suspected, exchange.Hostile}
	for line := range strings.Lines(string(data)) {
		var c struct {
			Run      string
			Want     exchange.Rating
			Features Features
			Act      Act
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		r := runs[c.Run]
		if r == nil {
			r = &run{memory: NewMemory(1), want: c.Want}
			runs[c.Run] = r
		}
		c.Features.Did = r.memory.Recall(1, 2, c.Act.At)
		if b := Judge(&c.Features); slices.Index(worse, b.Rating) > slices.Index(worse, r.got) {
			r.got, r.words = b.Rating, Words(b.Marks)
		}
		r.memory.Note(1, 2, c.Act)
	}
	browsers := 0
	for name, r := range runs {
		if r.got != r.want {
			t.Errorf("%s: %s (%v), want %s", name, r.got, r.words, r.want)
		}
		if r.want == exchange.LikelyHuman {
			browsers++
		}
	}
	if len(runs) < 80 || browsers < 8 {
		t.Errorf("%d runs, %d of browsers: the traces are not whole", len(runs), browsers)
	}
}
