package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// booted is a systemd that runs in an installed root, with the unit and nothing else; testdata/systemd.sh says how.
type booted struct {
	*testing.T
	init string // its process id
}

func (i installs) boot() booted {
	i.Helper()
	separate(i.T, "mount -t tmpfs tmpfs /mnt")
	groups, _, _ := strings.Cut(do(i.T, ".", "findmnt", "--noheadings", "--output", "TARGET", "--types", "cgroup2"), "\n")
	group := filepath.Join(groups, filepath.Base(i.dir))
	i.Cleanup(func() { // of processes that were killed, the last is gone a moment later
		for range 200 {
			_ = exec.Command("find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";").Run()
			if _, err := os.Stat(group); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		i.Errorf("%s is left", group)
	})
	p := start(i.T, exec.Command("bash", "testdata/systemd.sh", i.dir, group))
	b := booted{i.T, ""}
	await(i.T, "systemd", func() bool {
		children, err := os.ReadFile("/proc/" + strconv.Itoa(p.Process.Pid) + "/task/" + strconv.Itoa(p.Process.Pid) + "/children")
		b.init = strings.TrimSpace(string(children))
		return err == nil && b.init != "" && b.is("active")
	})
	return b
}

// do runs a program of the root beside systemd.
func (b booted) do(args ...string) (string, error) {
	return try(b.T, ".", "nsenter", append([]string{"--target", b.init, "--mount", "--net", "--pid", "--"}, args...)...)
}

// is reports whether the unit is in that state; one that has failed will be in no other.
func (b booted) is(state string) bool {
	b.Helper()
	out, _ := b.do("systemctl", "show", "--property=ActiveState", "--value", "sallyport") // not before systemd listens
	if got := strings.TrimSpace(out); got == "failed" {
		said, _ := os.ReadFile("/proc/" + b.init + "/root/run/out")
		how, _ := b.do("systemctl", "status", "--no-pager", "sallyport")
		b.Fatalf("the unit has failed:\n%s\n%s", how, said)
	} else if got == state {
		return true
	}
	return false
}

// must is do for what has to succeed.
func (b booted) must(args ...string) string {
	b.Helper()
	out, err := b.do(args...)
	if err != nil {
		b.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// runs has systemd start the unit, with a secret, reload it, put a successor in its place, and stop it.
func (i installs) runs() {
	i.Helper()
	config := i.path("etc/sallyport/sallyport.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		i.Fatal(err)
	}
	const before = "  address: 127.0.0.1:9901"
	write(i.T, config, strings.Replace(string(text), before, "  token: \"file:${CREDENTIALS_DIRECTORY}/secret_admin-token\"\n"+before, 1), 0)
	write(i.T, i.path("etc/sallyport/secrets/admin-token"), "a token of thirty characters", 0o600)
	b := i.boot()
	b.must("sallyport", "health")
	if out, err := b.do("sallyport", "health", "http://127.0.0.1:8080/orders"); err == nil || !strings.Contains(out, "502 Bad Gateway") {
		b.Errorf("a client, for whom there is no upstream, is answered %s", out)
	}
	main := func() string {
		return strings.TrimSpace(b.must("systemctl", "show", "--property=MainPID", "--value", "sallyport"))
	}
	first := main()
	confined := b.must("cat", "/proc/"+first+"/status")
	for _, want := range []string{"CapEff:\t0000000000000400\n", "CapBnd:\t0000000000000400\n", "NoNewPrivs:\t1\n", "Seccomp:\t2\n"} { // CAP_NET_BIND_SERVICE is bit 10
		if !strings.Contains(confined, want) {
			b.Errorf("no %q in\n%s", want, confined)
		}
	}
	b.must("systemctl", "reload", "sallyport")
	await(b.T, "the end of the reload", func() bool { return b.is("active") })
	b.must("systemctl", "kill", "--signal=USR2", "--kill-whom=main", "sallyport")
	await(b.T, "the successor", func() bool { return main() != first && b.is("active") })
	b.must("sallyport", "health")
	b.must("systemctl", "stop", "sallyport")
	if _, err := os.Stat(i.path("var/lib/sallyport/sallyport.db-wal")); !b.is("inactive") || err == nil {
		b.Error("it was not asked to end: it has left the store open")
	}
}
