package content

import (
	"slices"
	"strings"
)

// maxPrefixes bounds the namespace prefixes that are declared at one place of a document.
const maxPrefixes = 64

// element reads the element whose "<" is at pos and pushes its node.
func (p *xmlParser) element() error {
	start, base, scope := p.pos, len(p.stack), len(p.scopes)
	if p.depth++; p.depth > p.lim.Depth {
		return fail(TooComplex, start, "nested deeper than allowed")
	}
	p.pos++
	if p.at("!") || p.at("?") {
		return fail(Ambiguous, start, "a document type declaration or processing instruction")
	}
	tag, prefix, local, err := p.name()
	if err != nil {
		return err
	}
	if err := p.attributes(prefix); err != nil {
		return err
	}
	n := Node{Kind: String, Name: local, NameStart: uint32(start), Start: uint32(p.pos), File: p.in(prefix)}
	if p.at("/>") {
		p.pos += 2
		n.End = uint32(p.pos)
	} else if p.at(">") {
		p.pos++
		n.Start = uint32(p.pos)
		if err := p.content(&n, base, tag); err != nil {
			return err
		}
	} else {
		return fail(Malformed, p.pos, "a malformed tag")
	}
	if n.Kind != String || len(p.stack) > base {
		n.Kind, n.Text = Object, ""
		if n.Children, err = p.members(base); err != nil {
			return err
		}
	}
	p.scopes = p.scopes[:scope]
	p.depth--
	return p.add(n)
}

func (p *xmlParser) add(n Node) error {
	if !p.builder.add(n) {
		return fail(TooComplex, int(n.NameStart), "more values than allowed")
	}
	return nil
}

// members groups the attributes, texts and elements from base on. Elements of one name need one prefix.
func (p *xmlParser) members(base int) ([]Node, error) {
	members, err := p.group(base)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if m.Kind != Array {
			continue
		}
		first := p.tagAt(m.Children[0].NameStart)
		for _, n := range m.Children[1:] {
			if p.tagAt(n.NameStart) != first && m.Name != textName {
				return nil, fail(Ambiguous, int(n.NameStart), "names that differ in prefix only")
			}
		}
	}
	return members, nil
}

// tagAt returns the name in the tag that begins at an offset.
func (p *xmlParser) tagAt(start uint32) string {
	rest := alias(p.data[start+1:])
	if end := strings.IndexAny(rest, " \t\r\n/>"); end >= 0 {
		return rest[:end]
	}
	return rest
}

// attributes reads the attributes of a tag and pushes them; declarations of namespaces open a scope instead.
func (p *xmlParser) attributes(elementPrefix string) error {
	base, scope := len(p.stack), len(p.scopes)
	used := []string{elementPrefix}
	var prefixes []string // of the attributes that are pushed
	for {
		before := p.pos
		p.white()
		if p.pos == len(p.data) || p.at("/") || p.at(">") {
			break
		}
		if p.pos == before {
			return fail(Malformed, p.pos, "a malformed tag")
		}
		prefix, err := p.attribute(scope)
		if err != nil {
			return err
		}
		for len(prefixes) < len(p.stack)-base {
			prefixes = append(prefixes, prefix)
		}
		if prefix != "" && !slices.Contains(used, prefix) {
			used = append(used, prefix)
		}
		if len(used) > maxPrefixes || len(p.scopes) > maxPrefixes {
			return fail(TooComplex, p.pos, "more namespace prefixes than allowed")
		}
	}
	if twin := new(names).twin(p.stack[base:]); twin != nil {
		return fail(Ambiguous, int(twin.NameStart), "an attribute that occurs twice or differs in prefix or case only")
	}
	for _, prefix := range used {
		if prefix != "" && prefix != "xml" && !declares(p.scopes, prefix) {
			return fail(Malformed, p.pos, "a namespace prefix that is not declared")
		}
	}
	for i, prefix := range prefixes {
		if prefix != "" { // without one, an attribute is in no namespace
			p.stack[base+i].File = p.in(prefix)
		}
	}
	return nil
}

// attribute reads one attribute and returns its prefix. The declarations of its element begin at from.
func (p *xmlParser) attribute(from int) (string, error) {
	start := p.pos
	tag, prefix, local, err := p.name()
	if err != nil {
		return "", err
	}
	p.white()
	if !p.at("=") {
		return "", fail(Malformed, p.pos, "an attribute without a value")
	}
	p.pos++
	p.white()
	n := Node{Kind: String, Name: "@" + local, NameStart: uint32(start)}
	if err := p.quoted(&n); err != nil {
		return "", err
	}
	if tag != "xmlns" && prefix != "xmlns" {
		return prefix, p.add(n)
	}
	if tag == "xmlns" {
		local = ""
	}
	if declares(p.scopes[from:], local) || local == "xml" || local == "xmlns" || local != "" && n.Text == "" {
		return "", fail(Ambiguous, start, "a namespace that is declared twice or must not be declared")
	}
	p.scopes = append(p.scopes, scope{local, n.Text})
	return "", nil
}

// quoted reads an attribute's value at pos, with white space normalised as section 3.3.3 says.
func (p *xmlParser) quoted(n *Node) error {
	if !p.at(`"`) && !p.at("'") {
		return fail(Malformed, p.pos, "an attribute value without quotes")
	}
	quote := p.data[p.pos]
	p.pos++
	end := strings.IndexByte(alias(p.data[p.pos:]), quote)
	if end < 0 {
		return fail(Malformed, p.pos, "an attribute value without an end")
	}
	raw := p.data[p.pos : p.pos+end]
	if i := strings.IndexByte(alias(raw), '<'); i >= 0 {
		return fail(Malformed, p.pos+i, "a < in an attribute value")
	}
	n.Start, n.End = uint32(p.pos), uint32(p.pos+end)
	text, err := p.decode(p.pos, p.pos+end, true)
	if err != nil {
		return err
	}
	n.Text = text
	p.pos += end + 1
	return nil
}
