package dashboard

import (
	"context"
	"net/http"

	"github.com/sallyport/sallyport/admin/report"
)

// reports leads to what the admin API reports: one standard or all, as a page to print or as JSON.
func (d *dashboard) reports(_ context.Context, _ *http.Request, s *scope) (view, error) {
	frameworks, err := report.Frameworks()
	if err != nil {
		return view{}, err
	}
	l := tabled(s, "", frameworks, pageSize, column[report.Framework]{Name: "standard", Label: "Standard", Cell: func(f report.Framework) any { return f.Title }},
		column[report.Framework]{Name: "clauses", Label: "Clauses", Class: "n", Cell: func(f report.Framework) any { return len(f.Clauses) }},
		column[report.Framework]{Name: "covered", Label: "What is covered", Cell: func(f report.Framework) any { return f.Note }, Plain: true})
	return view{Title: "Reports", Data: l, Tables: []exporter{l}}, nil
}
