package telemetry

import (
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// A table is a map that is read with every exchange and grows rarely. Unlike sync.Map it takes keys as they are, so
// that a look-up allocates nothing. The zero table is empty and ready to use; safe for concurrent use.
type table[K comparable, V any] struct {
	mu   sync.RWMutex
	rows map[K]V
}

func (t *table[K, V]) find(key K) (V, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	v, ok := t.rows[key]
	return v, ok
}

// add keeps value, unless somebody was faster, and returns what is kept.
func (t *table[K, V]) add(key K, value V) V {
	t.mu.Lock()
	defer t.mu.Unlock()
	if v, ok := t.rows[key]; ok {
		return v
	}
	if t.rows == nil {
		t.rows = map[K]V{}
	}
	t.rows[key] = value
	return value
}

// A family is a metric whose values are kept elsewhere, by labels.
type family struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	values func(add func(value float64, labels ...string))
}

// Describe tells the registry what comes.
func (f *family) Describe(to chan<- *prometheus.Desc) { to <- f.desc }

// Collect asks for the values. Two of the same label would make the whole scrape fail, so the first one counts.
func (f *family) Collect(to chan<- prometheus.Metric) {
	seen := map[string]bool{}
	f.values(func(value float64, labels ...string) {
		for i, l := range labels {
			labels[i] = strings.ToValidUTF8(l, "�") // it panics otherwise
		}
		if at := strings.Join(labels, "\x00"); !seen[at] {
			seen[at] = true
			to <- prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
		}
	})
}
