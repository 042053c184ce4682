package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/inspect"
	"github.com/sallyport/sallyport/inspect/rules"
)

// compiledRules is what the attack rules of an API were compiled into.
type compiledRules struct {
	API string `json:"api"`
	*inspect.Description
}

// describe compiles the rules of each API, which a build that succeeded has compiled already.
func describe(cfg *config.Config, pool *inspect.Pool) (out []compiledRules) {
	for _, a := range cfg.APIs {
		i, err := inspect.New(inspect.Options{Pool: pool})
		if err != nil {
			continue
		}
		if d, err := i.Describe(a.Inspect); err == nil { // a mistake is among the problems
			out = append(out, compiledRules{a.Name, d})
		}
	}
	return out
}

// printRules shows one line for what concerns all, and the lanes.
func printRules(w io.Writer, list []compiledRules) {
	for _, r := range list {
		fmt.Fprintf(w, "\n%s: paranoia %d, %d rules score, built in %v, states of automata %d KiB of at most %d MiB\n",
			r.API, r.Paranoia, r.Scoring, r.Build.Round(time.Millisecond), r.States>>10, r.Bound>>20)
		for _, side := range []struct {
			name string
			of   rules.Summary
		}{{"requests", r.Request}, {"answers", r.Answer}} {
			s := side.of
			fmt.Fprintf(w, "%s: %d rules (%d folded), %d conditions, %d always evaluated, %d tests, %d literals in a scanner of %d KiB, %d automata, %d tests in a shared one\n",
				side.name, s.Rules, s.Folded, s.Conditions, s.Always, s.Tests, s.Literals, s.Scanner>>10, s.Automata, s.Shared)
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "COLLECTION\tTRANSFORMATIONS\tTESTS\tBY LITERALS\tBY BYTES\tSHARED")
			for _, l := range s.Lanes {
				fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\n", l.Collection, l.Chain, l.Tests, l.Literals, l.Bytes, l.Shared)
			}
			_ = t.Flush() // the terminal has gone
		}
	}
}
