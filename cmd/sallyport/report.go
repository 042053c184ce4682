package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/mod/sumdb/note"

	compliance "github.com/sallyport/sallyport/admin/report"
	"github.com/sallyport/sallyport/audit"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/gateway"
	"github.com/sallyport/sallyport/store"
)

// reportCmd puts evidence together.
type reportCmd struct {
	source
	Framework []string `help:"Standards to report on: owasp-api-2023, nist-sp-800-228, asvs-5, pci-dss-4, hipaa, gdpr, ccpa (default all)." placeholder:"ID,…"`
	Since     ago      `default:"30d" help:"Period of the records, back from now." placeholder:"SPAN"`
	Output    string   `short:"o" enum:"table,html,json" default:"table" help:"table, html (a page that stands alone and prints well) or json."`
	Out       string   `type:"path" help:"File to write to (default standard output)." placeholder:"FILE"`
}

// Help is shown below the flags.
func (reportCmd) Help() string {
	return `For each clause of a standard the controls that answer it, for each control what the configuration, the records and the audit log show, and the record of
processing: which personal data operations return, and to whom. Evidence for those who judge, and no legal advice.

  sallyport report --config sallyport.yaml -o html --out report.html`
}

// Run reports.
func (c *reportCmd) Run(s *streams) error {
	cfg, src, problems := c.load()
	if cfg == nil {
		report(s.err, problems)
		return errFindings
	}
	parts := newParts(nil)
	defer parts.Upstreams.Close()
	snapshot, problems := gateway.Build(cfg, src, parts)
	if snapshot == nil {
		report(s.err, problems)
		return errFindings
	}
	facts := &compliance.Facts{Now: time.Now(), Since: time.Now().Add(-time.Duration(c.Since)), Version: version(), Basis: snapshot.Basis().Hash,
		Config: cfg, Posture: snapshot.Posture(), Documents: snapshot.Documents()}
	facts.Audit = auditedBy(context.Background(), cfg)
	if err := recorded(facts, cfg.Store); err != nil {
		return err
	}
	r, err := compliance.New(facts, c.Framework)
	if err != nil {
		return err
	}
	return c.write(s, r)
}

func (c *reportCmd) write(s *streams, r *compliance.Report) (err error) {
	w := s.out
	if c.Out != "" {
		f, err := os.OpenFile(c.Out, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		defer func() {
			if closed := f.Close(); err == nil {
				err = closed
			}
		}()
		w = f
	}
	switch c.Output {
	case "html":
		return r.HTML(w)
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	printReport(w, r)
	return nil
}

// auditedBy verifies the audit log of a configuration from end to end; nil where there is none. It is measured against
// what the gateway remembers of its past; the auditor, who trusts neither, has sallyport-audit.
func auditedBy(ctx context.Context, cfg *config.Config) *compliance.Audit {
	p := auditPlace(cfg)
	text, err := os.ReadFile(filepath.Join(p.dir, "key.pub"))
	if err != nil {
		return nil
	}
	made := &compliance.Audit{}
	key, err := note.NewVerifier(strings.TrimSpace(string(text)))
	if err != nil {
		made.Problem = err.Error()
		return made
	}
	since, _ := os.ReadFile(p.kept()) // where nothing is remembered, there is nothing to measure against
	r, err := audit.Verify(ctx, os.DirFS(p.dir), audit.Verification{Key: key, Since: since})
	switch {
	case err != nil:
		made.Problem = err.Error()
	case len(r.Findings) > 0:
		made.Problem = r.Findings[0].String()
	default:
		made.Verified = true
	}
	if err == nil {
		made.Origin, made.Size, made.Root = r.Origin, uint64(r.Size), r.Root.String()
	}
	return made
}

// recorded adds what the store has of the period; nothing where there is none.
func recorded(f *compliance.Facts, c config.Store) error {
	if _, err := os.Stat(filepath.Join(c.Path, store.File)); err != nil && c.URL == "" {
		return nil
	}
	kept, err := openArchiveOf(c)
	if err != nil {
		return err
	}
	defer kept.close()
	return observed(context.Background(), f, kept.Reader)
}

func observed(ctx context.Context, f *compliance.Facts, kept *event.Reader) (err error) {
	period := event.Filter{From: f.Since, To: f.Now}
	if f.Traffic, err = trafficOf(ctx, kept, period); err != nil {
		return err
	}
	callers, err := callersOf(ctx, kept, period)
	f.Callers = func(api, operation string) []compliance.Caller { return callers[api+"\x00"+operation] }
	return err
}

func trafficOf(ctx context.Context, kept *event.Reader, period event.Filter) (*compliance.Traffic, error) {
	t := &compliance.Traffic{ByOWASP: map[string]int64{}, ByReason: map[string]int64{}}
	series, err := kept.Histogram(ctx, period, 24*time.Hour)
	if err != nil {
		return nil, err
	}
	for _, b := range series.Buckets {
		t.Exchanges += b.Total()
	}
	refused := period
	refused.Outcome = "refused"
	for field, into := range map[string]map[string]int64{"owasp": t.ByOWASP, "code": t.ByReason} {
		shares, err := kept.Top(ctx, refused, field, 100)
		if err != nil {
			return nil, err
		}
		for _, s := range shares {
			into[s.Value] = s.N
			if field == "code" {
				t.Refused += s.N
			}
		}
	}
	return t, nil
}

// callersOf groups those who were answered, by identity and role, for each operation: of the newest exchanges only, and
// never by person.
func callersOf(ctx context.Context, kept *event.Reader, period event.Filter) (map[string][]compliance.Caller, error) {
	const most, page = 50_000, 1000
	counts := map[string]map[string]int64{}
	period.Limit = page
	for seen := 0; seen < most; {
		list, err := kept.Select(ctx, period)
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			if r.Refused || r.Status >= 300 {
				continue
			}
			key, who := r.API+"\x00"+r.Operation, "nobody in particular"
			if p := r.Principal; p != nil {
				who = strings.TrimSuffix(p.Issuer+": "+strings.Join(p.Roles, ", "), ": ")
			}
			if counts[key] == nil {
				counts[key] = map[string]int64{}
			}
			counts[key][who]++
		}
		if seen += len(list); len(list) < page {
			break
		}
		period.Before = list[len(list)-1].ID
	}
	out := map[string][]compliance.Caller{}
	for key, groups := range counts {
		for who, n := range groups {
			out[key] = append(out[key], compliance.Caller{Who: who, Count: n})
		}
		compliance.SortCallers(out[key])
	}
	return out, nil
}

func printReport(w io.Writer, r *compliance.Report) {
	fmt.Fprintf(w, "configuration %s, %s to %s\n", r.Basis, r.Since.Format(time.DateOnly), r.Until.Format(time.DateOnly))
	for _, f := range r.Frameworks {
		fmt.Fprintf(w, "\n%s\n", f.Title)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, c := range f.Clauses {
			fmt.Fprintf(t, "  %s\t%s\t%s\n", c.ID, compliance.Word(c.Status), c.Title)
		}
		_ = t.Flush() // the terminal has gone
	}
	fmt.Fprintln(w, "\nGaps")
	none := true
	for _, c := range r.Controls {
		for i, gap := range c.Gaps {
			if i == 5 {
				fmt.Fprintf(w, "    and %d more: -o html shows them\n", len(c.Gaps)-i)
				break
			}
			none = false
			fmt.Fprintf(w, "  %s: %s\n", c.ID, gap)
		}
	}
	if none {
		fmt.Fprintln(w, "  none")
	}
}
