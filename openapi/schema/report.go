package schema

import (
	"encoding/json"
	"strconv"
	"strings"
)

// A finding is a Violation whose pointer has not been written yet.
type finding struct {
	up, at  int32
	below   string // "/name" of a member of the value
	keyword string
	detail  string
}

// loud reports whether findings are recorded. Where they are not, the answer is enough, and no text is made.
func (e *evaluation) loud() bool { return !e.quiet && !e.full() }

func (e *evaluation) full() bool { return len(e.findings)-e.base >= MaxViolations }

// fail records a finding at v. It returns false, the answer of whoever calls it.
func (e *evaluation) fail(v value, keyword, detail string) bool {
	e.record(finding{up: v.up, at: v.at, keyword: keyword, detail: detail})
	return false
}

// failBelow records a finding at a member of v, be it there or not.
func (e *evaluation) failBelow(v value, name, keyword, detail string) bool {
	e.record(finding{up: v.up, at: v.at, below: "/" + escapeToken(name), keyword: keyword, detail: detail})
	return false
}

// failAt records a finding at an element of v.
func (e *evaluation) failAt(v value, i int, keyword, detail string) bool {
	e.record(finding{up: v.self, at: int32(i), keyword: keyword, detail: detail})
	return false
}

func (e *evaluation) failValues(s *node, v value) bool {
	if s.enum != nil && !s.enum.contains(v.n) {
		return e.fail(v, "enum", "must be "+s.enum.text())
	}
	return e.fail(v, "const", "must be "+s.constant.text())
}

// record keeps a finding unless it is there already: a schema may apply twice.
func (e *evaluation) record(f finding) {
	if e.full() {
		return
	}
	for i := e.base; i < len(e.findings); i++ {
		if e.findings[i] == f {
			return
		}
	}
	e.findings = append(e.findings, f)
}

// pointer is the RFC 6901 pointer of a child of an instance.
func (e *evaluation) pointer(up, at int32) string {
	if up < 0 {
		return ""
	}
	var tokens []string
	for up >= 0 {
		in := &e.instances[up]
		token := strconv.Itoa(int(at))
		if in.node.Kind == kindObject {
			token = escapeToken(in.node.Children[at].Name)
		}
		tokens = append(tokens, token)
		up, at = in.up, in.at
	}
	var b strings.Builder
	for i := len(tokens) - 1; i >= 0; i-- {
		b.WriteByte('/')
		b.WriteString(tokens[i])
	}
	return b.String()
}

// maxListed values are written out in a message.
const maxListed = 20

func (s *valueSet) text() string {
	written := make([]string, 0, len(s.written))
	for _, v := range s.written {
		b, err := json.Marshal(v)
		if err != nil || len(b) > 80 {
			b = []byte("…")
		}
		written = append(written, string(b))
	}
	return oneOf(written)
}

func oneOfStrings(values []string) string {
	written := make([]string, len(values))
	for i, v := range values {
		written[i] = quote(v)
	}
	return oneOf(written)
}

func oneOf(written []string) string {
	if len(written) == 1 {
		return written[0]
	}
	if len(written) > maxListed {
		return "one of " + strings.Join(written[:maxListed], ", ") + " and " + strconv.Itoa(len(written)-maxListed) + " more"
	}
	return "one of " + strings.Join(written, ", ")
}

func quote(s string) string { return strconv.Quote(s) }

// article joins the names of types: "a string", "an integer or null".
func article(names []string) string {
	for i, n := range names {
		switch n {
		case "null":
		case "integer", "array", "object":
			names[i] = "an " + n
		default:
			names[i] = "a " + n
		}
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

func several(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return strconv.Itoa(n) + " " + unit + "s"
}
