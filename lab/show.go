package lab

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// curl shows a request as a command line.
func (a *Attack) curl(r *answer) string {
	if r.request == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("curl -s -i")
	usual := http.MethodGet
	if len(r.sent) > 0 {
		usual = http.MethodPost
	}
	if m := r.request.Method; m != usual {
		b.WriteString(" -X " + m)
	}
	for _, f := range fields(r.request.Header) {
		b.WriteString(" -H " + a.quote(f))
	}
	b.WriteString(" " + a.quote("$BASE"+r.request.URL.RequestURI()))
	switch {
	case !utf8.Valid(r.sent):
		fmt.Fprintf(&b, " --data-binary @body # %d bytes", len(r.sent))
	case len(r.sent) > 0:
		b.WriteString(" --data-binary " + a.quote(shortened(r.sent)))
	}
	return b.String()
}

// quote quotes for the shell: with double quotes where a credential's name has to be filled in.
func (a *Attack) quote(text string) string {
	text = a.unnamed(text)
	if strings.Contains(text, "$") && !strings.ContainsAny(text, "\"\\`!") {
		return `"` + text + `"`
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// unnamed replaces credentials by their names.
func (a *Attack) unnamed(text string) string {
	for credential, name := range a.names {
		if name != "" {
			text = strings.ReplaceAll(text, credential, name)
		}
	}
	return text
}

// transcript shows a request and its answer.
func (a *Attack) transcript(r *answer) string {
	if r.request == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n%s\n\n%s\n\n", r.request.Method, r.request.URL.RequestURI(), strings.Join(fields(r.request.Header), "\n"), shortened(r.sent))
	if r.err != nil {
		fmt.Fprintf(&b, "no answer: %v\n", r.err)
		return a.unnamed(b.String())
	}
	fmt.Fprintf(&b, "%d %s\n%s\n\n%s\n", r.status, http.StatusText(r.status), strings.Join(fields(r.header), "\n"), shortened(r.body))
	return a.unnamed(b.String())
}

// fields returns a header's lines in order of their names.
func fields(h http.Header) []string {
	var lines []string
	for name, values := range h {
		for _, v := range values {
			lines = append(lines, name+": "+v)
		}
	}
	slices.Sort(lines)
	return lines
}

// shortened returns the beginning of a body, as text.
func shortened(body []byte) string {
	const most = 600
	text := strings.ToValidUTF8(string(body[:min(len(body), most)]), "·")
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' {
			return '·'
		}
		return r
	}, text)
	if len(body) > most {
		text += fmt.Sprintf("… (%d bytes)", len(body))
	}
	return strings.TrimSpace(text)
}
