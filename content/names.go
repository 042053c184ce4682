package content

import (
	"hash/maphash"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fewNames is up to how many members comparing each with each is cheaper than hashing.
const fewNames = 16

// seed makes the hashes of names unpredictable, so that nobody can send names that collide.
var seed = maphash.MakeSeed()

// names finds names that two readers could take for the same: equal ones, and those that Unicode's simple case
// folding makes equal (encoding/json and others match names without regard to case), with the dotless and the dotted I
// of Turkish as an I, which is what Java makes of them. It holds scratch memory only.
type names struct {
	hashes []uint64
	fold   []byte
	exact  bool // only equal names are the same
}

// twin returns a member whose name an earlier one bears already, or nil.
func (s *names) twin(members []Node) *Node {
	if len(members) > fewNames {
		return s.hashed(members)
	}
	ascii := true
	for i := range members {
		ascii = ascii && isASCII(members[i].Name)
		for j := range i {
			if ascii && len(members[i].Name) != len(members[j].Name) {
				continue // folding keeps the length of ASCII names, not of others
			}
			if s.exact {
				if members[i].Name == members[j].Name {
					return &members[i]
				}
				continue
			}
			if strings.EqualFold(members[i].Name, members[j].Name) || !ascii && s.same(members[i].Name, members[j].Name) {
				return &members[i]
			}
		}
	}
	return nil
}

// hashed is twin for many members: it sorts the hashes of the folded names, which takes no map per object. Two
// different names with the same 64-bit hash would be refused too; that is rarer than a memory error.
func (s *names) hashed(members []Node) *Node {
	s.hashes = s.hashes[:0]
	for i := range members {
		s.hashes = append(s.hashes, s.hash(members[i].Name))
	}
	slices.Sort(s.hashes)
	for i := 1; i < len(s.hashes); i++ {
		if s.hashes[i] == s.hashes[i-1] {
			return s.second(members, s.hashes[i])
		}
	}
	return nil
}

// second returns the second member whose name has the hash.
func (s *names) second(members []Node, hash uint64) *Node {
	seen := false
	for i := range members {
		if s.hash(members[i].Name) == hash {
			if seen {
				return &members[i]
			}
			seen = true
		}
	}
	return nil
}

func (s *names) hash(name string) uint64 {
	if s.exact {
		return maphash.String(seed, name)
	}
	s.fold = appendFolded(s.fold[:0], name)
	return maphash.Bytes(seed, s.fold)
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// same compares names with characters beyond ASCII.
func (s *names) same(x, y string) bool {
	s.fold = appendFolded(s.fold[:0], x)
	n := len(s.fold)
	s.fold = appendFolded(s.fold, y)
	return string(s.fold[:n]) == string(s.fold[n:])
}

// appendFolded appends name with every rune replaced by the smallest that it folds with, which is what
// [strings.EqualFold] compares, and the I of Turkish replaced by I.
func appendFolded(out []byte, name string) []byte {
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z':
			out = append(out, byte(r-'a'+'A'))
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case r == 'İ' || r == 'ı':
			out = append(out, 'I')
		default:
			out = utf8.AppendRune(out, smallestFold(r))
		}
	}
	return out
}

func smallestFold(r rune) rune {
	smallest := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		smallest = min(smallest, f)
	}
	return smallest
}
