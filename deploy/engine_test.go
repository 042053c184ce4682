package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// podman runs what buildah has built, in a mount namespace where control groups are of the second version only, as it wants
// them.
func (b buildah) podman(args ...string) (string, error) {
	flags := []string{"--root", filepath.Join(b.dir, "root"), "--runroot", filepath.Join(b.dir, "run"), "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none"}
	cmd := exec.CommandContext(b.Context(), "unshare", append([]string{"--mount", "sh", "-ec", `mount --make-rprivate /; mount -t cgroup2 cgroup2 /sys/fs/cgroup; exec podman "$@"`, "sh"}, append(flags, args...)...)...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if err != nil {
		return out.String() + said.String(), err
	}
	return strings.TrimSpace(out.String()), nil
}

// contained has podman run the image by the flags of docs/deploy.md, in a network that has nothing but a loopback: the only
// upstream is the gateway's own admin listener. Its health check is the image's, its volume one that podman has made.
func (b buildah) contained() {
	b.Run("podman", func(t *testing.T) {
		installed(t, "podman", "podman crun")
		b := buildah{t, b.dir}
		must := func(args ...string) string {
			t.Helper()
			out, err := b.podman(args...)
			if err != nil {
				t.Fatalf("podman %s: %v\n%s", strings.Join(args, " "), err, out)
			}
			return out
		}
		flags := strings.Fields(strings.Split(documented(t, "make image"), "docker run")[1])
		flags = flags[:len(flags)-1] // the image
		for i, f := range flags {
			flags[i] = strings.Replace(f, "./gateway:", filepath.Join(b.dir, "alone")+":", 1)
		}
		write(t, filepath.Join(b.dir, "alone/sallyport.yaml"), `version: 1
listen: [ { address: 127.0.0.1:8080 } ]
apis: [ { name: api, unknown: inspect, modes: { identity: off }, upstream: "http://127.0.0.1:9901" } ]
`, 0o644)
		// Limits are what any machine allows, ports are not published without a network of the host's.
		flags = append(flags, "--network", "none", "--cgroups", "disabled", "--ulimit", "nofile=4096:4096", "--ulimit", "nproc=1000:1000", "--security-opt", "no-new-privileges", "localhost/sallyport")
		if out, err := b.podman(append([]string{"run", "--rm"}, append(flags, "version")...)...); err != nil {
			t.Skipf("this machine runs no containers: %s", out)
		}
		id := must(append([]string{"run", "--detach"}, flags...)...)
		defer b.podman("rm", "--force", "--volumes", id)
		await(t, "the health check of the image", func() bool {
			_, err := b.podman("healthcheck", "run", id)
			return err == nil
		})
		must("exec", id, "/usr/bin/sallyport", "health", "http://127.0.0.1:8080/healthz") // a client's way, through the gateway
		must("stop", "--time", "30", id)
		if code := must("inspect", "--format", "{{.State.ExitCode}}", id); code != "0" {
			t.Errorf("the end is %s:\n%s", code, must("logs", id))
		}
		if made, err := os.ReadDir(filepath.Join(must("volume", "inspect", "--format", "{{.Mountpoint}}", "state"), "audit")); err != nil || len(made) == 0 {
			t.Errorf("the volume holds no audit log: %v", err)
		}
	})
}
