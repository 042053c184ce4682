package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

const manual = "../../docs/sallyport.1"

// The manual page is made from the grammar and its help; this test keeps it true.
func TestManualPage(t *testing.T) {
	var grammar cli
	parser, err := kong.New(&grammar, kong.Name("sallyport"), kong.Description(description))
	if err != nil {
		t.Fatal(err)
	}
	want := page(parser.Model.Node)
	if *update {
		write(t, manual, want)
	}
	if got, err := os.ReadFile(manual); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the grammar says (%v): make golden", manual, err)
	}
	if _, err := exec.LookPath("mandoc"); err != nil {
		t.Skip("mandoc is not installed: apt-get install mandoc")
	}
	if out, err := exec.Command("mandoc", "-T", "lint", "-W", "warning", manual).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// page is the grammar as a page of man(7).
func page(root *kong.Node) []byte {
	var b bytes.Buffer
	about, examples, _ := strings.Cut(root.Help, "\n\n")
	title, about, _ := strings.Cut(about, ": ")
	fmt.Fprintf(&b, ".\\\" Generated from the grammar of the command line by make golden.\n.TH SALLYPORT 1 2026-11-30 Sallyport\n.SH NAME\nsallyport \\- %s\n", roff(strings.TrimPrefix(title, "An ")))
	b.WriteString(".SH SYNOPSIS\n.B sallyport\n.I COMMAND\n.RI [ flags ]\n")
	fmt.Fprintf(&b, ".SH DESCRIPTION\n%s\n", roff(strings.ToUpper(about[:1])+about[1:]))
	example(&b, examples)
	b.WriteString(".SH COMMANDS\n")
	for _, n := range commands(root) {
		if len(n.Children) == 0 {
			manualOf(&b, n)
		}
	}
	b.WriteString(`.SH ENVIRONMENT
Every flag may be given as
.BR SALLYPORT_ \fIFLAG\fR
instead. A flag wins over the environment, the environment over the config file.
.SH FILES
The config is described in config.md among the documents of the package, and in
.IR /etc/sallyport/sallyport.yaml .
.SH EXIT STATUS
0 all is well; 1 findings, or a failure; 2 wrong usage.
`)
	return b.Bytes()
}

// manualOf is one command: its usage, its help, its flags.
func manualOf(b *bytes.Buffer, n *kong.Node) {
	fmt.Fprintf(b, ".SS %s\n%s\n", roff(strings.TrimPrefix(n.Summary(), "sallyport ")), roff(n.Help))
	first, last, _ := strings.Cut(n.Detail, "\n\n")
	switch {
	case strings.HasPrefix(last, "  "):
		fmt.Fprintf(b, ".PP\n%s\n", roff(first))
		example(b, last)
	case n.Detail != "":
		fmt.Fprintf(b, ".PP\n%s\n", strings.ReplaceAll(roff(n.Detail), "\n", "\n.br\n"))
	}
	for _, p := range n.Positional {
		fmt.Fprintf(b, ".TP\n.I %s\n%s\n", roff(strings.ToUpper(p.Name)), roff(p.Help))
	}
	for _, f := range n.Flags {
		name := "\\-\\-" + roff(f.Name)
		if f.Short != 0 {
			name = "\\-" + string(f.Short) + ", " + name
		}
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", name, roff(f.Help))
	}
}

func example(b *bytes.Buffer, lines string) { fmt.Fprintf(b, ".PP\n.nf\n%s\n.fi\n", roff(lines)) }

var escaped = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", "...", "→", `\(->`, "\n\n", "\n", "\n.", "\n\\&.", "\n'", "\n\\&'")

func roff(text string) string { return escaped.Replace(strings.TrimSpace(text)) }
