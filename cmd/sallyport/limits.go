package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"text/tabwriter"
	"time"

	"github.com/sallyport/sallyport/admin/desk"
	"github.com/sallyport/sallyport/admin/suggest"
	"github.com/sallyport/sallyport/limit"
)

// limitsCmd works on the store beside a running gateway.
type limitsCmd struct {
	Config string `short:"c" help:"Config file that names the store." placeholder:"FILE"`
	Store  string `type:"path" help:"Folder of the store (default ./data)." placeholder:"DIR"`

	Suggest suggestCmd `cmd:"" help:"Propose rates for operations from recorded history, and say whom they would have refused."`
}

type suggestCmd struct {
	Since    ago     `default:"7d" help:"How far back the history goes, such as 12h or 7d." placeholder:"SPAN"`
	Headroom float64 `default:"2" help:"How many times what 99 of 100 callers needed is proposed, 1 at least." placeholder:"TIMES"`
	Output   string  `short:"o" enum:"table,json,yaml" default:"table" help:"table, json, or yaml: lines for the config."`
}

// Help is shown below the flags.
func (suggestCmd) Help() string {
	return `Reads what the gateway has recorded, and proposes a rate by principal (the client's address where nobody is known) for each operation:

  sallyport limits suggest --config sallyport.yaml
  sallyport limits suggest --config sallyport.yaml --since 2d -o yaml

Each caller counts once, by the requests of its busiest minute, so that one who never pauses shapes no limit for all. The proposal is --headroom times what 99 of 100
callers needed at most, the next figure that people would write, 5 a minute at least. What was refused before rates are asked (at the door, without a credential,
for a role) is left out.

KNOWN is the share of requests whose record tells the caller: a busy gateway keeps records of store.passed requests a second, and what is erased names nobody. Where it is
less than all, what callers needed is divided by it; below a half nothing is proposed. REFUSED are the requests that the proposal would have refused, decided
again one by one by the code that decides about requests, as one gateway counts them. Requests in a minute (MINUTE) are known of the last 48 hours.`
}

// Validate is asked by the parser of the command line.
func (c *suggestCmd) Validate() error {
	if c.Headroom < 1 {
		return errors.New("--headroom is 1 at least: less would refuse what was asked for")
	}
	return nil
}

// Run proposes.
func (c *suggestCmd) Run(k *cli, s *streams) error {
	kept, err := openArchive(k.Limits.Config, k.Limits.Store)
	if err != nil {
		return err
	}
	defer kept.close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	now := time.Now()
	list, err := suggest.Read(ctx, kept.Reader, suggest.Question{From: now.Add(-time.Duration(c.Since)), To: now, Headroom: c.Headroom}, func(desk.Progress) {})
	switch {
	case err != nil:
		return err
	case c.Output == "yaml":
		return limit.WriteSuggestions(s.out, list)
	}
	return print(s.out, c.Output, list, func(w io.Writer) { printSuggestions(w, list) })
}

func printSuggestions(w io.Writer, list []limit.Suggestion) {
	if len(list) == 0 {
		fmt.Fprintln(w, "no request is recorded for this period")
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "API\tOPERATION\tREQUESTS\tKNOWN\tMINUTE p50 p95 p99 max\tCALLERS\tBUSIEST MINUTE p50 p95 p99 max\tPROPOSED\tREFUSED")
	for _, s := range list {
		proposed, refused := "– "+s.Why, "–"
		if s.Limit > 0 {
			proposed, refused = fmt.Sprintf("%d per 1m", s.Limit), fmt.Sprintf("%d of %s", s.Refused, counted(s.Of, "caller"))
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%.0f %%\t%s\t%d\t%s\t%s\t%s\n", s.API, s.Operation, s.Requests, 100*s.Known, ranks(s.Minutes), s.Callers.N, ranks(s.Callers), proposed, refused)
	}
	_ = t.Flush() // the terminal has gone
	for _, s := range list {
		for _, a := range s.Askers {
			fmt.Fprintf(w, "\n%s %s would have refused %d of %d requests of %s %s", s.API, s.Operation, a.Refused, a.Requests, a.Kind, a.Name)
		}
	}
	fmt.Fprintln(w)
}

func ranks(p limit.Percentiles) string {
	if p.N == 0 {
		return "–"
	}
	return fmt.Sprintf("%d %d %d %d", p.P50, p.P95, p.P99, p.Max)
}
