package deploy

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/testkit"
)

// The binary for the other processor that is released runs under QEMU: it tells what it is, takes a config, serves, passes
// a request on, and ends when it is asked to. The upstream is its own admin listener.
func TestReleaseForTheOther(t *testing.T) {
	all(t)
	other := map[string][2]string{"amd64": {"arm64", "qemu-aarch64-static"}, "arm64": {"amd64", "qemu-x86_64-static"}}[runtime.GOARCH]
	arch, qemu := other[0], other[1]
	installed(t, qemu, "qemu-user-static")
	dir := t.TempDir()
	file := filepath.Join(dir, "sallyport")
	do(t, "..", "env", "GOARCH="+arch, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, "./cmd/sallyport")
	if out := do(t, dir, qemu, file, "version"); !strings.Contains(out, "linux/"+arch) {
		t.Errorf("it calls itself %s", out)
	}
	gate, admin := testkit.FreeAddress(t), testkit.FreeAddress(t)
	config := filepath.Join(dir, "sallyport.yaml")
	write(t, config, `version: 1
listen: [ { address: "`+gate+`" } ]
admin: { address: "`+admin+`" }
store: { path: data }
apis: [ { name: api, unknown: inspect, modes: { identity: off }, upstream: "http://`+admin+`" } ]
`, 0o600)
	do(t, dir, qemu, file, "check", "--config", config)
	cmd := exec.Command(qemu, file, "run", "--config", config)
	cmd.Dir = dir
	p := start(t, cmd)
	await(t, "the gateway", func() bool { return exec.Command(qemu, file, "health", "http://"+admin+"/readyz").Run() == nil })
	do(t, dir, qemu, file, "health", "http://"+gate+"/healthz")
	p.ends(t)
}
