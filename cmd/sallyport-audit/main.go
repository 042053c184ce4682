// Command sallyport-audit verifies the audit log of a gateway, and proofs from it, with nothing of the gateway in it: it
// is for whoever does not trust the machine that wrote the log.
//
//	sallyport-audit verify --key VKEY [--since CHECKPOINT] [--witness VKEY]… [--quorum N] [--json] DIR
//	sallyport-audit prove-check --key VKEY PROOF LEAF
//
// Exit codes: 0 ok, 1 findings or failure, 2 usage.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"

	"golang.org/x/mod/sumdb/note"

	"github.com/sallyport/sallyport/audit"
)

const usage = `usage: sallyport-audit verify --key VKEY [--since CHECKPOINT] [--witness VKEY]… [--quorum N] [--json] DIR
       sallyport-audit prove-check --key VKEY PROOF LEAF
`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main without the process: arguments in, exit code out.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return 2
	}
	flags := flag.NewFlagSet("sallyport-audit "+args[0], flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage); flags.PrintDefaults() }
	key := flags.String("key", "", "verifier key of the log, which you have from elsewhere than the log")
	since := flags.String("since", "", "file with a checkpoint that you kept from an earlier time")
	quorum := flags.Int("quorum", 0, "how many of the witnesses must have cosigned (default all)")
	asJSON := flags.Bool("json", false, "print the report as JSON")
	var v audit.Verification
	flags.Func("witness", "verifier key of a witness", func(s string) error {
		w, err := audit.NewCosigner(s)
		v.Witnesses = append(v.Witnesses, w)
		return err
	})
	if err := flags.Parse(args[1:]); err != nil {
		return 2
	}
	wanted := map[string]int{"verify": 1, "prove-check": 2}[args[0]]
	if wanted == 0 || flags.NArg() != wanted || *key == "" {
		flags.Usage()
		return 2
	}
	var err error
	if v.Key, err = note.NewVerifier(*key); err == nil && *since != "" {
		v.Since, err = os.ReadFile(*since)
	}
	ok := false
	if v.Quorum = *quorum; err == nil && args[0] == "verify" {
		ok, err = verify(flags.Arg(0), v, *asJSON, stdout, stderr)
	} else if err == nil {
		ok, err = check(flags.Arg(0), flags.Arg(1), v.Key, stdout)
	}
	if err != nil {
		fmt.Fprintf(stderr, "sallyport-audit: %v\n", err)
	}
	if !ok {
		return 1
	}
	return 0
}

func verify(dir string, v audit.Verification, asJSON bool, stdout, stderr io.Writer) (bool, error) {
	v.Progress = func(done, all int64) {
		if all > 1<<20 {
			fmt.Fprintf(stderr, "%d of %d leaves\r", done, all)
		}
	}
	r, err := audit.Verify(context.Background(), os.DirFS(dir), v)
	switch {
	case err != nil:
		return false, err
	case asJSON:
		err = json.NewEncoder(stdout).Encode(r)
	default:
		r.Write(stdout)
	}
	return len(r.Findings) == 0, err
}

// check verifies a proof that its leaf is in the log.
func check(proof, leaf string, key note.Verifier, stdout io.Writer) (bool, error) {
	text, err := os.ReadFile(proof)
	if err != nil {
		return false, err
	}
	data, err := os.ReadFile(leaf)
	if err != nil {
		return false, err
	}
	var p audit.Proof
	if err := p.UnmarshalText(text); err != nil {
		return false, err
	}
	c, err := p.Verify(data, key)
	if err != nil {
		return false, err
	}
	fmt.Fprintf(stdout, "leaf %d of the log %s, under its checkpoint of %d leaves\n", p.Index, c.Origin, c.Size)
	return true, nil
}
