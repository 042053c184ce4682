package schema

import (
	"encoding/json"
	"hash/maphash"

	"github.com/sallyport/sallyport/content"
)

// A valueSet is the values of enum, or the one of const, sorted by kind.
type valueSet struct {
	null, yes, no bool
	strings       []string
	lookup        map[string]struct{} // instead of a scan of strings where there are many
	numbers       []decimal
	trees         []any // arrays and objects
	written       []any // as in the schema, for messages and introspection
}

// scanLimit is the size up to which a scan of strings beats a map.
const scanLimit = 12

func newValueSet(values []any) *valueSet {
	s := &valueSet{written: values}
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			s.null = true
		case bool:
			s.yes, s.no = s.yes || v, s.no || !v
		case string:
			s.strings = append(s.strings, v)
		case json.Number:
			if d, ok := parseDecimal(string(v)); ok {
				s.numbers = append(s.numbers, d)
			}
		default:
			s.trees = append(s.trees, v)
		}
	}
	if len(s.strings) > scanLimit {
		s.lookup = make(map[string]struct{}, len(s.strings))
		for _, v := range s.strings {
			s.lookup[v] = struct{}{}
		}
	}
	return s
}

func (s *valueSet) contains(n *content.Node) bool {
	switch n.Kind {
	case content.Null:
		return s.null
	case content.Bool:
		return n.Text == "true" && s.yes || n.Text == "false" && s.no
	case content.String:
		return s.containsString(n.Text)
	case content.Number:
		return s.containsNumber(n.Text)
	}
	for _, v := range s.trees {
		if equal(n, v) {
			return true
		}
	}
	return false
}

func (s *valueSet) containsString(text string) bool {
	if s.lookup != nil {
		_, found := s.lookup[text]
		return found
	}
	for _, v := range s.strings {
		if v == text {
			return true
		}
	}
	return false
}

func (s *valueSet) containsNumber(literal string) bool {
	if len(s.numbers) == 0 {
		return false
	}
	d, ok := parseDecimal(literal)
	if !ok {
		return false
	}
	for _, v := range s.numbers {
		if v == d {
			return true
		}
	}
	return false
}

// equal compares an instance with a value from a schema, as JSON Schema does: numbers by value, objects without order.
func equal(n *content.Node, v any) bool {
	switch v := v.(type) {
	case nil:
		return n.Kind == content.Null
	case bool:
		return n.Kind == content.Bool && (n.Text == "true") == v
	case string:
		return n.Kind == content.String && n.Text == v
	case json.Number:
		if n.Kind != content.Number {
			return false
		}
		a, aok := parseDecimal(n.Text)
		b, bok := parseDecimal(string(v))
		return aok && bok && a == b
	case []any:
		if n.Kind != content.Array || len(n.Children) != len(v) {
			return false
		}
		for i := range v {
			if !equal(&n.Children[i], v[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		return equalObject(n, v)
	}
	return false
}

func equalObject(n *content.Node, v map[string]any) bool {
	if n.Kind != content.Object || len(n.Children) != len(v) {
		return false
	}
	for i := range n.Children {
		want, ok := v[n.Children[i].Name]
		if !ok || !equal(&n.Children[i], want) {
			return false
		}
	}
	return true
}

var seed = maphash.MakeSeed()

// distinct reports whether no two elements are equal. Equality is that of 64-bit hashes with a seed nobody outside
// knows, which makes arrays of large objects linear and keeps a false alarm below one in 10^7 for a million elements.
func distinct(elements []content.Node) bool {
	if len(elements) <= 8 {
		return distinctFew(elements)
	}
	seen := make(map[uint64]struct{}, len(elements))
	for i := range elements {
		seen[fingerprint(&elements[i])] = struct{}{}
	}
	return len(seen) == len(elements)
}

func distinctFew(elements []content.Node) bool {
	var hashes [8]uint64
	for i := range elements {
		hashes[i] = fingerprint(&elements[i])
		for j := range i {
			if hashes[j] == hashes[i] {
				return false
			}
		}
	}
	return true
}

// fingerprint hashes a value so that equal values have equal hashes.
func fingerprint(n *content.Node) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	h.WriteByte(byte(n.Kind))
	switch n.Kind {
	case content.Number:
		d, _ := parseDecimal(n.Text)
		maphash.WriteComparable(&h, d)
	case content.Array:
		for i := range n.Children {
			maphash.WriteComparable(&h, fingerprint(&n.Children[i]))
		}
	case content.Object:
		var sum uint64 // of members: their order does not count
		for i := range n.Children {
			sum += member(&n.Children[i])
		}
		maphash.WriteComparable(&h, sum)
	default:
		h.WriteString(n.Text)
	}
	return h.Sum64()
}

func member(n *content.Node) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	h.WriteString(n.Name)
	maphash.WriteComparable(&h, fingerprint(n))
	return h.Sum64()
}
