package content

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A partHeader is what the header of one multipart part says.
type partHeader struct {
	seen        partField
	name        string
	filename    string
	formData    bool // its disposition
	isFile      bool // has a file name, if an empty one
	contentType string
	binary      bool   // of a type that is no text
	ascii       bool   // charset us-ascii
	length      int    // -1: not said
	own         []Pair // other fields, which only an operation can allow
}

// A partField is a set of header fields.
type partField uint8

const (
	disposition partField = 1 << iota
	contentType
	transferEncoding
	contentLength
)

// partFields lists the fields that a part may have. RFC 7578 knows the first three; HTTP clients write the fourth.
var partFields = map[string]partField{
	"content-disposition":       disposition,
	"content-type":              contentType,
	"content-transfer-encoding": transferEncoding,
	"content-length":            contentLength,
}

// field reads one header line. A detail says why it is refused.
func (h *partHeader) field(line string) (Code, string) {
	name, rest := cutToken(line)
	if name == "" || !strings.HasPrefix(rest, ":") {
		return Malformed, "a malformed header field in a part"
	}
	if !utf8.ValidString(line) || hasControl(strings.ReplaceAll(line, "\t", " ")) {
		return Ambiguous, "a control character or invalid UTF-8 in a part's header"
	}
	id := partFields[strings.ToLower(name)]
	if id == 0 {
		return h.other(strings.ToLower(name), trim(rest[1:]))
	}
	if h.seen&id != 0 {
		return Ambiguous, "a part with a repeated header field"
	}
	h.seen |= id
	return h.value(id, trim(rest[1:]))
}

// other keeps a field for the operation to judge. What says how the content is encoded is nobody's to allow; Content-ID
// (RFC 2045, section 7) says nothing of it.
func (h *partHeader) other(name, value string) (Code, string) {
	if strings.HasPrefix(name, "content-") && name != "content-id" {
		return Ambiguous, "a header field that a part must not have"
	}
	for _, p := range h.own {
		if p.Name == name {
			return Ambiguous, "a part with a repeated header field"
		}
	}
	h.own = append(h.own, Pair{name, value})
	return 0, ""
}

func (h *partHeader) value(id partField, value string) (Code, string) {
	switch id {
	case disposition:
		return h.disposition(value)
	case contentType:
		return h.media(value)
	case transferEncoding:
		if v := strings.ToLower(value); v != "7bit" && v != "8bit" && v != "binary" {
			return Ambiguous, "a part with a transfer encoding"
		}
	case contentLength:
		n, err := strconv.ParseUint(value, 10, 31)
		if err != nil || value[0] == '+' {
			return Malformed, "a part with a malformed length"
		}
		h.length = int(n)
	}
	return 0, ""
}

// media reads a part's Content-Type. A charset is UTF-8 or ASCII there too, see ParseMedia.
func (h *partHeader) media(value string) (Code, string) {
	m, err := ParseMedia([]string{value})
	if err != nil {
		return Ambiguous, "a part with an unacceptable content type"
	}
	if strings.HasPrefix(m.Type, "multipart/") {
		return Ambiguous, "a part that is multipart itself"
	}
	h.contentType, h.ascii = m.Type, m.Charset == "us-ascii"
	h.binary = parserOf(m) == nil
	return 0, ""
}

// disposition reads Content-Disposition (RFC 6266; in a form, form-data): name, and filename where the part is a file. Readers disagree on
// backslashes in quoted strings, which are refused, and on filename*, which RFC 7578, section 4.2 forbids: it may only
// say what filename says, as .NET writes it for every file.
func (h *partHeader) disposition(value string) (Code, string) {
	kind, rest := cutToken(value)
	h.formData = strings.EqualFold(kind, "form-data")
	if !h.formData && !strings.EqualFold(kind, "attachment") && !strings.EqualFold(kind, "inline") {
		return Malformed, "a part that is neither form-data nor attachment nor inline"
	}
	if strings.IndexByte(rest, '\\') >= 0 {
		return Ambiguous, "a backslash in a part's name or file name"
	}
	named, extended := false, ""
	for rest = trimLeft(rest); rest != ""; rest = trimLeft(rest) {
		if rest[0] != ';' {
			return Malformed, "a malformed Content-Disposition"
		}
		name, value, after, ok := cutParameter(trimLeft(rest[1:]))
		if !ok {
			return Malformed, "a malformed Content-Disposition"
		}
		rest = after
		switch {
		case name == "name" && !named:
			h.name, named = value, true
		case name == "filename" && !h.isFile:
			h.filename, h.isFile = value, true
		case name == "filename*" && extended == "":
			extended = value
		default:
			return Ambiguous, "a Content-Disposition with a parameter that is repeated or not allowed"
		}
	}
	if detail := badFilename(h.filename); detail != "" {
		return Ambiguous, detail
	}
	if extended != "" && (!h.isFile || !saysSame(extended, h.filename)) {
		return Ambiguous, "a file with two names"
	}
	return 0, ""
}

// saysSame reports whether an extended value (RFC 8187) is the text plain.
func saysSame(extended, plain string) bool {
	const charset = "utf-8''"
	if len(extended) < len(charset) || !strings.EqualFold(extended[:len(charset)], charset) {
		return false
	}
	out, bad := appendUnescaped(nil, extended[len(charset):], false)
	return bad < 0 && string(out) == plain
}

// badFilename says why a file name is refused: what one reader keeps, another trims, cuts or decodes. The empty name
// is what browsers send for a file that was not chosen.
func badFilename(name string) string {
	lower := strings.ToLower(name)
	for _, s := range []string{"/", "%00", "%2f", "%5c", "%0a", "%0d", "::$"} {
		if strings.Contains(lower, s) {
			return "a file name with a path or an encoded separator"
		}
	}
	for i, r := range name {
		if imitates(r) && r != 'ſ' && r != '\u212a' && r != '…' {
			return "a file name with a path or an encoded separator"
		}
		if unicode.IsSpace(r) && strings.HasPrefix(name[i+utf8.RuneLen(r):], ".") {
			return "a file name with padding before a dot"
		}
	}
	if strings.TrimFunc(name, unicode.IsSpace) != name || strings.HasSuffix(name, ".") {
		return "a file name with padding"
	}
	return ""
}
