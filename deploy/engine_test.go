package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// An engine is podman in a network of its own, and where control groups are of the second version only, as it wants them.
// It limits containers to what any machine allows.
type engine struct {
	*testing.T
	inside, dir string
}

const engineConfig = `[containers]
cgroups = "disabled"
default_ulimits = ["nofile=4096:4096", "nproc=2000:2000"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
[network]
network_backend = "netavark"
`

// newEngine has the images that buildah has made in dir. It skips where no container runs.
func newEngine(t *testing.T, dir string) engine {
	t.Helper()
	installed(t, "podman", "podman crun netavark aardvark-dns")
	write(t, filepath.Join(dir, "containers.conf"), engineConfig, 0o644)
	write(t, filepath.Join(dir, "storage.conf"), fmt.Sprintf("[storage]\ndriver = \"vfs\"\ngraphroot = %q\nrunroot = %q\n", filepath.Join(dir, "root"), filepath.Join(dir, "run")), 0o644)
	const groups = `mount -t cgroup2 cgroup2 /sys/fs/cgroup`
	separate(t, groups)
	const cut = `mount --make-rprivate /; ` + groups + `; ip link set lo up; touch cut; exec sleep infinity`
	cmd := exec.Command("unshare", "--mount", "--net", "sh", "-ec", cut)
	cmd.Dir = t.TempDir()
	p := start(t, cmd)
	e := engine{t, strconv.Itoa(p.Process.Pid), dir}
	await(t, "namespaces of podman's own", func() bool {
		_, err := os.Stat(filepath.Join(cmd.Dir, "cut"))
		return err == nil
	})
	t.Cleanup(func() {
		if said, _ := e.command("sh", "-c", `podman ps --all; for c in $(podman ps --all --quiet); do podman logs --tail 20 $c; done`).CombinedOutput(); t.Failed() {
			t.Logf("%s", said)
		}
		_ = e.command("podman", "rm", "--all", "--force", "--volumes").Run()
	})
	if out, err := e.command("podman", "run", "--rm", "--network", "none", "localhost/sallyport", "version").CombinedOutput(); err != nil {
		t.Skipf("this machine runs no containers: %v\n%s", err, out)
	}
	return e
}

// command is a program beside podman.
func (e engine) command(args ...string) *exec.Cmd {
	cmd := exec.Command("nsenter", append([]string{"--target", e.inside, "--mount", "--net", "--"}, args...)...)
	cmd.Env = append(os.Environ(), "CONTAINERS_CONF="+filepath.Join(e.dir, "containers.conf"), "CONTAINERS_STORAGE_CONF="+filepath.Join(e.dir, "storage.conf"), "BUILDAH_ISOLATION=chroot")
	return cmd
}

// must runs a command that has to succeed and returns what it printed.
func (e engine) must(args ...string) string {
	e.Helper()
	cmd := e.command(args...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		e.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, out, &said)
	}
	return strings.TrimSpace(string(out))
}

// contained has podman run the image by the flags of docs/deploy.md, where there is nothing but a loopback: the only
// upstream is the gateway's own admin listener. The health check is the image's, the volume one that podman has made.
func contained(t *testing.T, dir string) {
	e := newEngine(t, dir)
	write(t, filepath.Join(dir, "alone/sallyport.yaml"), `version: 1
listen: [ { address: 127.0.0.1:8080 } ]
apis: [ { name: api, unknown: inspect, modes: { identity: off }, upstream: "http://127.0.0.1:9901" } ]
`, 0o644)
	_, flags, _ := strings.Cut(documented(t, "make image"), "docker run ")
	run := strings.Fields(strings.Replace(flags, "./gateway:", filepath.Join(dir, "alone")+":", 1))
	run[len(run)-1] = "localhost/sallyport"
	id := e.must(append([]string{"podman", "run", "--detach", "--network", "none"}, run...)...)
	await(t, "the health check of the image", func() bool { return e.command("podman", "healthcheck", "run", id).Run() == nil })
	e.must("podman", "exec", id, "/usr/bin/sallyport", "health", "http://127.0.0.1:8080/healthz") // a client's way
	e.must("podman", "stop", "--time", "30", id)
	if code := e.must("podman", "inspect", "--format", "{{.State.ExitCode}}", id); code != "0" {
		t.Errorf("it ends with %s:\n%s", code, e.must("podman", "logs", id))
	}
	if made, err := os.ReadDir(filepath.Join(e.must("podman", "volume", "inspect", "--format", "{{.Mountpoint}}", "state"), "audit")); err != nil || len(made) == 0 {
		t.Errorf("the volume holds no audit log: %v", err)
	}
}

// stack has podman-compose start the Compose file, with likenesses of the images that only registries have. All health
// checks are content; Prometheus, which is asked through the gateway, has scraped it; the gateway counts at Valkey, and
// writes to PostgreSQL. Grafana is in no package of Debian's.
func stack(t *testing.T, dir string) {
	installed(t, "podman-compose", "podman-compose")
	installed(t, "redis-server", "redis-server")
	installed(t, "prometheus", "prometheus")
	e := newEngine(t, dir)
	likeness := filepath.Join(t.TempDir(), "likeness")
	if err := os.CopyFS(likeness, os.DirFS("testdata/stack")); err != nil {
		t.Fatal(err)
	}
	do(t, likeness, "sh", "layout.sh")
	for service, of := range map[string]string{"postgres": "docker.io/library/postgres:18", "valkey": "docker.io/valkey/valkey:9", "prometheus": "docker.io/prom/prometheus:v3.7.0"} {
		e.must("podman", "build", "--quiet", "--format", "docker", "--target", service, "--tag", of, likeness)
	}
	e.must("podman", "tag", "localhost/sallyport", "ghcr.io/sallyport/sallyport:latest")
	files := composed(t)
	edit(t, filepath.Join(files, "compose.yaml"), "    ulimits: { nofile: 65536 }\n", "")
	edit(t, filepath.Join(files, "prometheus.yaml"), "15s", "1s")
	services := read[struct {
		Services map[string]struct{ Healthcheck struct{ Test []string } }
	}](t, "compose/compose.yaml").Services
	for _, service := range []string{"valkey", "prometheus", "postgres", "sallyport"} { // Debian's podman-compose does not wait for what is depended on
		e.must("env", "UPSTREAM=http://prometheus:9090", "podman-compose", "-p", "sallyport", "-f", filepath.Join(files, "compose.yaml"), "-f", filepath.Join(likeness, "debian.yaml"), "up", "--detach", service)
		if test := services[service].Healthcheck.Test; test != nil {
			await(t, "the health check of "+service, func() bool { // which it gives to a shell
				return e.command(append([]string{"podman", "exec", "sallyport_" + service + "_1"}, test[1:]...)...).Run() == nil
			})
		}
	}
	connected := regexp.MustCompile(`"sallyport_cluster_connected","instance":"sallyport:9901","job":"sallyport"},"value":\[[^]]*,"1"\]`)
	await(t, "Prometheus to know that the gateway has its counters", func() bool {
		answer, _ := e.command("curl", "--silent", "--insecure", "https://localhost:8443/api/v1/query?query=sallyport_cluster_connected").Output()
		return connected.Match(answer)
	})
	await(t, "the exchange in the database", func() bool {
		count, _ := e.command("podman", "exec", "sallyport_postgres_1", "psql", "-U", "sallyport", "-tAc", "SELECT count(*) > 0 FROM exchanges").Output()
		return strings.TrimSpace(string(count)) == "t"
	})
}

func edit(t *testing.T, file, old, with string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %q: %v", file, old, err)
	}
	write(t, file, strings.ReplaceAll(string(text), old, with), 0o644)
}
