package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/audit"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/event/spool"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/gateway"
)

// patience is how long an act or a reload waits for its leaf.
const patience = 10 * time.Second

// place is where a config keeps its audit log, and what belongs to it.
type place struct{ dir, keys, secret string }

func auditPlace(c *config.Config) place {
	p := place{dir: c.Audit.Path, keys: c.Store.KeyFolder(), secret: c.Audit.Key}
	if p.dir == "" {
		p.dir = filepath.Join(c.Store.Path, "audit")
	}
	return p
}

// kept is where the last checkpoint is remembered outside of the log.
func (p place) kept() string { return filepath.Join(p.keys, "audit.last") }

// key is the configured signing key, or the one that was made on first start, which is now where there is none.
func (p place) key() (k audit.Key, made bool, err error) {
	if p.secret == "" {
		return audit.OpenKey(filepath.Join(p.keys, "audit.key"), origin())
	}
	text, err := config.Secret(p.secret)
	if err == nil {
		k, err = audit.ParseKey(text)
	}
	return k, false, err
}

// origin is a name for a new log that no other has: the host's, and a number. Neither spaces nor plus signs may be in it.
func origin() string {
	host, err := os.Hostname()
	if err != nil || strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r == '+' || r > '~' }) {
		host = "sallyport"
	}
	number := make([]byte, 4)
	_, _ = rand.Read(number) // never fails
	return host + "/audit/" + hex.EncodeToString(number)
}

// openAudit opens the audit log and whoever writes to it. Without one that is on, the gateway does not start.
func (v *service) openAudit() error {
	if !v.config.Audit.On() {
		return nil
	}
	p := auditPlace(v.config)
	if err := os.MkdirAll(p.keys, 0o700); err != nil {
		return err
	}
	key, made, err := p.key()
	if err != nil {
		return unaudited(err)
	}
	if made {
		v.newAuditKey = key.Public
	}
	witnesses, err := witnesses(v.config.Audit)
	if err != nil {
		return err
	}
	witnesses.Told = v.trouble("witnesses of the audit log")
	if v.audit, err = audit.Open(audit.Options{Dir: p.dir, Key: key, Kept: p.kept(), Witnesses: witnesses, Trouble: v.trouble("audit log")}); err != nil {
		return unaudited(err)
	}
	findings := v.config.Audit.Findings
	if findings == "" {
		findings = string(exchange.High)
	}
	v.ledger = event.NewLedger(v.audit, event.LedgerOptions{Findings: findings, Share: v.config.Audit.Share(), Sealer: v.ring, Told: v.early.hear})
	v.bus = append(v.bus, v.ledger)
	return nil
}

// unaudited says what can be done about a log that cannot be opened or written.
func unaudited(err error) error {
	hint := "what cannot be proved later is not taken into use; audit: off goes without"
	if errors.Is(err, audit.ErrRolledBack) {
		hint = "sallyport audit verify tells what differs; put the newer log back, or move the folder and keys/audit.last away to begin another log, and keep both as evidence"
	}
	return fmt.Errorf("%w\n    hint: %s", err, hint)
}

func witnesses(a config.Audit) (w audit.Witnesses, err error) {
	w.Quorum = a.Quorum
	for i, c := range a.Witnesses {
		key, err := audit.NewCosigner(c.Key)
		if err != nil {
			return w, fmt.Errorf("audit.witnesses[%d].key: %w", i, err)
		}
		w.List = append(w.List, audit.Witness{URL: c.URL, Key: key})
	}
	return w, nil
}

// trouble tells of a control that fails, and that works again.
func (v *service) trouble(what string) func(error) {
	return func(err error) {
		e := exchange.NewEvent(exchange.ControlHealthy, what+": works again")
		if err != nil {
			e = exchange.NewEvent(exchange.ControlFailing, what+": "+err.Error())
			slog.Error("a control fails", "control", what, "error", err)
		}
		e.Object = what
		v.early.hear(e)
	}
}

// tell hands on an event of which somebody must be able to prove that it happened. After an error it is to be taken for
// one that did not.
func (v *service) tell(ctx context.Context, e *exchange.Event) error {
	err := v.log(ctx, e)
	if err == nil {
		v.told(e)
	}
	return err
}

// log returns once the leaf of an event is durable.
func (v *service) log(ctx context.Context, e *exchange.Event) error {
	if v.ledger == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return v.ledger.Commit(ctx, e)
}

// told tells everybody else.
func (v *service) told(e *exchange.Event) {
	slog.Info(e.Detail, "event", e.Kind, "actor", e.Actor, "object", e.Object, "id", e.ID)
	v.early.hear(e)
}

// applied tells of a configuration that is about to be taken into use: when that cannot be written down, it is not, and nor are its
// sinks, which are the first to hear of it.
func (v *service) applied(cfg *config.Config, src *config.Source, s *gateway.Snapshot, sinks *spool.Change) error {
	e := exchange.NewEvent(exchange.ConfigApplied, "a configuration is taken into use")
	e.Object, e.Data = src.File, hashes(cfg, src, s)
	if err := v.log(v.ctx, e); err != nil {
		sinks.Discard()
		return unaudited(err)
	}
	v.takeSinks(cfg, sinks)
	v.told(e)
	return nil
}

// hashes are those of everything that a configuration was made from, by name.
func hashes(cfg *config.Config, src *config.Source, s *gateway.Snapshot) map[string]string {
	text := func(sum [sha256.Size]byte) string { return fmt.Sprintf("sha256:%x", sum) }
	data := map[string]string{"version": version(), "config": text(src.Sum)}
	if src.File == flagsOnly {
		flags, _ := json.Marshal(cfg) // plain structs
		data["config"] = text(sha256.Sum256(flags))
	}
	for name, doc := range s.Documents() {
		if doc != nil {
			data["spec."+name] = text(doc.Sum())
		}
	}
	for _, a := range cfg.APIs {
		if a.Inspect.Rules != "" {
			data["rules."+a.Name] = text(sumOf(a.Inspect.Rules))
		}
	}
	return data
}

// sumOf is the SHA-256 of what sha256sum prints of the rule files in a folder.
func sumOf(folder string) [sha256.Size]byte {
	files, _ := filepath.Glob(filepath.Join(folder, "*.conf")) // in order
	var list []byte
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err == nil {
			list = fmt.Appendf(list, "%x  %s\n", sha256.Sum256(data), filepath.Base(name))
		}
	}
	return sha256.Sum256(list)
}

// closeAudit writes down what is queued, and ends the log.
func (v *service) closeAudit() {
	if v.ledger != nil {
		v.ledger.Close()
	}
	if v.audit != nil {
		if err := v.audit.Close(); err != nil {
			slog.Error("the audit log is not complete", "error", err, "lost", strconv.FormatInt(v.audit.Stats().Dropped, 10))
		}
	}
}

func (v *service) observeAudit() {
	if v.audit == nil {
		return
	}
	m, s := v.metrics, v.audit.Stats
	m.Gauge("sallyport_audit_leaves", "Leaves of the audit log.", func() float64 { return float64(s().Size) })
	m.Gauge("sallyport_audit_queue", "Leaves that wait for the next checkpoint.", func() float64 { return float64(s().Queued) })
	m.Counter("sallyport_audit_appended_total", "Leaves that this process has added to the audit log.", func() float64 { return float64(s().Appended) })
	m.Counter("sallyport_audit_dropped_total", "Leaves that are not in the audit log because it took less than there was.", func() float64 { return float64(v.ledger.Dropped()) })
	m.Counter("sallyport_audit_commit_failures_total", "Commits of the audit log that failed; their leaves are tried again.", func() float64 { return float64(s().Failures) })
	m.Gauge("sallyport_audit_checkpoint_timestamp_seconds", "When this process last signed a checkpoint; 0: not yet.", func() float64 {
		if s().Checkpoint.IsZero() {
			return 0
		}
		return float64(s().Checkpoint.UnixMilli()) / 1000
	})
	m.Gauge("sallyport_audit_cosigned_leaves", "Leaves that enough witnesses have seen.", func() float64 { return float64(s().Cosigned) })
}

// unauditable are the mistakes that only the log itself would find.
func unauditable(cfg *config.Config, src *config.Source) (problems config.Problems) {
	if !cfg.Audit.On() {
		return nil
	}
	if _, err := witnesses(cfg.Audit); err != nil {
		problems = append(problems, src.Problem("audit.witnesses", "config.value", err.Error(), ""))
	}
	if cfg.Audit.Key != "" {
		if _, _, err := auditPlace(cfg).key(); err != nil {
			problems = append(problems, src.Problem("audit.key", "config.value", "audit.key: "+err.Error(), "sallyport audit key prints one"))
		}
	}
	return problems
}
