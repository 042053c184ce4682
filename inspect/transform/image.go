package transform

// Image is the set of bytes that may come out where only those of a set go in.
func (f *Function) Image(of *Bytes) Bytes {
	switch {
	case f.name == "base64Decode":
		return sextets(of)
	case !f.Fixed() && !f.moves.Meets(of):
		if f.folds {
			return of.AnyCase()
		}
		return *of
	case f.plain(of):
		return of.Union(&oneBlank)
	case f.makes == nil:
		return all
	}
	out := of.Union(f.makes)
	if f.folds {
		out = out.AnyCase()
	}
	return out
}

// plain reports whether the function does nothing to texts of some bytes but make blanks of pluses.
func (f *Function) plain(of *Bytes) bool {
	return (f.name == "urlDecode" || f.name == "urlDecodeUni") && !of.Has('%')
}

// Maps returns the bytes that become others, where that is all that the function does to texts of some bytes; nil for none. ok
// is false where it may do something else.
func (f *Function) Maps(of *Bytes) (instead map[byte]byte, ok bool) {
	switch {
	case !f.Fixed() && !f.folds && !f.moves.Meets(of):
		return nil, true
	case f.plain(of):
		return map[byte]byte{'+': ' '}, true
	}
	return nil, false
}

// sextets are the bytes that base64 may stand for that is written with some: each is made of two characters.
func sextets(of *Bytes) (out Bytes) {
	var there [64]bool
	for c := range 256 {
		if v := sextet(byte(c), false); v >= 0 && of.Has(byte(c)) {
			there[v] = true
		}
	}
	for a := range 64 {
		for b := range 64 {
			if !there[a] || !there[b] {
				continue
			}
			for _, c := range []byte{byte(a<<2 | b>>4), byte(a<<4 | b>>2), byte(a<<6 | b)} {
				out[c>>6] |= 1 << (c & 63)
			}
		}
	}
	return out
}
