package dashboard

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
)

// Bounds of an export: rows, and time.
const (
	exportRows    = 50_000
	exportTimeout = time.Minute
	exportsAtOnce = 2
)

// sendTable writes one of the tables that a page has.
func (d *dashboard) sendTable(w http.ResponseWriter, r *http.Request, page, format string, tables []exporter, name string) {
	i := slices.IndexFunc(tables, func(t exporter) bool { return t.named() == name })
	if i < 0 || format != "csv" && format != "json" {
		d.fail(w, r, &problem{http.StatusBadRequest, "There is no such table to export", "This page has no table of this name, or not in this format.", "Use the links below the tables."})
		return
	}
	if name != "" {
		page += "-" + name
	}
	d.send(w, r, page, format, tables[i].export)
}

// exportable is page, and its rows with format=csv or format=json, read as they are sent.
func (d *dashboard) exportable(least Role, name string, show show, rows func(context.Context, *scope, func([]string, any) error) error) http.Handler {
	page := d.page(least, name, show)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		format := r.URL.Query().Get("format")
		if format != "csv" && format != "json" {
			page.ServeHTTP(w, r)
			return
		}
		d.allowed(least, func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), exportTimeout)
			defer cancel()
			s, err := readScope(r.URL, d.now())
			if err != nil {
				d.fail(w, r, &problem{http.StatusBadRequest, "This address is not understood", err.Error(), "Mend the address, or begin anew."})
				return
			}
			select {
			case d.exports <- struct{}{}:
				defer func() { <-d.exports }()
			default:
				d.fail(w, r, &problem{http.StatusServiceUnavailable, "Too many exports at once", "Others are exporting.", "Try again in a moment."})
				return
			}
			d.send(w, r, name, format, func(put func([]string, any) error) error { return rows(ctx, s, put) })
		}).ServeHTTP(w, r)
	})
}

// send writes an export as it is read. One that breaks off ends the connection, so that it cannot be taken for whole.
func (d *dashboard) send(w http.ResponseWriter, r *http.Request, name, format string, rows func(put func([]string, any) error) error) {
	var out sheet = &csvSheet{w: csv.NewWriter(w)}
	kind := "text/csv; charset=utf-8"
	if format == "json" {
		out, kind = &jsonSheet{w: w}, "application/json"
	}
	begun := false
	begin := func() {
		if !begun {
			begun = true
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Content-Disposition", `attachment; filename="`+name+"."+format+`"`)
		}
	}
	err := rows(func(cells []string, value any) error {
		begin()
		return out.put(cells, value)
	})
	switch {
	case err == nil:
		begin()
		_ = out.end() // the reader has gone
	case !begun:
		d.fail(w, r, err)
	default:
		panic(http.ErrAbortHandler)
	}
}

// A sheet takes rows.
type sheet interface {
	put(cells []string, value any) error
	end() error
}

type csvSheet struct{ w *csv.Writer }

func (s *csvSheet) put(cells []string, _ any) error {
	for i, c := range cells {
		cells[i] = inert(c)
	}
	return s.w.Write(cells)
}

func (s *csvSheet) end() error {
	s.w.Flush()
	return s.w.Error()
}

// inert keeps spreadsheets from taking a cell for a formula.
func inert(cell string) string {
	if strings.IndexAny(cell, "=+-@\t\r\n") == 0 {
		return "'" + cell
	}
	return cell
}

// jsonSheet is a list with one value in each line; the header of a table is none.
type jsonSheet struct {
	w interface{ Write([]byte) (int, error) }
	n int
}

func (s *jsonSheet) put(_ []string, value any) error {
	if value == nil {
		return nil
	}
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	before := ",\n"
	if s.n == 0 {
		before = "[\n"
	}
	s.n++
	_, err = s.w.Write(append([]byte(before), data...))
	return err
}

func (s *jsonSheet) end() error {
	text := "\n]\n"
	if s.n == 0 {
		text = "[]\n"
	}
	_, err := s.w.Write([]byte(text))
	return err
}

func (d *dashboard) exportExchanges(ctx context.Context, s *scope, put func([]string, any) error) error {
	if err := put([]string{"time", "exchange", "outcome", "status", "api", "operation", "method", "path", "guard", "reason", "principal", "client", "rating", "took_ms"}, nil); err != nil {
		return err
	}
	q := s.selection()
	q.Limit = 1000
	for n := 0; n < exportRows; {
		list, err := d.Archive.Select(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range list {
			if err := put(cells(r), r); err != nil {
				return err
			}
		}
		if n += len(list); len(list) < q.Limit {
			return nil
		}
		q.Before = list[len(list)-1].ID
	}
	return nil
}

func cells(r *exchange.Record) []string {
	subject := ""
	if r.Principal != nil {
		subject = r.Principal.Subject
	}
	return []string{r.Time.UTC().Format(time.RFC3339Nano), r.ID, event.OutcomeOf(r), strconv.Itoa(r.Status), r.API, r.Operation, r.Method, r.Path, r.Guard, r.Code, subject, r.Client, string(r.Rated()),
		strconv.FormatFloat(float64(r.Took)/1e6, 'f', 3, 64)}
}

func indented(v any) string {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(data)
}
