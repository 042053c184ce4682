package dashboard

import (
	"context"
	"net/http"

	"github.com/sallyport/sallyport/admin/report"
)

// reports leads to what the admin API reports: one standard or all, as a page to print or as JSON.
func (d *dashboard) reports(context.Context, *http.Request, *scope) (view, error) {
	list, err := report.Frameworks()
	return view{Title: "Reports", Data: list}, err
}
