package protect

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/url"

	"github.com/sallyport/sallyport/content"
)

// replace puts what matches say into the value of n. In JSON, and wherever the text stands in the body as it is read,
// only the matched characters are replaced; a value of XML or of a form that is written with escapes is written anew.
func replace(body *content.Body, n *content.Node, found []match) {
	m := body.Media()
	start, end := int(n.Start), int(n.End)
	if m.JSON() {
		start, end = start+1, end-1 // quotes
	}
	if start > end || end > len(body.Bytes()) {
		return
	}
	raw := body.Bytes()[start:end]
	switch {
	case !m.Form() && string(raw) == n.Text:
		for _, f := range found {
			body.Splice(part(start+f.start, start+f.end), encodePart(m, f.with))
		}
	case m.JSON():
		at := unescaping{raw: raw}
		for _, f := range found {
			from := at.advance(f.start)
			body.Splice(part(start+from, start+at.advance(f.end)), encodePart(m, f.with))
		}
	default:
		body.Splice(n, encode(m, joined(n.Text, found)))
	}
}

// part stands for some bytes of the body that are no whole value.
func part(start, end int) *content.Node {
	return &content.Node{Kind: content.String, Start: uint32(start), End: uint32(end), NameStart: uint32(start)}
}

func joined(text string, found []match) string {
	var b bytes.Buffer
	done := 0
	for _, m := range found {
		b.WriteString(text[done:m.start])
		b.WriteString(m.with)
		done = m.end
	}
	b.WriteString(text[done:])
	return b.String()
}

// An unescaping tells where in a JSON string as it is written the characters of its text are.
type unescaping struct {
	raw     []byte
	at      int // in raw
	decoded int // bytes of text before at
}

// advance returns where in raw the byte of the text at offset to is written. Offsets must not go back.
func (u *unescaping) advance(to int) int {
	for u.decoded < to && u.at < len(u.raw) {
		raw, text := 1, 1
		if u.raw[u.at] == '\\' {
			raw, text = escapeSize(u.raw[u.at:])
		}
		u.at += raw
		u.decoded += text
	}
	return u.at
}

// escapeSize returns how many bytes an escape sequence takes, and how many its character has in UTF-8. The body was
// parsed: what is written is well-formed.
func escapeSize(raw []byte) (size, decoded int) {
	if raw[1] != 'u' {
		return 2, 1
	}
	switch hi := string(bytes.ToLower(raw[2:4])); {
	case hi == "00" && raw[4] < '8':
		return 6, 1
	case hi < "08":
		return 6, 2
	case hi >= "d8" && hi < "e0": // a surrogate pair
		return 12, 4
	}
	return 6, 3
}

// nameSpan returns where the name of a member stands in a JSON body, without its quotes.
func nameSpan(data []byte, n *content.Node) (start, end int) {
	start = int(n.NameStart) + 1
	for end = start; end < len(data) && data[end] != '"'; end++ {
		if data[end] == '\\' {
			end++
		}
	}
	return start, end
}

// plain reports whether a text is written as it is, in every media type but forms. What masks leave mostly is.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; !alphanumeric(c) && c != '*' && c != ' ' && c != '-' && c != '.' && c != '@' && c != ':' {
			return false
		}
	}
	return true
}

// encode writes text as a value of the media type.
func encode(m content.Media, text string) []byte {
	if m.JSON() {
		quoted := append(make([]byte, 0, len(text)+2), '"')
		if plain(text) {
			quoted = append(quoted, text...)
		} else {
			quoted = append(quoted, encodePart(m, text)...)
		}
		return append(quoted, '"')
	}
	return encodePart(m, text)
}

// encodePart writes text so that it can stand within a value of the media type.
func encodePart(m content.Media, text string) []byte {
	if !m.Form() && plain(text) {
		return []byte(text)
	}
	var b bytes.Buffer
	switch {
	case m.JSON():
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(text) // a string always encodes
		quoted := bytes.TrimSpace(b.Bytes())
		return quoted[1 : len(quoted)-1]
	case m.XML():
		_ = xml.EscapeText(&b, []byte(text)) // a buffer never fails
		return b.Bytes()
	case m.Form():
		return []byte(url.QueryEscape(text))
	}
	return []byte(text)
}
