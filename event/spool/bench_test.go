//go:build unix

package spool

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/event/encode"
	"github.com/sallyport/sallyport/store/keyring"
)

// A thousand records of as many people, and the frames that the writer makes of them.
type thousand struct {
	items  []encode.Item
	frames []frame
	ring   *keyring.Ring
	ocsf   encode.Encoding
}

func newThousand(b *testing.B) (k thousand) {
	ring, err := keyring.Open(filepath.Join(b.TempDir(), "keys"), keyring.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ring.Close() })
	k.ring, k.ocsf = ring, maskedOCSF(b)
	for n := range 1000 {
		k.items = append(k.items, encode.Item{Record: minuteRecord(n, n)})
		f, err := sealItem(k.items[n], ring)
		if err != nil {
			b.Fatal(err)
		}
		f.size = frameHead + entryHead + len(f.sealed) + len(f.public)
		k.frames = append(k.frames, f)
	}
	return k
}

// What the writer does for a record: two forms, one sealed by a real key, and a checksum.
func BenchmarkFrame(b *testing.B) {
	k := newThousand(b)
	var frames []byte
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		f, err := sealItem(k.items[n%1000], k.ring)
		if err != nil {
			b.Fatal(err)
		}
		frames = f.append(frames[:0], 1)
	}
	b.SetBytes(int64(len(frames)))
}

// What sinks that keep up need of a record, once for all of the same encoding.
func BenchmarkLine(b *testing.B) {
	k := newThousand(b)
	var group *block
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%1000 == 0 {
			group = written(1, k.items)
		}
		if _, _, err := group.line(n%1000, "ocsf", k.ocsf, k.ring); err != nil {
			b.Fatal(err)
		}
	}
}

// The same for sinks that lag: the record is read back first.
func BenchmarkReadBack(b *testing.B) {
	k := newThousand(b)
	var group *block
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%1000 == 0 {
			group = &block{first: 1, kinds: make([]kind, 1000), items: make([]encode.Item, 1000), frames: slices.Clone(k.frames)}
		}
		if _, _, err := group.line(n%1000, "ocsf", k.ocsf, k.ring); err != nil {
			b.Fatal(err)
		}
	}
}
