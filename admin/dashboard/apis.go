package dashboard

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/gateway"
	"github.com/sallyport/sallyport/openapi"
)

// controlFamilies are the columns of the matrix.
var controlFamilies = []string{"identity", "policy", "limit", "validate", "inspect", "protect"}

// A cell is what one family of guards does for one operation.
type cell struct {
	Mode  string // enforce, monitor, off, or open where nobody needs a credential by the spec's own words
	Title string // the guards
}

type matrixRow struct {
	API, Operation string
	Cells          []cell
	Gaps           int
	All, Refused   int64
	Href           string
}

type matrix struct {
	Families []choice
	Heads    []choice
	Rows     []matrixRow
	Whole    int // operations before they were filtered
	Gaps     int // cells that are off
	Watched  int // cells in monitor mode
	OnlyGaps choice
	Pager    pager
	Empty    *empty
}

// matrixPage bounds the rows of the matrix on one page.
const matrixPage = 200

func (d *dashboard) apis(ctx context.Context, _ *http.Request, s *scope) (view, error) {
	rows, err := d.matrixRows(ctx, s)
	if err != nil {
		return view{}, err
	}
	m := matrix{Rows: rows, Whole: len(d.Posture())}
	for _, f := range controlFamilies {
		m.Families = append(m.Families, choice{Label: f})
	}
	for _, h := range []filter{{"operation", "Operation"}, {"gaps", "Gaps"}, {"all", "Exchanges"}, {"refused", "Refused"}} {
		m.Heads = append(m.Heads, choice{h.Label, s.With("sort", h.Name), s.Get("sort") == h.Name})
	}
	for _, r := range rows {
		m.Gaps += r.Gaps
		for _, c := range r.Cells {
			if c.Mode == "monitor" {
				m.Watched++
			}
		}
	}
	m.OnlyGaps = choice{"Only operations with gaps", s.With("tab", "gaps"), s.Get("tab") == "gaps"}
	if m.OnlyGaps.Current {
		m.OnlyGaps = choice{"All operations", s.With("tab", ""), true}
	}
	m.page(s)
	return view{Title: "APIs", Scope: s, Data: m}, nil
}

// page leaves the rows of one page. The rows are all known, so the page is counted and not sought.
func (m *matrix) page(s *scope) {
	at, _ := strconv.Atoi(s.Get("before")) // nonsense is the first page
	at = min(max(at, 0), len(m.Rows))
	m.Pager = pageOf(s, min(matrixPage, len(m.Rows)-at), at+matrixPage < len(m.Rows), func() string { return strconv.Itoa(at + matrixPage) })
	if len(m.Rows) == 0 {
		m.Empty = &empty{Title: "No operation fits", Text: "Operations come from the spec of each API in the config; what the spec does not know is refused.", Href: s.To("/apis"), Label: "All operations"}
	}
	m.Rows = m.Rows[at:min(at+matrixPage, len(m.Rows))]
}

// matrixRows are the operations that the scope selects, with what happened to them.
func (d *dashboard) matrixRows(ctx context.Context, s *scope) ([]matrixRow, error) {
	all, refusals, err := d.traffic(ctx, s)
	if err != nil {
		return nil, err
	}
	var rows []matrixRow
	for _, p := range d.Posture() {
		r := matrixRow{API: p.API, Operation: p.Operation, All: all[p.API+" "+p.Operation], Refused: refusals[p.API+" "+p.Operation], Href: s.To("/operation", "api", p.API, "operation", p.Operation)}
		for _, f := range controlFamilies {
			c := cellOf(p, f)
			if c.Mode == "off" {
				r.Gaps++
			}
			r.Cells = append(r.Cells, c)
		}
		fits := (s.Get("api") == "" || s.Get("api") == p.API) && (s.Get("tab") != "gaps" || r.Gaps > 0) &&
			strings.Contains(strings.ToLower(p.Operation), strings.ToLower(s.Get("operation")))
		if fits {
			rows = append(rows, r)
		}
	}
	slices.SortStableFunc(rows, func(a, b matrixRow) int {
		switch s.Get("sort") {
		case "operation":
			return cmp.Compare(a.Operation, b.Operation)
		case "gaps":
			return cmp.Compare(b.Gaps, a.Gaps)
		case "all":
			return cmp.Compare(b.All, a.All)
		case "refused":
			return cmp.Compare(b.Refused, a.Refused)
		}
		return 0
	})
	return rows, nil
}

// traffic counts exchanges and refusals by API and operation.
func (d *dashboard) traffic(ctx context.Context, s *scope) (all, refusals map[string]int64, err error) {
	all, refusals = map[string]int64{}, map[string]int64{}
	var apis []string
	for _, p := range d.Posture() {
		if !slices.Contains(apis, p.API) && (s.Get("api") == "" || s.Get("api") == p.API) {
			apis = append(apis, p.API)
		}
	}
	for _, api := range apis {
		q := event.Filter{From: s.From, To: s.Until, API: api}
		for _, into := range []map[string]int64{all, refusals} {
			list, err := d.Archive.Top(ctx, q, "operation", 5000)
			if err != nil {
				return nil, nil, err
			}
			for _, c := range list {
				into[api+" "+c.Value] = c.N
			}
			q.Outcome = refused
		}
	}
	return all, refusals, nil
}

// cellOf is the weakest of a family's guards.
func cellOf(p gateway.Posture, family string) cell {
	c := cell{Mode: "off", Title: "no guard of " + family}
	var on []string
	for guard, mode := range p.Guards {
		if name, _, _ := strings.Cut(guard, "."); name != family {
			continue
		}
		on = append(on, guard+": "+string(mode))
		if c.Mode == "off" || mode == config.Monitor {
			c.Mode = string(mode)
		}
	}
	if len(on) > 0 {
		slices.Sort(on)
		c.Title = strings.Join(on, ", ")
	} else if p.Anonymous && (family == "identity" || family == "policy") {
		return cell{"open", "the operation is declared to be open to everybody"}
	}
	return c
}

func (d *dashboard) exportMatrix(ctx context.Context, s *scope, put func([]string, any) error) error {
	rows, err := d.matrixRows(ctx, s)
	if err != nil {
		return err
	}
	if err := put(append(append([]string{"api", "operation"}, controlFamilies...), "gaps", "exchanges", "refused"), nil); err != nil {
		return err
	}
	for _, r := range rows {
		cells := []string{r.API, r.Operation}
		modes := map[string]string{}
		for i, c := range r.Cells {
			cells, modes[controlFamilies[i]] = append(cells, c.Mode), c.Mode
		}
		value := map[string]any{"api": r.API, "operation": r.Operation, "controls": modes, "gaps": r.Gaps, "exchanges": r.All, "refused": r.Refused}
		if err := put(append(cells, strconv.Itoa(r.Gaps), strconv.FormatInt(r.All, 10), strconv.FormatInt(r.Refused, 10)), value); err != nil {
			return err
		}
	}
	return nil
}

type operationPage struct {
	gateway.Posture
	Modes                []guardMode
	Spec                 *openapi.Operation
	Document             *openapi.Document
	Chart                timeline
	Reasons, Subjects    tops
	Clients              tops
	Findings             []group
	Exchanges, Promotion string
}

type guardMode struct {
	Guard string
	Mode  config.Mode
}

// Answers are the responses of the spec in words.
func (p operationPage) Answers() (list []string) {
	for _, r := range p.Spec.Responses {
		var kinds []string
		for _, m := range r.Content {
			kinds = append(kinds, m.Range)
		}
		list = append(list, strings.TrimSpace(r.Status+" "+strings.Join(kinds, ", ")))
	}
	return list
}

// Security are the alternatives of the spec in words.
func (p operationPage) Security() string {
	var list []string
	for _, alternative := range p.Spec.Security {
		var names []string
		for _, s := range alternative.Schemes {
			names = append(names, s.Name)
		}
		list = append(list, cmp.Or(strings.Join(names, " and "), "nobody"))
	}
	return strings.Join(list, ", or ")
}

func (d *dashboard) operation(ctx context.Context, r *http.Request, s *scope) (view, error) {
	i := slices.IndexFunc(d.Posture(), func(p gateway.Posture) bool { return p.API == s.Get("api") && p.Operation == s.Get("operation") })
	if i < 0 {
		return view{}, &problem{http.StatusNotFound, "There is no such operation now", "The config in use has no operation " + s.Get("operation") + " of the API " + s.Get("api") + ".", "Look under APIs for those that there are."}
	}
	p := operationPage{Posture: d.Posture()[i], Exchanges: s.Exchanges(), Promotion: s.To("/controls/promote", "api", s.Get("api"), "operation", s.Get("operation"))}
	for guard, mode := range p.Guards {
		p.Modes = append(p.Modes, guardMode{guard, mode})
	}
	slices.SortFunc(p.Modes, func(a, b guardMode) int { return cmp.Compare(a.Guard, b.Guard) })
	if p.Document = d.Documents()[p.API]; p.Document != nil {
		if i := slices.IndexFunc(p.Document.Operations, func(o *openapi.Operation) bool { return o.Key == p.Operation }); i >= 0 {
			p.Spec = p.Document.Operations[i]
		}
	}
	q := s.selection()
	var err error
	if p.Chart, _, err = d.chart(ctx, s, q); err != nil {
		return view{}, err
	}
	viewer, _ := ViewerOf(r.Context())
	for _, t := range []struct {
		into  *tops
		by    string
		least Role
		tops
	}{{&p.Reasons, "code", RoleViewer, tops{Caption: "Refusals by reason, made and monitored", What: "Reason", Of: "Exchanges", Class: refused, None: "Nothing was refused, and nothing would have been."}},
		{&p.Subjects, "subject", RoleAnalyst, tops{Caption: "Principals", What: "Principal", Of: "Exchanges", None: "Nobody was recognized."}},
		{&p.Clients, "client", RoleAnalyst, tops{Caption: "Clients", What: "Client", Of: "Exchanges", None: "There were no exchanges."}}} {
		if !viewer.Role.At(t.least) {
			t.into.None = "Whom it concerns is for analysts."
			continue
		}
		list, err := d.Archive.Top(ctx, q, t.by, 8)
		if err != nil {
			return view{}, err
		}
		*t.into = t.rank(list, func(c event.Share) topRow { return topRow{Label: c.Value, Href: s.Exchanges(t.by, c.Value)} })
	}
	if p.Findings, err = d.groups(ctx, s); err != nil {
		return view{}, err
	}
	p.Findings = first(p.Findings, 20)
	return view{Title: p.Operation, Page: "apis", Scope: s, Data: p}, nil
}
