package differential

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed corpora/*.txt
var corpora embed.FS

// Want is what a corpus says of a message.
type Want struct {
	Refused bool // with a status of 400 and more; nothing reaches an upstream
	Closed  bool // and the connection carries nothing more
	Status  int  // of the first answer; 0: any
	Passed  int  // so many requests reach the upstream
	Any     bool // refused, or read as one
}

// Corpus reads messages written down: "# name | want" and then lines, each ended by CRLF unless it ends with \c, in which
// Go's escapes stand for bytes; "---" ends a message. Wants are pass, pass N, refuse, a status with or without open (the
// connection goes on), and any.
func Corpus(name string) ([]Message, error) {
	text, err := corpora.ReadFile("corpora/" + name + ".txt")
	if err != nil {
		return nil, err
	}
	var list []Message
	for block := range strings.SplitSeq(string(text), "\n---\n") {
		if block = strings.TrimLeft(block, "\n"); block == "" {
			continue
		}
		m, err := parseMessage(block)
		if err != nil {
			return nil, fmt.Errorf("corpus %s: %w", name, err)
		}
		list = append(list, m)
	}
	return list, nil
}

// Lines are the lines of a corpus of single lines.
func Lines(name string) ([]string, error) {
	text, err := corpora.ReadFile("corpora/" + name + ".txt")
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), err
}

func parseMessage(block string) (Message, error) {
	lines := strings.Split(block, "\n")
	title, want, ok := strings.Cut(strings.TrimPrefix(lines[0], "# "), " | ")
	if !ok || !strings.HasPrefix(lines[0], "# ") {
		return Message{}, fmt.Errorf("%q is no title", lines[0])
	}
	m := Message{Name: title}
	var err error
	if m.Want, err = parseWant(want); err != nil {
		return m, fmt.Errorf("%s: %w", title, err)
	}
	for _, line := range lines[1:] {
		line, open := strings.CutSuffix(line, `\c`)
		raw, err := strconv.Unquote(`"` + strings.ReplaceAll(line, `"`, `\"`) + `"`)
		if err != nil {
			return m, fmt.Errorf("%s: %q: %w", title, line, err)
		}
		m.Wire = append(m.Wire, raw...)
		if !open {
			m.Wire = append(m.Wire, "\r\n"...)
		}
	}
	return m, nil
}

func parseWant(s string) (w Want, err error) {
	switch word, rest, _ := strings.Cut(s, " "); {
	case s == "any":
		w.Any = true
	case s == "refuse":
		w.Refused, w.Closed = true, true
	case s == "pass":
		w.Passed = 1
	case word == "pass":
		w.Passed, err = strconv.Atoi(rest)
	default:
		w.Refused, w.Closed = true, rest != "open"
		w.Status, err = strconv.Atoi(word)
	}
	return w, err
}
