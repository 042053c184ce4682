package protect

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi/schema"
)

// defaultMasks says how a declared kind is shown where the spec does not say. Kinds that people must see to use an
// API (their own e-mail, phone, name, address) are shown unless the spec asks for a mask.
var defaultMasks = map[string]string{
	"pan": "last4", "iban": "last4", "ssn": "last4", "secret": "full", "password_hash": "remove",
}

// personal are the kinds whose presence makes an answer private to its receiver.
var personal = map[string]bool{
	"email": true, "phone": true, "pan": true, "iban": true, "ssn": true, "name": true, "address": true, "dob": true, "health": true,
}

type masker struct{ detectors detectors }

// check masks values of declared kinds, then looks for sensitive values in everything else.
func (k *masker) check(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	root, err := e.Response.Body.Tree()
	if err != nil {
		return exchange.Refuse(exchange.ResponseInvalid, "the answer cannot be masked: "+err.Error()), nil
	}
	if root == nil {
		return exchange.Pass, nil
	}
	var buf [16]place
	w := walk{e: e, body: e.Response.Body, detectors: &k.detectors, json: e.Response.Body.Media().JSON(), path: buf[:0]}
	if r := e.Response.Judge(); r != nil {
		if v := unjudged(r); v.Refused() {
			return v, nil
		}
		for i := range r.Marked {
			w.declared(&r.Marked[i])
		}
	}
	w.value(root)
	if w.private {
		e.Reply.Set("Cache-Control", "no-store")
	}
	return exchange.Pass, nil
}

// A walk goes over one answer.
type walk struct {
	e         *exchange.Exchange
	body      *content.Body
	detectors *detectors
	json      bool
	// settled are the values of a declared kind or mask.
	settled map[*content.Node]settlement
	path    []place // from the root to the value at hand
	spans   []span  // scratch of detectors
	private bool    // has what belongs to one receiver only
}

type settlement struct {
	kind   string // its detector leaves the value alone
	strict int    // of the mask so far
	done   bool   // all detectors do
}

// A place is a child of a container.
type place struct {
	parent *content.Node
	at     int
}

// declared masks one value as the spec says. Null and empty values have nothing to hide.
func (w *walk) declared(m *schema.Mark) {
	w.private = w.private || personal[m.Property.Kind] || len(m.Property.VisibleTo) > 0
	if m.Property.Kind == "" && m.Property.Mask == "" {
		return
	}
	mask := m.Property.Mask
	if mask == "" {
		mask = defaultMasks[m.Property.Kind]
	}
	if w.settled == nil {
		w.settled = make(map[*content.Node]settlement)
	}
	before := w.settled[m.Node]
	now := settlement{kind: m.Property.Kind, strict: max(before.strict, strictness[mask]),
		done: before.done || mask != "" || m.Property.Kind == "id"}
	w.settled[m.Node] = now
	if strictness[mask] == 0 || strictness[mask] < before.strict || m.Node.Kind == content.Null || m.Node.Text == "" && isText(m.Node) {
		return
	}
	note(w.e, "mask", m.Pointer, "value of kind ", m.Property.Kind, " was masked (", mask, ")")
	if mask == "remove" && m.Parent != nil {
		w.body.Remove(m.Parent, m.Node)
		return
	}
	text := hiddenText // objects and arrays too: their text says nothing
	if isText(m.Node) {
		text = Mask(mask, m.Property.Kind, m.Node.Text)
	}
	w.body.Splice(m.Node, encode(w.body.Media(), text))
}

// value looks for sensitive values in a node and all that is below it.
func (w *walk) value(n *content.Node) {
	s := w.settled[n]
	if s.done {
		return
	}
	switch n.Kind {
	case content.String:
		if found := w.detectors.find(n.Text, s.kind, &w.spans); len(found) > 0 {
			replace(w.body, n, found)
			w.found(found[0].kind)
		}
	case content.Number:
		if w.detectors.pan && s.kind != "pan" {
			w.number(n)
		}
	case content.Object, content.Array:
		w.path = append(w.path, place{n, 0})
		for i := range n.Children {
			w.path[len(w.path)-1].at = i
			if n.Kind == content.Object && w.json {
				w.name(&n.Children[i])
			}
			w.value(&n.Children[i])
		}
		w.path = w.path[:len(w.path)-1]
	}
}

// number masks a number that is a card number, where a name on the way to it speaks of cards: of ids that are numbers of
// 16 digits, one in fifty has the form too. It becomes a string, because no number has masked digits.
func (w *walk) number(n *content.Node) {
	if digits := cardNumber(n.Text); digits != "" && slices.ContainsFunc(w.path, place.ofCards) {
		w.body.Splice(n, encode(w.body.Media(), last(digits, 4)))
		w.found("pan")
	}
}

// ofCards reports whether the name of a member speaks of payment cards.
func (p place) ofCards() bool {
	if p.parent.Kind != content.Object {
		return false
	}
	name := strings.ToLower(p.parent.Children[p.at].Name)
	return strings.Contains(name, "card") || strings.Contains(name, "credit") || strings.Contains(name, "primaryaccount") ||
		slices.Contains(strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' }), "pan") || name == "pannumber"
}

// name masks the name of a member. Different names stay different: what is hidden of them becomes a hash.
func (w *walk) name(n *content.Node) {
	found := w.detectors.find(n.Name, "", &w.spans)
	if len(found) == 0 {
		return
	}
	start, end := nameSpan(w.body.Bytes(), n)
	for i := range found {
		found[i].with = hiddenName(n.Name[found[i].start:found[i].end])
	}
	replace(w.body, &content.Node{Kind: content.String, Text: n.Name, Start: uint32(start - 1), End: uint32(end + 1)}, found)
	w.found(found[0].kind)
}

func (w *walk) found(kind string) {
	w.private = w.private || personal[kind]
	if len(w.e.Findings) < maxNotes {
		note(w.e, kind, w.pointer(), "a value that looks like ", kind, " was masked")
	}
}

// pointer is made only for what is found: it is as long as the way to a value.
func (w *walk) pointer() string {
	var b strings.Builder
	for _, p := range w.path {
		b.WriteByte('/')
		if p.parent.Kind == content.Array {
			b.WriteString(strconv.Itoa(p.at))
		} else {
			_, _ = pointerEscapes.WriteString(&b, p.parent.Children[p.at].Name) // a builder never fails
		}
	}
	return b.String()
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1") // RFC 6901
