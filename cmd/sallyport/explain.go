package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/store"
)

type explainCmd struct {
	ID     string `arg:"" optional:"" help:"Exchange id, from the problem's exchange or the X-Request-Id header. Without it: the newest refusals."`
	Config string `short:"c" help:"Config file that names the store." placeholder:"FILE"`
	Store  string `type:"path" help:"Folder of the store (default ./data)." placeholder:"DIR"`
	Output string `short:"o" enum:"table,json" default:"table" help:"table or json."`
}

// Run reads the store beside the running gateway.
func (c *explainCmd) Run(s *streams) error {
	kept, path, err := openKept(c.Config, c.Store)
	if err != nil {
		return err
	}
	defer kept.Close()
	if c.ID == "" {
		list, err := event.Newest(context.Background(), kept.DB(), 20)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			list = []*exchange.Record{} // not null
		}
		return print(s.out, c.Output, list, func(w io.Writer) { listed(w, list) })
	}
	r, err := find(kept, strings.TrimSpace(c.ID))
	if errors.Is(err, event.ErrUnknown) {
		return fmt.Errorf("%w in %s: refusals, monitored refusals and findings are kept, the newest 10000 (store.refusals)\n    hint: --store or --config names another folder; sallyport explain lists the newest", err, path)
	}
	if err != nil {
		return err
	}
	return print(s.out, c.Output, r, func(w io.Writer) { explain(w, r) })
}

// find waits for a moment: a record is written a fraction of a second after its answer.
func find(kept *store.Store, id string) (*exchange.Record, error) {
	for range 10 {
		r, err := event.Find(context.Background(), kept.DB(), id)
		if !errors.Is(err, event.ErrUnknown) {
			return r, err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return nil, event.ErrUnknown
}

// openKept opens a store that a gateway or sallyport keys create has made: to look into a folder makes none.
func openKept(file, flag string) (*store.Store, string, error) {
	path, err := storePath(file, flag)
	if err != nil {
		return nil, "", err
	}
	if _, err := os.Stat(filepath.Join(path, store.File)); errors.Is(err, os.ErrNotExist) {
		return nil, "", fmt.Errorf("there is no store in %s\n    hint: --store or --config names another folder", path)
	}
	s, err := store.Open(path)
	return s, path, err
}

// storePath is the folder of the store: the flag's, the config's, or the default.
func storePath(file, flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if file == "" {
		return "./data", nil
	}
	c, _, problems := config.Load(file)
	if c == nil {
		return "", problems
	}
	if c.Store.Path == "" {
		return "./data", nil
	}
	return c.Store.Path, nil
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
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\n", r.Time.Local().Format(time.TimeOnly), r.ID, r.Status, kept(r), r.Method+" "+r.Path, r.Client)
	}
	_ = t.Flush() // the terminal has gone
}

// kept is why a record is: what refused, or would have, or that something was noticed.
func kept(r *exchange.Record) string {
	if r.Code != "" {
		return r.Code
	}
	for i := range r.Steps {
		if r.Steps[i].Code != "" {
			return "(would be " + r.Steps[i].Code + ")"
		}
	}
	return "(finding)"
}

// explain tells the story of one exchange: what was asked, who refused and why, what would change that.
func explain(w io.Writer, r *exchange.Record) {
	fmt.Fprintf(w, "%s  %s %s → %d\n", r.ID, r.Method, r.Path, r.Status)
	fmt.Fprintf(w, "  when       %s, took %s\n", r.Time.Local().Format(time.RFC3339), r.Took.Round(time.Microsecond))
	fmt.Fprintf(w, "  who        %s\n", who(r))
	fmt.Fprintf(w, "  operation  %s\n", orDash(r.Operation))
	if r.Refused {
		refusal(w, r)
	} else {
		fmt.Fprintln(w, "  passed")
	}
	for i := range r.Steps {
		if s := &r.Steps[i]; s.Code != "" && s.Mode == config.Monitor {
			fmt.Fprintf(w, "  monitored  %s would have refused: %s\n", s.Guard, s.Code)
			because(w, s.Code, s.Detail, s.Fields, s.Setting)
		}
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
		fmt.Fprintf(w, "    %-18s %-8s %8s  %s\n", s.Guard, s.Mode, s.Took.Round(time.Microsecond), outcome(s))
	}
}

func refusal(w io.Writer, r *exchange.Record) {
	fmt.Fprintf(w, "  refused    by %s: %s", r.Guard, r.Code)
	if r.OWASP != "" {
		fmt.Fprintf(w, " (OWASP %s:2023)", r.OWASP)
	}
	fmt.Fprintln(w)
	because(w, r.Code, r.Detail, r.Fields, r.Setting)
}

// because tells of a refusal, made or only monitored, what it means, what it found where, and what would change it.
func because(w io.Writer, code, detail string, fields []exchange.Field, setting string) {
	if reason := exchange.Lookup(code); reason != nil {
		fmt.Fprintf(w, "  meaning    %s\n", reason.Help)
	}
	if detail != "" {
		fmt.Fprintf(w, "  because    %s\n", detail)
	}
	for _, f := range fields {
		fmt.Fprintf(w, "  field      %s%s %s\n", f.Param, f.Pointer, f.Detail)
	}
	if setting != "" {
		fmt.Fprintf(w, "  to allow   %s\n", strings.ReplaceAll(setting, "\n", "\n             "))
	}
}

func who(r *exchange.Record) string {
	if r.Principal == nil {
		return "nobody, from " + r.Client
	}
	return fmt.Sprintf("%s (%s %s, roles %s), from %s", r.Principal.Subject, r.Principal.Kind, r.Principal.Issuer, orDash(strings.Join(r.Principal.Roles, " ")), r.Client)
}

func outcome(s exchange.RecordStep) string {
	switch {
	case s.Code == "":
		return "pass"
	case s.Mode == config.Monitor:
		return "would refuse: " + s.Code
	}
	return "refused: " + s.Code
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
