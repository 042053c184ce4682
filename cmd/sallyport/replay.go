package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/gateway"
)

// replayCmd decides again what was recorded.
type replayCmd struct {
	source
	Since  ago    `default:"7d" help:"How far back recorded exchanges are decided again, such as 12h or 7d." placeholder:"SPAN"`
	Until  ago    `default:"0s" help:"How far back the newest of them lie." placeholder:"SPAN"`
	Output string `short:"o" enum:"table,json" default:"table" help:"table or json."`
	FailOn string `enum:"never,refused,allowed,any" default:"never" help:"End with exit code 1 where something would newly be refused, newly be allowed, or any of both: refused, allowed, any, never."`
}

// Help is shown below the flags.
func (replayCmd) Help() string {
	return `Says what a configuration would have done to the exchanges that the running one has recorded, before it is used: sallyport replay --config next.yaml.

The records are read from the store that the configuration names (or --store). A guard whose settings are the same as then would say what it said. One
whose settings are others is asked again where the record holds what it judges: roles and scopes, rates, scores of attack rules, owners of credentials. Values and
bodies are never recorded, so where a schema or an allow rule has changed nothing can be said, and that is counted as undecidable.`
}

// ago is a span of time back from now that may be written in days.
type ago time.Duration

// UnmarshalText reads 7d, or what time.ParseDuration reads.
func (s *ago) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		var n float64
		if _, err = fmt.Sscanf(days, "%g", &n); err == nil {
			d = time.Duration(n * 24 * float64(time.Hour))
		}
	}
	if err != nil || d < 0 {
		return fmt.Errorf("%q is not a span like 12h or 7d", text)
	}
	*s = ago(d)
	return nil
}

// Run decides again.
func (c *replayCmd) Run(s *streams) error {
	cfg, src, problems := c.load()
	if cfg == nil {
		report(s.err, problems)
		return errFindings
	}
	kept, err := openArchiveOf(cfg.Store)
	if err != nil {
		return err
	}
	defer kept.close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	bases, err := basesOf(ctx, kept.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	from, to := now.Add(-time.Duration(c.Since)), now.Add(-time.Duration(c.Until))
	parts := newParts(nil)
	defer parts.Upstreams.Close()
	r, problems := gateway.NewReplay(cfg, src, parts, from, bases)
	if r == nil {
		report(s.err, problems)
		return errFindings
	}
	summary, err := replayed(ctx, kept.Reader, r, from, to, func(n int, at time.Time) {
		fmt.Fprintf(s.err, "sallyport: %d exchanges, up to %s\n", n, at.Format(time.DateTime))
	})
	if err != nil {
		return err
	}
	if err := print(s.out, c.Output, summary, func(w io.Writer) { printReplay(w, summary) }); err != nil {
		return err
	}
	if c.fails(summary) {
		return errFindings
	}
	return nil
}

func (c *replayCmd) fails(s *gateway.Summary) bool {
	refused, allowed := s.Changes[gateway.NewlyRefused] > 0, s.Changes[gateway.NewlyAllowed] > 0
	return (c.FailOn == "refused" || c.FailOn == "any") && refused || (c.FailOn == "allowed" || c.FailOn == "any") && allowed
}

// basesOf are what recorded verdicts rest on.
func basesOf(ctx context.Context, kept *event.Reader) (map[string]*gateway.Basis, error) {
	texts, err := kept.Bases(ctx)
	if err != nil {
		return nil, err
	}
	bases := make(map[string]*gateway.Basis, len(texts))
	for hash, text := range texts {
		b := &gateway.Basis{}
		if err := json.Unmarshal(text, b); err != nil {
			return nil, fmt.Errorf("couldn't read what verdicts rest on: %w", err)
		}
		bases[hash] = b
	}
	return bases, nil
}

// keepBasis lets verdicts of a snapshot be decided again some day. Without it replay says that nothing can be said.
func (v *service) keepBasis(b *gateway.Basis) {
	text, err := json.Marshal(b)
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), event.QueryTime)
		defer cancel()
		err = v.archive.KeepBasis(ctx, b.Hash, text)
	}
	if err != nil {
		slog.Error("what verdicts rest on is not kept: they cannot be replayed", "error", err)
	}
}

// tellPace is how often a replay says how far it is.
const tellPace = 2 * time.Second

// replayed decides every exchange of the period, and tells now and then how far it is.
func replayed(ctx context.Context, kept *event.Reader, r *gateway.Replay, from, to time.Time, told func(n int, at time.Time)) (*gateway.Summary, error) {
	summary, last := gateway.NewSummary(), time.Now()
	err := kept.Walk(ctx, from, to, func(rec *exchange.Record) error {
		summary.Add(rec, r.Decide(rec))
		if time.Since(last) > tellPace {
			last = time.Now()
			told(summary.Exchanges, rec.Time)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	series, err := kept.Histogram(ctx, event.Filter{From: from, To: to}, 24*time.Hour)
	if err != nil {
		return nil, err
	}
	counted := int64(0)
	for _, b := range series.Buckets {
		counted += b.Total()
	}
	summary.Sampled = max(0, counted-int64(summary.Exchanges))
	summary.Sort()
	return summary, nil
}

// changeWords are the changes as people read them.
var changeWords = map[gateway.Change]string{gateway.Same: "the same", gateway.NewlyRefused: "newly refused", gateway.NewlyAllowed: "newly allowed",
	gateway.OtherReason: "refused for another reason", gateway.Undecidable: "undecidable"}

func printReplay(w io.Writer, s *gateway.Summary) {
	if s.Exchanges == 0 {
		fmt.Fprintln(w, "no exchange is recorded for this period")
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, change := range []gateway.Change{gateway.Same, gateway.NewlyRefused, gateway.NewlyAllowed, gateway.OtherReason, gateway.Undecidable} {
		fmt.Fprintf(t, "%d\t%.2f %%\t  %s\t\n", s.Changes[change], 100*float64(s.Changes[change])/float64(s.Exchanges), changeWords[change])
	}
	_ = t.Flush() // the terminal has gone
	if s.Sampled > 0 {
		fmt.Fprintf(w, "%d more of this period passed and are counted only: rates are counted without them\n", s.Sampled)
	}
	if s.Unweighed > 0 {
		fmt.Fprintf(w, "%d were decided under other settings of abuse.bans or abuse.overload: whom those would refuse follows from load and from what else came, and is not said\n", s.Unweighed)
	}
	for _, g := range s.Groups {
		fmt.Fprintf(w, "\n%s: %d × %s %s, by %s\n", changeWords[g.Change], g.Count, g.API, orElse(g.Operation, "-"), counted(g.Principals, "principal"))
		switch {
		case g.Why != "":
			fmt.Fprintf(w, "  %s: %s\n", g.Guard, g.Why)
		default:
			fmt.Fprintf(w, "  was %s, would be %s", orElse(g.Was, "passed"), orElse(g.Would, "passed"))
			if g.Would != "" {
				fmt.Fprintf(w, " (%s)", g.Guard)
			}
			fmt.Fprintln(w)
		}
		if len(g.Rules) > 0 {
			fmt.Fprintf(w, "  rules %s\n", strings.Join(g.Rules, ", "))
		}
		if len(g.Unjudged) > 0 {
			fmt.Fprintf(w, "  not judged then, and would be: %s\n", strings.Join(g.Unjudged, ", "))
		}
		fmt.Fprintf(w, "  sallyport explain %s\n", g.Examples[0])
	}
}
