package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/gateway"
)

type runCmd struct {
	source
	DrainDelay     time.Duration `default:"0s" help:"Time between readiness failing and the listeners closing, on SIGTERM."`
	DrainTimeout   time.Duration `default:"30s" help:"Time for requests in flight to end."`
	UpgradeTimeout time.Duration `default:"1m" help:"Time for a successor to be ready, on SIGUSR2."`
}

// Help is shown below the flags.
func (runCmd) Help() string {
	return `SIGHUP, or a change of the config, the spec or a certificate, reloads: all or nothing, no request is dropped.
SIGTERM drains: readiness fails first, then the listeners close, requests in flight end. Ctrl-C gives them a second. Another signal ends at once.
SIGUSR2 starts the binary anew, hands it the sockets and, once it is ready, drains: an upgrade that drops no request.`
}

// Validate is asked by the parser of the command line.
func (c *runCmd) Validate() error {
	if c.Config == "" && c.Upstream == "" && c.Spec != "" {
		return errors.New("say where the API is: --upstream URL")
	}
	return c.source.Validate()
}

// Run serves until a signal ends it.
func (c *runCmd) Run(s *streams) error {
	slog.SetDefault(slog.New(slog.NewJSONHandler(s.err, nil)))
	relaxGC()
	leaveNoDumps()
	hup, ignore := hangups()
	defer ignore()
	usr2, unheard := upgrades()
	defer unheard()
	program := program()
	began := time.Now()
	cfg, src, problems := c.load()
	report(s.err, problems)
	if cfg == nil {
		return errFindings
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	v, problems, err := open(ctx, cfg, src)
	report(s.err, problems)
	if errors.Is(err, errStopped) {
		fmt.Fprintf(s.err, "sallyport: %v\n", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer v.close()
	announce(s.err, v)
	reloads, noMore := context.WithCancel(ctx)
	defer noMore()
	go v.reloadOn(reloads, hup, began, &c.source)
	go v.watchControls(reloads)
	v.notifier.tell("READY=1")
	v.notifier.watch()
	if err := v.serveUntilReplaced(ctx, usr2, func() error { return v.upgrade(ctx, program, c.UpgradeTimeout) }); err != nil {
		return err
	}
	noMore()
	if !v.replaced {
		stop() // a second signal ends the process at once; where there is a successor, signals are meant for that one
	}
	c.leave(s, v, hurried(ctx))
	return nil
}

// leave drains.
func (c *runCmd) leave(s *streams, v *service, hurried bool) {
	delay, timeout := c.DrainDelay, c.DrainTimeout
	if hurried {
		delay, timeout = 0, min(timeout, hurry)
	}
	if n := v.gateway.InFlight(); n > 0 {
		fmt.Fprintf(s.err, "sallyport: waiting up to %s for %s in flight; another signal ends at once\n", timeout, counted(int(n), "request"))
	}
	v.drain(delay, timeout)
}

// hurry is how long Ctrl-C lets requests in flight go on.
const hurry = time.Second

// hurried tells whether it was Ctrl-C that ended ctx.
func hurried(ctx context.Context) bool {
	return ctx.Err() != nil && strings.HasPrefix(context.Cause(ctx).Error(), os.Interrupt.String())
}

// report prints problems; warnings and notes of a spec are for check.
func report(w io.Writer, problems config.Problems) {
	for _, p := range problems {
		if p.Severity == config.Error {
			fmt.Fprintln(w, said(p))
		}
	}
}

// said is a problem as a line; one of the flags has no place in a file.
func said(p config.Problem) string {
	if p.File == flagsOnly {
		return "sallyport: " + strings.TrimPrefix(p.String(), flagsOnly+":1:1: ")
	}
	return p.String()
}

// announce says in plain words what is served and which controls are not on.
func announce(w io.Writer, v *service) {
	for _, l := range v.listeners {
		fmt.Fprintf(w, "sallyport: serving %s\n", l.url)
	}
	for _, a := range v.config.APIs {
		fmt.Fprintf(w, "sallyport: api %s: %s → %s\n", a.Name, operations(count(v.gateway.Posture(), a.Name)), strings.Join(a.Upstream.Targets, ", "))
		for _, line := range missing(&a, v.gateway.Posture()) {
			fmt.Fprintf(w, "sallyport: api %s: not on: %s\n", a.Name, line)
		}
	}
	if v.admin != nil {
		fmt.Fprintf(w, "sallyport: admin %s\n", v.admin.url)
	}
	if !v.config.Audit.On() {
		fmt.Fprintln(w, "sallyport: not on: audit, by the config: nothing of what happens can be proved later")
	}
	if v.newAuditKey != "" {
		fmt.Fprintf(w, "sallyport: audit log in %s; give auditors its verifier key: %s\n", auditPlace(v.config).dir, v.newAuditKey)
	}
	if v.newToken != "" {
		fmt.Fprintf(w, "sallyport: admin token (shown once, kept as a hash): %s\n", v.newToken)
	}
}

func count(all []gateway.Posture, api string) (n int) {
	for _, p := range all {
		if p.API == api {
			n++
		}
	}
	return n
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func operations(n int) string { return counted(n, "operation") }

// families are the controls that a reader expects, and why one of them may be absent.
var families = []struct{ name, why string }{
	{"identity", "nobody is asked who they are; declare identity and security in a config (sallyport init --spec FILE writes one)"},
	{"policy", "without an identity there are no roles, scopes and owners to judge"},
	{"limit", ""}, {"validate", ""}, {"inspect", ""}, {"protect", ""},
}

// missing lists controls that no operation, or not every operation, has in mode enforce.
func missing(a *config.API, posture []gateway.Posture) []string {
	var lines []string
	if a.Spec == "" {
		lines = append(lines, "validate, policy: there is no spec; everything passes through inspection and is recorded as undocumented")
	}
	for _, f := range families {
		modes := map[config.Mode]int{}
		for _, p := range posture {
			if p.API == a.Name {
				modes[weakest(p, f.name)]++
			}
		}
		switch {
		case a.Spec == "" && (f.name == "identity" || f.name == "policy" || f.name == "validate"):
		case modes[config.Off] > 0 && modes[config.Enforce]+modes[config.Monitor] == 0:
			lines = append(lines, strings.TrimSuffix(f.name+": "+f.why, ": "))
		case modes[config.Off] > 0:
			lines = append(lines, fmt.Sprintf("%s: off for %s", f.name, operations(modes[config.Off])))
		}
		if modes[config.Monitor] > 0 {
			lines = append(lines, fmt.Sprintf("%s: only monitored for %s", watching(a.Name, f.name, posture), operations(modes[config.Monitor])))
		}
	}
	return lines
}

// watching is the family where all of its guards are monitored somewhere, else names those that are.
func watching(api, family string, posture []gateway.Posture) string {
	monitored, all := map[string]bool{}, map[string]bool{}
	for _, p := range posture {
		for guard, mode := range p.Guards {
			if name, _, _ := strings.Cut(guard, "."); p.API != api || name != family {
				continue
			}
			if all[guard] = true; mode == config.Monitor {
				monitored[guard] = true
			}
		}
	}
	if len(monitored) == len(all) {
		return family
	}
	return strings.Join(slices.Sorted(maps.Keys(monitored)), ", ")
}

func weakest(p gateway.Posture, family string) config.Mode {
	var modes []config.Mode
	for guard, mode := range p.Guards {
		if name, _, _ := strings.Cut(guard, "."); name == family {
			modes = append(modes, mode)
		}
	}
	switch {
	case len(modes) == 0:
		return config.Off
	case slices.Contains(modes, config.Monitor):
		return config.Monitor
	}
	return config.Enforce
}
