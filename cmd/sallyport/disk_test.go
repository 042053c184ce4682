//go:build linux

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A disk that is full costs lines of the access log and refusals for explain, which are counted, and no request its right
// answer. Once there is room, both are written again, without a restart.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("a small disk cannot be mounted, which takes root: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	g := startSoakedOn(t, disk, "sallyport")
	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	defer g.load(4)()
	await(t, "lines that cannot be written", func() bool { return g.metric("sallyport_access_log_dropped_total") > 50 })
	await(t, "refusals that cannot be kept", func() bool { return g.metric("sallyport_archive_dropped_total") > 50 })
	if status := get(g.admin + "/readyz"); status != http.StatusOK {
		t.Errorf("a full disk makes the gateway unready: %d", status)
	}
	g.stop() // every answer was right, or the test has failed
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(disk, "access.log"), 0); err != nil {
		t.Fatal(err)
	}
	var id string
	await(t, "a line in the access log", func() bool {
		resp, err := http.Get(g.gate + "/nothing")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		id = resp.Header.Get("X-Request-Id")
		text, err := os.ReadFile(filepath.Join(disk, "access.log"))
		return err == nil && strings.Contains(string(text), `"code":"openapi.unknown_operation"`)
	})
	g.keeps(id)
}

// fill takes all the room that is left.
func fill(t testing.TB, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 64 << 10; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}
