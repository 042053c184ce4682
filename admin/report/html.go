package report

import (
	_ "embed"
	"html/template"
	"io"
	"time"
)

//go:embed report.html
var pageText string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"day":    func(t time.Time) string { return t.Format("2 January 2006, 15:04 UTC") },
	"word":   Word,
	"states": func() []string { return []string{"met", "partly", "missing"} },
	"control": func(list []Control, id string) *Control {
		for i := range list {
			if list[i].ID == id {
				return &list[i]
			}
		}
		return nil
	},
}).Parse(pageText))

// words are the states as people read them.
var words = map[Status]string{Met: "met", Partly: "partly met", Missing: "missing", Apart: "not applicable"}

// Word is a state as people read it.
func Word(s Status) string { return words[s] }

// HTML writes the report as a page that stands alone and prints well.
func (r *Report) HTML(w io.Writer) error { return page.Execute(w, r) }

// Tally counts the clauses of a framework by state.
func (f Framework) Tally() map[string]int {
	n := map[string]int{}
	for _, c := range f.Clauses {
		n[string(c.Status)]++
	}
	return n
}
