//go:build unix

package spool

import (
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/event/encode"
	"github.com/sallyport/sallyport/store/keyring"
)

// A frame is what the writer makes of a record: encoded, and sealed by real keys of 1,000 people.
func BenchmarkFrame(b *testing.B) {
	ring, err := keyring.Open(filepath.Join(b.TempDir(), "keys"), keyring.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer ring.Close()
	var items []encode.Item
	var frames []byte
	for n := range 1000 {
		items = append(items, encode.Item{Record: minuteRecord(n, n)})
		f, err := sealItem(items[n], ring)
		if err != nil {
			b.Fatal(err)
		}
		frames = f.append(frames[:0], 1)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		f, err := sealItem(items[n%1000], ring)
		if err != nil {
			b.Fatal(err)
		}
		frames = f.append(frames[:0], 1)
	}
	b.SetBytes(int64(len(frames)))
}
