package content

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A scope is a prefix, "" for elements without one, and the namespace that it stands for below its declaration.
type scope struct{ prefix, namespace string }

func declares(scopes []scope, prefix string) bool {
	return slices.ContainsFunc(scopes, func(s scope) bool { return s.prefix == prefix })
}

// in is what a node in the namespace of a prefix says of itself; nodes of one namespace share it.
func (p *xmlParser) in(prefix string) *FileInfo {
	namespace := ""
	if prefix == "xml" {
		namespace = "http://www.w3.org/XML/1998/namespace"
	}
	for i := len(p.scopes) - 1; i >= 0; i-- {
		if p.scopes[i].prefix == prefix {
			namespace = p.scopes[i].namespace
			break
		}
	}
	if namespace == "" {
		return nil
	}
	info := p.known[namespace]
	if info == nil {
		if p.known == nil {
			p.known = map[string]*FileInfo{}
		}
		info = &FileInfo{namespace: namespace}
		p.known[namespace] = info
	}
	return info
}

// name reads a qualified name (Namespaces in XML 1.0, section 4) at pos.
func (p *xmlParser) name() (tag, prefix, local string, err error) {
	start := p.pos
	for p.pos < len(p.data) {
		r, n := utf8.DecodeRune(p.data[p.pos:])
		if !unicode.Is(xmlName, r) && r != ':' {
			break
		}
		p.pos += n
	}
	tag = alias(p.data[start:p.pos])
	local = tag
	if before, after, found := strings.Cut(tag, ":"); found {
		prefix, local = before, after
		if !isXMLName(prefix) {
			return "", "", "", fail(Malformed, start, "a malformed name")
		}
	}
	if !isXMLName(local) {
		return "", "", "", fail(Malformed, start, "a malformed name")
	}
	if len(tag) > p.lim.NameSize {
		return "", "", "", fail(TooComplex, start, "a name that is longer than allowed")
	}
	return tag, prefix, local, nil
}

// isXMLName checks a name of name characters: it has a proper start, and no colon.
func isXMLName(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return s != "" && unicode.Is(xmlNameStart, first) && strings.IndexByte(s, ':') < 0
}

// xmlNameStart is the production NameStartChar of XML 1.0 without the colon.
var xmlNameStart = &unicode.RangeTable{
	R16: []unicode.Range16{
		{'A', 'Z', 1}, {'_', '_', 1}, {'a', 'z', 1}, {0xc0, 0xd6, 1}, {0xd8, 0xf6, 1}, {0xf8, 0x2ff, 1},
		{0x370, 0x37d, 1}, {0x37f, 0x1fff, 1}, {0x200c, 0x200d, 1}, {0x2070, 0x218f, 1}, {0x2c00, 0x2fef, 1},
		{0x3001, 0xd7ff, 1}, {0xf900, 0xfdcf, 1}, {0xfdf0, 0xfffd, 1},
	},
	R32:         []unicode.Range32{{0x10000, 0xeffff, 1}},
	LatinOffset: 5,
}

// xmlName is the production NameChar without the colon.
var xmlName = &unicode.RangeTable{
	R16: []unicode.Range16{
		{'-', '.', 1}, {'0', '9', 1}, {'A', 'Z', 1}, {'_', '_', 1}, {'a', 'z', 1}, {0xb7, 0xb7, 1}, {0xc0, 0xd6, 1},
		{0xd8, 0xf6, 1}, {0xf8, 0x37d, 1}, {0x37f, 0x1fff, 1}, {0x200c, 0x200d, 1}, {0x203f, 0x2040, 1},
		{0x2070, 0x218f, 1}, {0x2c00, 0x2fef, 1}, {0x3001, 0xd7ff, 1}, {0xf900, 0xfdcf, 1}, {0xfdf0, 0xfffd, 1},
	},
	R32:         []unicode.Range32{{0x10000, 0xeffff, 1}},
	LatinOffset: 8,
}
