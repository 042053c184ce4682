//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/gateway"
)

// logged is all that lies in the bundles of the audit log.
func (s *site) logged() string {
	var all strings.Builder
	for _, text := range files(s.t, filepath.Join(s.dir, "data/audit/tile/entries")) {
		all.Write(text)
	}
	return all.String()
}

// rekeyed puts an older ring of keys in place of the present one; what the log's owner keeps beside it stays.
func (s *site) rekeyed(older string) {
	s.t.Helper()
	keys := filepath.Join(s.dir, "keys")
	for name := range files(s.t, keys) {
		if !strings.HasPrefix(filepath.Base(name), "audit.") {
			if err := os.Remove(name); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	if err := os.CopyFS(keys, os.DirFS(older)); err != nil {
		s.t.Fatal(err)
	}
}

// Whoever restores the keys of before an erasure has not undone it: the log knows which keys were destroyed.
func TestErasedStayErased(t *testing.T) {
	if testing.Short() {
		t.Skip("starts three gateways")
	}
	t.Parallel()
	s := newSite(t, "")
	s.start()
	ids := s.asks("lovelace")
	await(t, "records in the store", func() bool {
		return strings.Contains(s.run(0, "sallyport", "explain", "--config", "sallyport.yaml"), ids[1])
	})
	s.stop()
	older := filepath.Join(t.TempDir(), "keys")
	if err := os.CopyFS(older, os.DirFS(filepath.Join(s.dir, "keys"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"audit.key", "audit.last"} {
		if err := os.Remove(filepath.Join(older, name)); err != nil {
			t.Fatal(err)
		}
	}
	s.run(0, "sallyport", "audit", "--config", "sallyport.yaml", "erase", "--yes", "lovelace@example.org")
	s.start()
	await(t, "the leaf of the erasure", func() bool { return strings.Contains(s.logged(), exchange.Erased.Name) })
	s.stop()
	says(t, s.logged(), false, wasBack)

	s.rekeyed(older)
	says(t, s.reads(ids[1]), true, "lovelace@example.org") // they are back, indeed
	s.start()
	says(t, s.reads(ids[1]), false, "lovelace")
	await(t, "the leaf that says so", func() bool { return strings.Contains(s.logged(), wasBack) })
	s.stop()

	s.rekeyed(older)
	says(t, s.run(0, "sallyport", "audit", "--config", "sallyport.yaml", "reapply"), true, "back, and destroyed again")
	says(t, s.reads(ids[1]), false, "lovelace")
	says(t, s.run(0, "sallyport", "audit", "--config", "sallyport.yaml", "reapply"), true, "no key of an erased person is back")
	s.run(0, "sallyport", "audit", "verify", "--config", "sallyport.yaml")
}

// The sinks of the first configuration are taken into use as those of later ones are: once its leaf is durable, and not at all where
// it cannot be.
func TestSinksWaitForTheLeaf(t *testing.T) {
	s := newSite(t, "")
	t.Chdir(s.dir)
	cfg, src, problems := config.Load("sallyport.yaml")
	if cfg == nil {
		t.Fatal(problems)
	}
	for _, loggable := range []bool{false, true} {
		v := &service{config: cfg, ctx: t.Context()}
		if err := v.openRecords(cfg, nil); err != nil {
			t.Fatal(err)
		}
		v.gateway = gateway.New(v.parts)
		snapshot, problems := gateway.Build(cfg, src, v.parts)
		if snapshot == nil {
			t.Fatal(problems)
		}
		if n := len(v.spool.Stats()); n > 0 {
			t.Errorf("%d sinks are in use before the first configuration", n)
		}
		if !loggable {
			v.ledger.Close()
			if err := v.audit.Close(); err != nil {
				t.Fatal(err)
			}
		}
		err := v.begin(cfg, src, snapshot)
		if n := len(v.spool.Stats()); (err == nil) != loggable || n > 0 != loggable {
			t.Errorf("the log can be written: %v; then %d sinks are in use: %v", loggable, n, err)
		}
		if !loggable {
			v.ledger, v.audit = nil, nil
		}
		v.close()
	}
}

// A signal that comes while a start waits for the store or the audit log ends it like any other: it is no failure of theirs.
func TestStoppedWhileStarting(t *testing.T) {
	s := newSite(t, "")
	t.Chdir(s.dir)
	cfg, src, problems := config.Load("sallyport.yaml")
	if cfg == nil {
		t.Fatal(problems)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	v, _, err := open(ctx, cfg, src)
	if !errors.Is(err, errStopped) {
		t.Errorf("%v, want %v", err, errStopped)
	}
	if v != nil {
		t.Error("there is a service")
	}
}
