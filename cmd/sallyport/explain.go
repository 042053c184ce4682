package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
	tell "github.com/sallyport/sallyport/exchange/explain"
)

type explainCmd struct {
	ID     string `arg:"" optional:"" help:"Exchange id, from the problem's exchange or the X-Request-Id header. Without it: the newest refusals."`
	Config string `short:"c" help:"Config file that names the store." placeholder:"FILE"`
	Store  string `type:"path" help:"Folder of the store (default ./data)." placeholder:"DIR"`
	Rating string `enum:",verified,likely_human,suspected,hostile" default:"" help:"Without an id: the newest exchanges of clients rated so, whatever became of them: verified, likely_human, suspected or hostile." placeholder:"RATING"`
	Output string `short:"o" enum:"table,json" default:"table" help:"table or json."`
}

// Run reads the store beside the running gateway.
func (c *explainCmd) Run(s *streams) error {
	kept, err := openArchive(c.Config, c.Store)
	if err != nil {
		return err
	}
	defer kept.close()
	if c.ID == "" {
		f := event.Filter{Outcome: "told", Limit: 20}
		if c.Rating != "" {
			f.Outcome, f.Rating = "", c.Rating
		}
		list, err := kept.Select(context.Background(), f)
		if err != nil {
			return err
		}
		return print(s.out, c.Output, list, func(w io.Writer) { listed(w, list) })
	}
	r, err := find(kept.Reader, strings.TrimSpace(c.ID))
	if errors.Is(err, event.ErrUnknown) {
		return fmt.Errorf("%w in %s: exchanges that passed are kept for seven days (store.retention), refusals for thirty (store.refusals), both within store.max_bytes\n    hint: --store or --config names another folder; sallyport explain lists the newest refusals", err, kept.where)
	}
	if err != nil {
		return err
	}
	return print(s.out, c.Output, r, func(w io.Writer) { explain(w, r) })
}

// find waits for a moment: a record is written a fraction of a second after its answer.
func find(kept *event.Reader, id string) (*exchange.Record, error) {
	for range 10 {
		r, err := kept.Find(context.Background(), id)
		if !errors.Is(err, event.ErrUnknown) {
			return r, err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return nil, event.ErrUnknown
}

func print(w io.Writer, format string, value any, table func(io.Writer)) error {
	if format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(value)
	}
	table(w)
	return nil
}

func listed(w io.Writer, list []*exchange.Record) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TIME\tEXCHANGE\tSTATUS\tREASON\tOPERATION\tCLIENT")
	for _, r := range list {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\n", r.Time.Local().Format(time.TimeOnly), r.ID, r.Status, tell.Kept(r), r.Method+" "+r.Path, r.Client)
	}
	_ = t.Flush() // the terminal has gone
}

// explain tells the story of one exchange: what was asked, who refused and why, what would change that.
func explain(w io.Writer, r *exchange.Record) {
	fmt.Fprintf(w, "%s  %s %s → %d\n", r.ID, r.Method, r.Path, r.Status)
	fmt.Fprintf(w, "  when       %s, took %s\n", r.Time.Local().Format(time.RFC3339), r.Took.Round(time.Microsecond))
	fmt.Fprintf(w, "  who        %s\n", tell.Who(r))
	if rated := tell.Rated(r); rated != "" {
		fmt.Fprintf(w, "  client     %s\n", rated)
	}
	fmt.Fprintf(w, "  operation  %s\n", tell.OrDash(r.Operation))
	if !r.Refused {
		fmt.Fprintln(w, "  passed")
	}
	for _, c := range tell.Causes(r) {
		because(w, c)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(w, "  finding    %s %s: %s", f.Guard, f.Rule, f.Message)
		if f.Field != "" {
			fmt.Fprintf(w, " in %s", f.Field)
		}
		if f.Match != "" {
			fmt.Fprintf(w, " (%s)", f.Match)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, "  guards")
	for _, s := range r.Steps {
		fmt.Fprintf(w, "    %-18s %-8s %8s  %s\n", s.Guard, s.Mode, s.Took.Round(time.Microsecond), tell.Outcome(s))
	}
}

// because tells of a refusal, made or only monitored, what it means, what it found where, and what would change it.
func because(w io.Writer, c tell.Cause) {
	switch {
	case c.Monitored:
		fmt.Fprintf(w, "  monitored  %s would have refused: %s", c.Guard, c.Code)
	default:
		fmt.Fprintf(w, "  refused    by %s: %s", c.Guard, c.Code)
		if c.OWASP != "" {
			fmt.Fprintf(w, " (OWASP %s:2023)", c.OWASP)
		}
	}
	fmt.Fprintln(w)
	if c.Meaning != "" {
		fmt.Fprintf(w, "  meaning    %s\n", c.Meaning)
	}
	if c.Detail != "" {
		fmt.Fprintf(w, "  because    %s\n", c.Detail)
	}
	for _, f := range c.Fields {
		fmt.Fprintf(w, "  field      %s%s %s\n", f.Param, f.Pointer, f.Detail)
	}
	if c.Setting != "" {
		fmt.Fprintf(w, "  to allow   %s\n", strings.ReplaceAll(c.Setting, "\n", "\n             "))
	}
	if c.Allow.Lines != "" {
		fmt.Fprintf(w, "  to paste   %s\n             %s\n", c.Allow.Why, strings.ReplaceAll(strings.TrimSpace(c.Allow.Lines), "\n", "\n             "))
	} else {
		fmt.Fprintf(w, "  no lines   %s\n", c.Allow.Why)
	}
}
