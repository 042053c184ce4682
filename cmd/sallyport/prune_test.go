//go:build unix

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Old leaves go, with a leaf that says so, and the log of the real binary verifies on.
func TestAuditRetention(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a gateway several times")
	}
	t.Parallel()
	s := newSite(t, "")
	config := read(t, filepath.Join(s.dir, "sallyport.yaml"))
	s.write("sallyport.yaml", strings.Replace(config, "exchanges: all", "exchanges: all, retention: 1s", 1))
	s.start()
	for i := range 150 {
		s.asks(fmt.Sprint("user", i))
	}
	s.stop()
	key := strings.TrimSpace(read(t, filepath.Join(s.dir, "data/audit/key.pub")))
	var report string
	await(t, "leaves that are gone", func() bool { // they are old a few seconds after they were written
		time.Sleep(time.Second)
		s.start()
		s.stop()
		report = s.run(0, "sallyport", "audit", "--config", "sallyport.yaml", "verify", "--key", key)
		return strings.Contains(report, "pruned     the first 256 leaves")
	})
	says(t, report, true, "every leaf that is kept")
	var entries []byte
	for _, text := range files(t, filepath.Join(s.dir, "data/audit/tile/entries")) {
		entries = append(entries, text...)
	}
	says(t, string(entries), true, `"kind":"audit.pruned"`, `"first":"256"`)
}
