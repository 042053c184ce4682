package pattern

import "slices"

// A Scanner finds which of many literals a text contains, in one pass (Aho and Corasick 1975). ASCII letters of the text
// are folded to lower case. It is immutable and safe for concurrent use.
//
// The automaton is entered only where three bytes can begin a literal: few do, and its tables are larger than the
// processor's nearest memory.
type Scanner struct {
	class   [256]uint8
	width   int
	next    []uint32 // state*width + class → state*width; states from reports on report something
	from    uint32   // the first state that reports, times width
	shallow uint32   // the first state that stands for more than one byte, times width
	report  [][]uint32
	length  []int // of the longest literal that ends in a state, beside report

	starts [1 << (startBits - 6)]uint64 // by three classes, hashed: a literal may begin with them
	single [256]bool                    // the byte is a literal
}

const startBits = 16

// start hashes three classes.
func start(a, b, c uint8) uint32 {
	return (uint32(a)<<10 ^ uint32(b)<<5 ^ uint32(c)) & (1<<startBits - 1)
}

// NewScanner makes a scanner of lists of literals, as [Pattern.Required] returns them; the number of a list is its index.
func NewScanner(lists [][]string) *Scanner {
	s := &Scanner{}
	s.classify(lists)
	t := &trie{width: s.width}
	t.node()
	for number, list := range lists {
		for _, literal := range list {
			at := uint32(0)
			for i := range len(literal) {
				at = t.child(at, s.class[literal[i]])
			}
			t.reports[at] = append(t.reports[at], uint32(number))
			t.lengths[at] = len(literal)
		}
	}
	s.number(t, t.close())
	s.begin(lists)
	return s
}

// begin notes what literals begin with. Those of two bytes may be followed by any class.
func (s *Scanner) begin(lists [][]string) {
	for _, list := range lists {
		for _, literal := range list {
			switch len(literal) {
			case 0:
			case 1:
				s.single[literal[0]] = true
				if 'a' <= literal[0] && literal[0] <= 'z' {
					s.single[literal[0]-'a'+'A'] = true
				}
			case 2:
				for c := range s.width {
					s.note(literal, uint8(c))
				}
			default:
				s.note(literal, s.class[literal[2]])
			}
		}
	}
}

func (s *Scanner) note(literal string, third uint8) {
	h := start(s.class[literal[0]], s.class[literal[1]], third)
	s.starts[h>>6] |= 1 << (h & 63)
}

// classify gives each byte that occurs in a literal a class; all others share class 0.
func (s *Scanner) classify(lists [][]string) {
	s.width = 1
	for _, list := range lists {
		for _, literal := range list {
			for i := range len(literal) {
				if c := literal[i]; s.class[c] == 0 && s.width < 256 {
					s.class[c] = uint8(s.width)
					s.width++
				}
			}
		}
	}
	for c := byte('A'); c <= 'Z'; c++ {
		s.class[c] = s.class[c-'A'+'a']
	}
}

// A trie grows into the automaton.
type trie struct {
	width   int
	edges   [][]uint32 // 0: none
	reports [][]uint32
	lengths []int // of the longest literal that ends there
	depth   []int
}

func (t *trie) node() uint32 {
	t.depth = append(t.depth, 0)
	t.edges, t.reports, t.lengths = append(t.edges, make([]uint32, t.width)), append(t.reports, nil), append(t.lengths, 0)
	return uint32(len(t.edges) - 1)
}

func (t *trie) child(at uint32, class uint8) uint32 {
	if t.edges[at][class] == 0 {
		n := t.node()
		t.edges[at][class], t.depth[n] = n, t.depth[at]+1
	}
	return t.edges[at][class]
}

// close completes the edges by those of the longest suffix, breadth first, and returns the order.
func (t *trie) close() []uint32 {
	fail := make([]uint32, len(t.edges))
	order := []uint32{0}
	for i := 0; i < len(order); i++ {
		at := order[i]
		for class, to := range t.edges[at] {
			suffix := uint32(0)
			if at != 0 {
				suffix = t.edges[fail[at]][class]
			}
			if to == 0 {
				t.edges[at][class] = suffix
				continue
			}
			fail[to] = suffix
			t.reports[to] = append(t.reports[to], t.reports[suffix]...)
			t.lengths[to] = max(t.lengths[to], t.lengths[suffix])
			order = append(order, to)
		}
	}
	return order
}

// number gives the states that report the highest numbers, so that one comparison tells them.
func (s *Scanner) number(t *trie, order []uint32) {
	sorted := slices.Clone(order)
	slices.SortStableFunc(sorted, func(a, b uint32) int { return min(len(t.reports[a]), 1) - min(len(t.reports[b]), 1) })
	name := make([]uint32, len(sorted))
	for i, old := range sorted {
		name[old] = uint32(i * s.width)
	}
	s.next, s.from = make([]uint32, len(sorted)*s.width), uint32(len(sorted)*s.width)
	for s.shallow = 0; int(s.shallow) < len(sorted) && t.depth[sorted[s.shallow]] <= 1 && len(t.reports[sorted[s.shallow]]) == 0; s.shallow++ {
	}
	s.shallow *= uint32(s.width)
	for i, old := range sorted {
		for class, to := range t.edges[old] {
			s.next[i*s.width+class] = name[to]
		}
		if list := t.reports[old]; len(list) > 0 {
			s.from = min(s.from, uint32(i*s.width))
			slices.Sort(list)
			s.report, s.length = append(s.report, slices.Compact(list)), append(s.length, t.lengths[old])
		}
	}
}

// Scan sets the bit of each list of which text contains a literal; found must have room for all.
func (s *Scanner) Scan(text string, found []uint64) {
	for i := s.skip(text, 0); i < len(text); i = s.skip(text, i) {
		at, entered := uint32(0), i
		for ; i < len(text); i++ {
			at = s.next[at+uint32(s.class[text[i]])]
			if at >= s.from {
				for _, n := range s.report[int(at-s.from)/s.width] {
					found[n>>6] |= 1 << (n & 63)
				}
			} else if at < s.shallow && i > entered {
				break
			}
		}
		if i < len(text) && at == 0 {
			i++ // else this byte may begin a literal
		}
	}
}

// skip is the first place from i on where a literal may begin, or the end.
func (s *Scanner) skip(text string, i int) int {
	for ; i+2 < len(text); i++ {
		h := start(s.class[text[i]], s.class[text[i+1]], s.class[text[i+2]])
		if s.starts[h>>6]>>(h&63)&1 != 0 || s.single[text[i]] {
			return i
		}
	}
	return i
}

// First returns the bounds of the literal that ends first in text, the longest of those, or -1.
func (s *Scanner) First(text string) (start, end int) {
	for i := s.skip(text, 0); i < len(text); i = s.skip(text, i) {
		at, entered := uint32(0), i
		for ; i < len(text); i++ {
			at = s.next[at+uint32(s.class[text[i]])]
			if at >= s.from {
				return i + 1 - s.length[int(at-s.from)/s.width], i + 1
			}
			if at < s.shallow && i > entered {
				break
			}
		}
		if i < len(text) && at == 0 {
			i++
		}
	}
	return -1, -1
}

// Size is the memory of the tables in bytes.
func (s *Scanner) Size() int {
	size := 4 * len(s.next)
	for _, r := range s.report {
		size += 4 * len(r)
	}
	return size
}
