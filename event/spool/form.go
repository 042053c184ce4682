package spool

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// A form is the parts of a record as they lie in a frame: numbered fields in the order of their numbers, those that are empty left
// out. Each begins with twice its number, and one more where bytes follow whose length comes next; else a number follows. All of
// them are varints, as in protocol buffers. A reader passes over numbers that it does not know, so that fields may be added.
//
// What is written and what is read is told once (fields.go): each function visits the fields in order, and a form that is read
// fills what a form that is written has taken.
type form struct {
	reading bool
	b       []byte // written so far
	s       string // not yet read; one string, of which all texts are parts
	bad     bool   // what was read is no form
}

var errNoForm = errors.New("not a form")

// read fills what visit visits from b.
func read(b []byte, visit func(*form)) error {
	f := form{reading: true, s: string(b)}
	if visit(&f); f.bad {
		return errNoForm
	}
	return nil
}

// varint takes the number that s begins with.
func (f *form) varint() (n uint64) {
	for i := 0; i < len(f.s) && i < binary.MaxVarintLen64; i++ {
		c := f.s[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			f.s = f.s[i+1:]
			return n
		}
	}
	f.s, f.bad = "", true
	return 0
}

// bytes takes what is as long as the number before it.
func (f *form) bytes() string {
	n := f.varint()
	if n > uint64(len(f.s)) {
		f.s, f.bad = "", true
		return ""
	}
	text := f.s[:n]
	f.s = f.s[n:]
	return text
}

// find goes to the field, and reports whether it is there.
func (f *form) find(field uint64) bool {
	for f.s != "" {
		before := f.s
		switch head := f.varint(); {
		case head == field:
			return true
		case head>>1 >= field>>1 && head != field:
			f.s = before
			return false
		case head&1 == 1:
			f.bytes()
		default:
			f.varint()
		}
	}
	return false
}

func text[T ~string](f *form, n uint64, v *T) {
	switch field := n<<1 | 1; {
	case !f.reading && *v != "":
		f.b = binary.AppendUvarint(f.b, field)
		f.b = binary.AppendUvarint(f.b, uint64(len(*v)))
		f.b = append(f.b, *v...)
	case f.reading && f.find(field):
		*v = T(f.bytes())
	}
}

// number is any integer, a length of time among them; small ones of either sign are short.
func number[T ~int | ~int64](f *form, n uint64, v *T) {
	switch field := n << 1; {
	case !f.reading && *v != 0:
		f.b = binary.AppendUvarint(f.b, field)
		f.b = binary.AppendVarint(f.b, int64(*v))
	case f.reading && f.find(field):
		u := f.varint()
		*v = T(int64(u>>1) ^ -int64(u&1))
	}
}

func (f *form) flag(n uint64, v *bool) {
	var one int
	if *v {
		one = 1
	}
	number(f, n, &one)
	*v = one == 1
}

// time is an instant, in UTC.
func (f *form) time(n uint64, v *time.Time) {
	var nanos int64
	if !v.IsZero() {
		nanos = v.UnixNano()
	}
	if number(f, n, &nanos); f.reading && nanos != 0 {
		*v = time.Unix(0, nanos).UTC()
	}
}

// part is what visit visits, as one field, which is there though it is empty.
func (f *form) part(n uint64, visit func(*form)) {
	if f.reading {
		if f.find(n<<1 | 1) {
			inner := form{reading: true, s: f.bytes()}
			visit(&inner)
			f.bad = f.bad || inner.bad
		}
		return
	}
	f.b = binary.AppendUvarint(f.b, n<<1|1)
	f.measured(visit)
}

// measured writes what visit writes with its length before it.
func (f *form) measured(visit func(*form)) {
	start := len(f.b)
	visit(f)
	var length [binary.MaxVarintLen64]byte
	f.b = slices.Insert(f.b, start, length[:binary.PutUvarint(length[:], uint64(len(f.b)-start))]...)
}

// count is how many measured parts there are.
func (f *form) count() (n int) {
	for ahead := *f; ahead.s != ""; n++ {
		ahead.bytes()
	}
	return n
}

// optional is a part that may not be there.
func optional[T any](f *form, n uint64, v **T, visit func(*form, *T)) {
	if !f.reading && *v == nil {
		return
	}
	f.part(n, func(f *form) {
		if f.reading {
			*v = new(T)
		}
		visit(f, *v)
	})
}

// list is a field with the items one after the other.
func list[T any](f *form, n uint64, v *[]T, visit func(*form, *T)) {
	if !f.reading && len(*v) == 0 {
		return
	}
	f.part(n, func(f *form) {
		if !f.reading {
			for i := range *v {
				f.measured(func(f *form) { visit(f, &(*v)[i]) })
			}
			return
		}
		*v = make([]T, f.count())
		for i := range *v {
			inner := form{reading: true, s: f.bytes()}
			visit(&inner, &(*v)[i])
			f.bad = f.bad || inner.bad
		}
	})
}
