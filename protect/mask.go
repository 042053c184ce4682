package protect

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"strconv"
	"strings"
	"unicode/utf8"

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

// check masks values of declared kinds, then looks for sensitive values in all other strings.
func (k *masker) check(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	body := e.Response.Body
	root, err := body.Tree()
	if err != nil {
		return exchange.Refuse(exchange.ResponseInvalid, "the answer cannot be masked: "+err.Error()), nil
	}
	if root == nil {
		return exchange.Pass, nil
	}
	var settled map[*content.Node]bool // declared values: detectors leave them alone
	private := false
	if r := e.Response.Judge(); r != nil {
		for i := range r.Marked {
			m := &r.Marked[i]
			if m.Property.Kind == "" && m.Property.Mask == "" {
				continue
			}
			if settled == nil {
				settled = make(map[*content.Node]bool, len(r.Marked))
			}
			settled[m.Node] = true
			private = private || personal[m.Property.Kind]
			k.declared(e, m)
		}
	}
	if private {
		e.Reply.Set("Cache-Control", "no-store")
	}
	k.undeclared(e, root, settled, "")
	return exchange.Pass, nil
}

// declared masks one value as the spec says. Null and empty values have nothing to hide.
func (k *masker) declared(e *exchange.Exchange, m *schema.Mark) {
	mask := m.Property.Mask
	if mask == "" {
		mask = defaultMasks[m.Property.Kind]
	}
	if mask == "" || mask == "none" || m.Node.Kind == content.Null || m.Node.Text == "" && isText(m.Node) {
		return
	}
	note(e, "mask", "value of kind "+m.Property.Kind+" was masked ("+mask+")", m.Pointer)
	if mask == "remove" && m.Parent != nil {
		e.Response.Body.Remove(m.Parent, m.Node)
		return
	}
	text := strings.Repeat("*", 8) // objects and arrays too: their text says nothing
	if isText(m.Node) {
		text = Mask(mask, m.Property.Kind, m.Node.Text)
	}
	e.Response.Body.Splice(m.Node, encode(e.Response.Body.Media(), text))
}

func (k *masker) undeclared(e *exchange.Exchange, n *content.Node, settled map[*content.Node]bool, pointer string) {
	if settled[n] {
		return
	}
	if n.Kind == content.String {
		if masked, kind := k.detectors.mask(n.Text); kind != "" {
			e.Response.Body.Splice(n, encode(e.Response.Body.Media(), masked))
			note(e, kind, "a value that looks like "+kind+" was masked", pointer)
		}
		return
	}
	for i := range n.Children {
		c := &n.Children[i]
		if c.Kind == content.String || c.Kind == content.Object || c.Kind == content.Array {
			k.undeclared(e, c, settled, k.pointer(pointer, n, c, i))
		}
	}
}

// pointer is built only where a detector can report something: for strings that have a candidate, and on the way down.
func (k *masker) pointer(parent string, n, c *content.Node, i int) string {
	if c.Kind == content.String && !k.detectors.candidate(c.Text) {
		return ""
	}
	if n.Kind == content.Array {
		return parent + "/" + strconv.Itoa(i)
	}
	return parent + "/" + escape.Replace(c.Name)
}

// escape writes a name as a step of a JSON Pointer (RFC 6901 section 3). Safe for concurrent use.
var escape = strings.NewReplacer("~", "~0", "/", "~1")

// Mask shows text of a kind in one of the ways of config.Property.Mask.
func Mask(mask, kind, text string) string {
	switch mask {
	case "last4":
		return last(text, 4)
	case "partial":
		return partial(kind, text)
	case "hash":
		return digest(text)
	}
	return "********"
}

// last keeps the last n letters and digits and the layout of separators.
func last(text string, n int) string {
	total := 0
	for _, r := range text {
		if alnum(r) {
			total++
		}
	}
	var b strings.Builder
	seen := 0
	for _, r := range text {
		if alnum(r) {
			seen++
			if seen <= total-n || total <= n {
				r = '*'
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}

func partial(kind, text string) string {
	if kind == "email" {
		if at := strings.LastIndexByte(text, '@'); at > 0 {
			_, size := utf8.DecodeRuneInString(text)
			return text[:size] + "***" + text[at:]
		}
	}
	if kind == "phone" {
		return last(text, 2)
	}
	r, size := utf8.DecodeRuneInString(text)
	if size == len(text) {
		return "***"
	}
	return string(r) + "***"
}

func alnum(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= utf8.RuneSelf
}

// hashKey lives as long as the process: equal values can be told to be equal, nobody can look them up.
var hashKey = func() []byte { k := make([]byte, 32); _, _ = rand.Read(k); return k }()

func digest(text string) string {
	h := hmac.New(sha256.New, hashKey)
	h.Write([]byte(text))
	return "h:" + hex.EncodeToString(h.Sum(nil)[:8])
}

// encode writes text as a value of the media type.
func encode(m content.Media, text string) []byte {
	switch {
	case m.JSON():
		b, _ := json.Marshal(text) // a string always marshals
		return b
	case m.XML():
		var b bytes.Buffer
		_ = xml.EscapeText(&b, []byte(text)) // a buffer never fails
		return b.Bytes()
	}
	return []byte(text)
}
