package exchange

import "strings"

// Order is in which order the fields of a head came, of those that it has a number for: four bits each, fifteen at most, the
// first one lowest. It tells programs apart, as a fingerprint does, and is as easy to imitate. The zero Order is not known.
type Order uint64

// Small says that names came in small letters where HTTP/1 has capitals by custom.
const Small Order = 1 << 63

// ordered are the names with a number, from 1: pseudo-fields of HTTP/2, and what browsers and libraries send.
var ordered = [...]string{"", ":method", ":scheme", ":path", ":authority", "host", "user-agent", "accept", "accept-language", "accept-encoding",
	"sec-ch-ua", "sec-fetch-mode", "connection", "upgrade-insecure-requests", "content-type", "cookie"}

// With is o and then a field; o itself where the field has no number, was there before or finds no room.
func (o Order) With(name string) Order {
	number := NumberOf(name)
	if number == 0 {
		return o
	}
	for i := 0; i < 60; i += 4 {
		switch Order(0xf) & (o >> i) {
		case number:
			return o
		case 0:
			return o | number<<i
		}
	}
	return o
}

// NumberOf is the number of a field, whatever letters its name is in; 0 where it has none.
func NumberOf(name string) Order {
	for i := 1; i < len(ordered); i++ {
		if len(ordered[i]) == len(name) && strings.EqualFold(ordered[i], name) {
			return Order(i)
		}
	}
	return 0
}

// Before reports whether both fields were there, and the first one came first. They are given by their numbers.
func (o Order) Before(first, second Order) bool {
	i, j := o.at(first), o.at(second)
	return 0 <= i && i < j
}

func (o Order) at(number Order) int {
	for i := 0; i < 60 && number != 0; i += 4 {
		if o>>i&0xf == number {
			return i
		}
	}
	return -1
}

// String is for people and for traces: "host user-agent accept".
func (o Order) String() string {
	var b strings.Builder
	for i := 0; i < 60 && o>>i&0xf != 0; i += 4 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(ordered[o>>i&0xf])
	}
	if o&Small != 0 {
		b.WriteString(" (small letters)")
	}
	return b.String()
}
