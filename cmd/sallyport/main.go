// Command sallyport is an API security gateway: one binary between clients and an HTTP API.
//
// Exit codes: 0 ok, 1 findings or failure, 2 usage.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// cli is the whole grammar; each command is a file of its own.
type cli struct {
	Run         runCmd        `cmd:"" help:"Protect an API: serve clients, forward what was judged."`
	Check       checkCmd      `cmd:"" help:"Check a config or a spec: every problem at its place, and what protects each operation."`
	Init        initCmd       `cmd:"" help:"Write a commented config from an OpenAPI document."`
	Demo        demoCmd       `cmd:"" help:"Run a vulnerable shop behind the gateway, on loopback, and try to break it."`
	Explain     explainCmd    `cmd:"" help:"Tell why an exchange was refused, and which setting would change that."`
	Replay      replayCmd     `cmd:"" help:"Say what a configuration would have done to the exchanges of the last days."`
	Report      reportCmd     `cmd:"" help:"Put evidence together: which clauses of which standards are met, and by what."`
	Keys        keysCmd       `cmd:"" help:"Create, list, rotate and revoke API keys."`
	Users       usersCmd      `cmd:"" help:"Add, list and remove people who administer, their roles, passwords and tokens."`
	Bans        bansCmd       `cmd:"" help:"List, impose and end bans of clients; write them for firewalls."`
	Limits      limitsCmd     `cmd:"" help:"Propose limits from what was recorded."`
	Store       storeCmd      `cmd:"" help:"Replace the root key of what is sealed in the store."`
	Audit       auditCmd      `cmd:"" help:"Verify the audit log, and prove what is in it."`
	Deadletters deadCmd       `cmd:"" help:"List, show, send again and drop what sinks refused for good."`
	Health      healthCmd     `cmd:"" help:"Ask a running gateway how it is, where there is no shell to do so."`
	Version     versionCmd    `cmd:"" help:"Print the version."`
	Completion  completionCmd `cmd:"" help:"Print a completion script for bash, zsh, fish or powershell."`
}

const description = `An API security gateway: nothing undeclared gets in, nothing undeclared gets out, and every decision can be explained.

  sallyport demo                                                  see it at work
  sallyport run --spec openapi.yaml --upstream http://127.0.0.1:9000   protect your own API
  sallyport check --spec openapi.yaml                             what your spec lacks`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main without the process: arguments in, exit code out.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 { // the help, but it was not asked for
		run([]string{"--help"}, stderr, stderr)
		return 2
	}
	var grammar cli
	exit := -1
	parser, err := kong.New(&grammar, kong.Name("sallyport"), kong.Description(description), kong.DefaultEnvars("SALLYPORT"),
		kong.UsageOnError(), kong.Writers(stdout, stderr), kong.Exit(func(code int) { exit = code }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		panic(err) // the grammar is wrong; a test of the help finds it
	}
	ctx, err := parser.Parse(spelled(args))
	if exit >= 0 { // --help has been answered
		return exit
	}
	if err != nil {
		fmt.Fprintf(stderr, "sallyport: %v\n    hint: %s\n", err, usageHint(args, err))
		return 2
	}
	if err := ctx.Run(&streams{stdout, stderr}, parser); err != nil {
		if !errors.Is(err, errFindings) {
			fmt.Fprintf(stderr, "sallyport: %v\n", err)
		}
		return 1
	}
	return 0
}

// spelled accepts what other programs have taught people to type.
func spelled(args []string) []string {
	switch args[0] {
	case "help":
		return append(slices.Clone(args[1:]), "--help")
	case "--version", "-V":
		return append([]string{"version"}, args[1:]...)
	}
	return args
}

// usageHint is what to type instead.
func usageHint(args []string, err error) string {
	for _, a := range args {
		if _, missing := os.Stat(a); missing == nil && strings.HasSuffix(err.Error(), "unexpected argument "+a) {
			return fmt.Sprintf("files are named by flags: --config %s, or --spec %s", a, a)
		}
	}
	return "sallyport --help tells the commands, sallyport COMMAND --help the flags"
}

// errFindings ends a command with exit code 1 after it has said everything itself.
var errFindings = errors.New("there are findings")

// streams are where commands write: results to out, everything else to err.
type streams struct{ out, err io.Writer }
