package spool

import (
	"bytes"
	"os"
	"testing"

	"github.com/sallyport/sallyport/event/encode"
)

// Whatever lies on a disk is read as a whole frame or not at all.
func FuzzFrame(f *testing.F) {
	whole, err := sealItem(encode.Item{Record: record(1)}, &xor{})
	if err != nil {
		f.Fatal(err)
	}
	b := whole.append(nil, 7)
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := parseFrame(data)
		if err != nil {
			return
		}
		if got.size > len(data) || len(got.sealed)+len(got.public)+frameHead+entryHead != got.size {
			t.Errorf("%+v of %d bytes", got, len(data))
		}
	})
}

// A change of any byte is noticed.
func TestDamagedFrame(t *testing.T) {
	whole, err := sealItem(encode.Item{Record: record(1)}, &xor{})
	if err != nil {
		t.Fatal(err)
	}
	b := whole.append(nil, 7)
	if got, err := parseFrame(b); err != nil || got.seq != 7 || got.size != len(b) {
		t.Fatal(got, err)
	}
	for n := range b {
		changed := bytes.Clone(b)
		changed[n] ^= 1
		if got, err := parseFrame(changed); err == nil && n >= 4 {
			t.Errorf("byte %d: %+v", n, got)
		}
	}
}

// A torn end is cut off; damage within costs its segment, and is counted.
func TestDamagedJournal(t *testing.T) {
	dir, lame := t.TempDir(), &fake{err: down}
	const bound = 64 << 10 // segments of 8 KiB
	s, _ := opened(t, dir, bound<<4, lame.output("f", Everything))
	for n := range 2000 {
		s.Record(record(n))
	}
	await(t, "all to be written", func() bool { return s.own.end() == 2001 })
	first, last := s.own.segments[0].first, s.own.segments[len(s.own.segments)-1].first
	if first == last {
		t.Fatal("one segment only")
	}
	head, tail := s.own.path(first), s.own.path(last)
	shut(s)
	data, err := os.ReadFile(head)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(head, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(tail, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(data[:30]); err != nil {
		t.Fatal(err)
	}
	f.Close()

	again := &fake{}
	s, heard := opened(t, dir, bound<<4, again.output("f", Everything))
	s.Record(record(2000))
	await(t, "the rest", func() bool { return statsOf(t, s, "f").Pending == 0 && s.own.end() == 2002 })
	one := statsOf(t, s, "f")
	if one.Dropped == 0 || one.Dropped > groupSize || one.Delivered+one.Dropped != 2001 || uint64(again.count()) != one.Delivered || again.got[len(again.got)-1] != record(2000).ID {
		t.Errorf("%+v, %d came", one, again.count())
	}
	await(t, "the loss to be told", func() bool { return len(heard.kinds("event.dropped")) > 0 })
}
