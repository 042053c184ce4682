package openapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// print.go tells whether an operation of one description means the same as that of another, so that what was decided under
// one may be taken over to the other. A print is of the operation as it is written and of everything that it refers to,
// through any number of references: of texts, not of what was compiled from them, so that nothing that counts can be
// forgotten.

// printer makes prints. What is referred to is read once for all operations.
type printer struct {
	b      *builder
	common []byte // of what concerns every operation
	nodes  map[place]*printed
}

// printed is one value that somebody refers to.
type printed struct {
	hash [sha256.Size]byte
	refs []place
	odd  bool // it has references that are not followed here: the whole description counts
}

// prints fills in the prints of all operations.
func (b *builder) prints() {
	p := newPrinter(b)
	for _, op := range b.doc.Operations {
		op.Print = p.of(op)
	}
}

func newPrinter(b *builder) *printer {
	p := &printer{b: b, nodes: map[place]*printed{}}
	common := []any{b.doc.OpenAPI, b.doc.BasePaths}
	if root, ok := b.main.root.(map[string]any); ok {
		common = append(common, root["servers"], root["jsonSchemaDialect"], root["$self"])
	}
	p.common, _ = json.Marshal(common) // it came from JSON or YAML
	return p
}

// of is the print of an operation.
func (p *printer) of(op *Operation) string {
	item := p.b.orders[op].item
	h := sha256.New()
	h.Write(p.common)
	h.Write([]byte(op.Key))
	params, _ := item.get("parameters")
	servers, _ := item.get("servers")
	seen, todo := map[place]bool{}, []place{op.place, params.place, servers.place}
	var hashes []string
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if at.src == nil || seen[at] {
			continue
		}
		seen[at] = true
		n := p.node(at)
		if n.odd {
			return p.whole(h.Sum(nil))
		}
		hashes = append(hashes, string(n.hash[:]))
		todo = append(todo, n.refs...)
	}
	slices.Sort(hashes)
	for _, s := range hashes {
		h.Write([]byte(s))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// whole is the print where not every reference can be followed by its text.
func (p *printer) whole(seed []byte) string {
	h := sha256.New()
	h.Write(seed)
	var uris []string
	for uri := range p.b.library.sources {
		uris = append(uris, uri)
	}
	slices.Sort(uris)
	for _, uri := range uris {
		sum := sha256.Sum256(p.b.library.sources[uri].data)
		h.Write(sum[:])
	}
	for _, s := range p.b.layers {
		sum := sha256.Sum256(s.data)
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (p *printer) node(at place) *printed {
	if n := p.nodes[at]; n != nil {
		return n
	}
	n := &printed{}
	p.nodes[at] = n
	v, ok := at.src.lookup(at.ptr)
	text, err := json.Marshal(bare(v, at.ptr))
	n.odd = !ok || err != nil
	n.hash = sha256.Sum256(text)
	p.refs(n, at.src, v, 0)
	return n
}

// bare leaves out of an operation what only people read, and what [Operation.Security] and [Operation.Ext] have.
func bare(v any, ptr string) any {
	m, ok := v.(map[string]any)
	if !ok || !strings.HasPrefix(ptr, "/paths/") || strings.Count(ptr, "/") != 3 {
		return v
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		switch k {
		case "summary", "description", "externalDocs", "tags", "operationId", "security", "x-sallyport":
		default:
			out[k] = v
		}
	}
	return out
}

// refs finds the references within a value. A word of JSON Schema that gives references another meaning is odd.
func (p *printer) refs(n *printed, src *source, v any, depth int) {
	if depth > maxDepth {
		n.odd = true
		return
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			p.refs(n, src, e, depth+1)
		}
	case map[string]any:
		for k, e := range v {
			switch ref, text := e.(string); {
			case text && k == "$ref":
				n.refer(p, src, ref)
			case text && (k == "$dynamicRef" || k == "$recursiveRef" || k == "$id" || k == "$anchor" || k == "$dynamicAnchor"):
				n.odd = true
			case k == "mapping":
				n.mapped(p, src, e)
			}
			p.refs(n, src, e, depth+1)
		}
	}
}

func (n *printed) refer(p *printer, src *source, ref string) {
	found, err := p.b.library.find(src, ref)
	if err != nil {
		n.odd = true
		return
	}
	n.refs = append(n.refs, found.place)
}

// mapped follows a discriminator's mapping, which has names of schemas or references.
func (n *printed) mapped(p *printer, src *source, v any) {
	m, _ := v.(map[string]any)
	for _, e := range m {
		ref, text := e.(string)
		if !text {
			continue
		}
		if !strings.ContainsAny(ref, "#/.") {
			ref = "#/components/schemas/" + ref
		}
		n.refer(p, src, ref)
	}
}
