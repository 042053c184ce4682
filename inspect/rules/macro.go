package rules

import (
	"strings"
	"unsafe"

	"github.com/sallyport/sallyport/inspect/seclang"
)

// A macro is a text with %{variables}.
type macro struct {
	text  string // where there is none
	parts []piece
}

// A piece is text, or a value of the run.
type piece struct {
	text string
	from *target
}

// compileMacro finds the variables of a text. Of %{rule.…} only the id and the like are known, and they are text.
func compileMacro(at seclang.Pos, text string) (macro, error) {
	m := macro{text: text}
	rest := text
	for {
		before, more, found := strings.Cut(rest, "%{")
		if !found {
			break
		}
		name, after, closed := strings.Cut(more, "}")
		if !closed {
			return m, problem(at, "a macro has no end: %.40q", text)
		}
		t, err := macroTarget(at, name)
		if err != nil {
			return m, err
		}
		m.parts = append(m.parts, piece{text: before}, piece{from: &t})
		rest = after
	}
	if m.parts != nil {
		m.parts = append(m.parts, piece{text: rest})
	}
	return m, nil
}

func macroTarget(at seclang.Pos, name string) (target, error) {
	variable, key, _ := strings.Cut(name, ".")
	return compileTarget(seclang.Target{Pos: at, Variable: strings.ToUpper(variable), Key: key})
}

// expand fills the values in: the first of a variable that has several. The text is valid until the run ends.
func (m *macro) expand(r *run) string {
	if m.parts == nil {
		return m.text
	}
	if m.alone() && m.parts[1].from.kind != ofMatchedName {
		return r.first(m.parts[1].from)
	}
	from := len(r.arena)
	for i := range m.parts {
		p := &m.parts[i]
		r.arena = append(r.arena, p.text...)
		switch {
		case p.from == nil:
		case p.from.kind == ofMatchedName && p.from.key == "":
			r.arena = r.current.appendName(r.arena)
		default:
			r.arena = append(r.arena, r.first(p.from)...)
		}
	}
	return unsafe.String(unsafe.SliceData(r.arena[from:]), len(r.arena)-from)
}

// kept is the text with its values, valid for good.
func (m *macro) kept(r *run) string {
	if m.parts == nil {
		return m.text
	}
	return strings.Clone(m.expand(r))
}

// appendName is the name of a match: its variable, with the key behind a colon.
func (m *match) appendName(b []byte) []byte {
	b = append(b, m.variable...)
	if m.key != "" {
		b = append(append(b, ':'), m.key...)
	}
	return b
}

// alone reports whether the text is one variable and nothing else.
func (m *macro) alone() bool {
	return len(m.parts) == 3 && m.parts[0].text == "" && m.parts[2].text == ""
}

// leadsWithCapture reports whether what is logged begins with the captured text.
func (m *macro) leadsWithCapture() bool {
	return len(m.parts) > 1 && m.parts[0].text == "Matched Data: " && m.parts[1].from.kind == ofTX && m.parts[1].from.key == "0"
}
