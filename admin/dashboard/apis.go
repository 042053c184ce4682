package dashboard

import (
	"cmp"
	"context"
	"net/http"
	"slices"
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
	listing[matrixRow]
	Whole    int // operations before they were filtered
	Gaps     int // cells that are off
	Watched  int // cells in monitor mode
	OnlyGaps choice
	Empty    *empty
}

// matrixPage bounds the rows of the matrix on one page.
const matrixPage = 200

func (d *dashboard) apis(ctx context.Context, _ *http.Request, s *scope) (view, error) {
	rows, err := d.matrixRows(ctx, s)
	if err != nil {
		return view{}, err
	}
	m := matrix{listing: tabled(s, "", rows, matrixPage, matrixColumns()...), Whole: len(d.Posture())}
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
	if len(rows) == 0 {
		m.Empty = &empty{Title: "No operation fits", Text: "Operations come from the spec of each API in the config; what the spec does not know is refused.", Href: s.To("/apis"), Label: "All operations"}
	}
	return view{Title: "APIs", Scope: s, Data: m, Tables: []exporter{m.listing}}, nil
}

func matrixColumns() []column[matrixRow] {
	columns := []column[matrixRow]{{Name: "operation", Label: "Operation", Cell: func(r matrixRow) any { return r.Operation }}, {Name: "api", Cell: func(r matrixRow) any { return r.API }}}
	for i, family := range controlFamilies {
		columns = append(columns, column[matrixRow]{Name: family, Label: family, Cell: func(r matrixRow) any { return r.Cells[i].Mode }})
	}
	return append(columns, column[matrixRow]{Name: "gaps", Label: "Gaps", Class: "n", Cell: func(r matrixRow) any { return r.Gaps }},
		column[matrixRow]{Name: "exchanges", Label: "Exchanges", Class: "n", Cell: func(r matrixRow) any { return r.All }},
		column[matrixRow]{Name: "refused", Label: "Refused", Class: "n", Cell: func(r matrixRow) any { return r.Refused }})
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

type operationPage struct {
	gateway.Posture
	Modes                listing[guardMode]
	Spec                 *openapi.Operation
	Parts                []specPart
	Fields               listing[specField]
	Document             *openapi.Document
	Chart                timeline
	Reasons, Subjects    tops
	Clients              tops
	Findings             listing[group]
	Exchanges, Promotion string
}

type guardMode struct {
	Guard string
	Mode  config.Mode
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
	p.Modes = modesOf(s, p.Guards)
	if p.Document = d.Documents()[p.API]; p.Document != nil {
		if i := slices.IndexFunc(p.Document.Operations, func(o *openapi.Operation) bool { return o.Key == p.Operation }); i >= 0 {
			p.Spec = p.Document.Operations[i]
			p.Parts = specOf(p.Spec)
		}
	}
	var fields []specField
	for _, part := range p.Parts {
		fields = append(fields, part.Fields...)
	}
	p.Fields = tabled(s, "spec", fields, mostFields, specColumns...)
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
		list, err := d.Archive.Top(ctx, q, t.by, mostRanked)
		if err != nil {
			return view{}, err
		}
		*t.into = t.rank(s, t.by, list, mostRanked, 8, func(c event.Share) topRow { return topRow{Label: c.Value, Href: s.Exchanges(t.by, c.Value)} })
	}
	groups, whole, err := d.groups(ctx, s)
	if err != nil {
		return view{}, err
	}
	p.Findings = grouped(s, "findings", groups, whole, 20)
	return view{Title: p.Operation, Page: "apis", Scope: s, Data: p, Tables: []exporter{p.Modes, p.Reasons, p.Subjects, p.Clients, p.Findings, p.Fields}}, nil
}

// mostRanked is how many of the most frequent values pages ask for.
const mostRanked = 100

func modesOf(s *scope, guards map[string]config.Mode) listing[guardMode] {
	var modes []guardMode
	for guard, mode := range guards {
		modes = append(modes, guardMode{guard, mode})
	}
	slices.SortFunc(modes, func(a, b guardMode) int { return cmp.Compare(a.Guard, b.Guard) })
	return tabled(s, "controls", modes, pageSize, column[guardMode]{Name: "guard", Label: "Guard", Cell: func(m guardMode) any { return m.Guard }},
		column[guardMode]{Name: "mode", Label: "Mode", Cell: func(m guardMode) any { return string(m.Mode) }}, column[guardMode]{Label: "What to do", Class: "act"})
}
