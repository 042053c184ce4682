package deploy

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/goccy/go-yaml"
)

// packed makes a package of section nfpms of the release's config, by nfpm itself.
func packed(t *testing.T, format, version string) string {
	t.Helper()
	release := read[struct{ Nfpms []map[string]any }](t, "../.goreleaser.yaml")
	p := maps.Clone(release.Nfpms[0])
	for _, of := range []string{"ids", "formats", "mtime", "dependencies"} { // words of goreleaser's
		delete(p, of)
	}
	p["name"], p["arch"], p["version"], p["depends"] = "sallyport", runtime.GOARCH, version, release.Nfpms[0]["dependencies"]
	p["contents"] = append(slices.Clone(p["contents"].([]any)), map[string]any{"src": gateway(t), "dst": "/usr/bin/sallyport", "file_info": map[string]any{"mode": 0o755}})
	text, err := yaml.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "nfpm.yaml"), string(text), 0o600)
	file := filepath.Join(dir, "sallyport."+format)
	nfpm.do(t, "..", "package", "--config", filepath.Join(dir, "nfpm.yaml"), "--packager", format, "--target", file)
	return file
}

// installs is a root in which dpkg or rpm installs for real, maintainer scripts included.
type installs struct {
	*testing.T
	dir string
}

func newInstalls(t *testing.T) installs {
	t.Helper()
	dir, err := os.MkdirTemp(work, "root") // the path of a socket in it must be short
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "var/lib/dpkg/status"), "", 0o644)
	for _, below := range []string{"info", "updates"} {
		if err := os.MkdirAll(filepath.Join(dir, "var/lib/dpkg", below), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return installs{t, dir}
}

// dpkg runs it in the root. What the package depends on lies outside.
func (i installs) dpkg(args ...string) {
	i.Helper()
	do(i.T, ".", "dpkg", append([]string{"--root=" + i.dir, "--force-script-chrootless", "--force-depends", "--log=/dev/null"}, args...)...)
}

func (i installs) path(name string) string { return filepath.Join(i.dir, name) }

// user is the id of the user that the package made.
func (i installs) user() (uid, gid uint32) {
	i.Helper()
	data, err := os.ReadFile(i.path("etc/passwd"))
	if err != nil {
		i.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Split(line, ":"); f[0] == "sallyport" {
			u, _ := strconv.Atoi(f[2])
			g, _ := strconv.Atoi(f[3])
			return uint32(u), uint32(g)
		}
	}
	i.Fatalf("no user sallyport in\n%s", data)
	return 0, 0
}

// has demands a file with this mode and owner.
func (i installs) has(name string, mode fs.FileMode, uid, gid uint32) {
	i.Helper()
	info, err := os.Stat(i.path(name))
	if err != nil {
		i.Error(err)
		return
	}
	owner := info.Sys().(*syscall.Stat_t)
	if info.Mode() != mode || owner.Uid != uid || owner.Gid != gid {
		i.Errorf("%s: %v %d:%d, want %v %d:%d", name, info.Mode(), owner.Uid, owner.Gid, mode, uid, gid)
	}
}

// rpm runs it in the root, scripts included. What the package depends on lies outside.
func (i installs) rpm(args ...string) {
	i.Helper()
	do(i.T, ".", "unshare", append([]string{"--mount", "bash", "testdata/rpm.sh", i.dir}, args...)...)
}

// lives installs a package, runs what it has installed, by systemd itself and in the sandbox of its unit, upgrades it and goes back.
func (i installs) lives(install func(file string), old, next, completion string) {
	i.Helper()
	install(old)
	uid, gid := i.user()
	if uid == 0 || gid == 0 {
		i.Fatalf("the user is %d:%d", uid, gid)
	}
	i.has("usr/bin/sallyport", 0o755, 0, 0)
	i.has("usr/lib/systemd/system/sallyport.service", 0o644, 0, 0)
	i.has("etc/sallyport/sallyport.yaml", 0o640, 0, gid)
	i.has("etc/sallyport/secrets", 0o700|fs.ModeDir, 0, 0)
	i.has("usr/share/man/man1/sallyport.1.gz", 0o644, 0, 0)
	i.has("usr/share/doc/sallyport/copyright", 0o644, 0, 0)
	i.has("usr/share/fish/vendor_completions.d/sallyport.fish", 0o644, 0, 0)
	i.has(completion, 0o644, 0, 0)
	if out := do(i.T, ".", "bash", "-c", "source "+i.path("usr/share/bash-completion/completions/sallyport")+"; complete -p sallyport"); !strings.Contains(out, "-F _sallyport sallyport") {
		i.Errorf("completion: %s", out)
	}
	i.runs()
	config := i.path("etc/sallyport/sallyport.yaml")
	mine, err := os.ReadFile(config)
	if err != nil {
		i.Fatal(err)
	}
	for _, version := range []string{next, old} {
		install(version)
		if got, err := os.ReadFile(config); err != nil || string(got) != string(mine) {
			i.Errorf("%s replaced the config of the operator (%v):\n%s", version, err, got)
		}
		i.has("etc/sallyport/sallyport.yaml", 0o640, 0, gid)
	}
}

// there demands files, or their absence.
func (i installs) there(is bool, names ...string) {
	i.Helper()
	for _, name := range names {
		if _, err := os.Stat(i.path(name)); (err == nil) != is {
			i.Errorf("%s: %v", name, err)
		}
	}
}

// The Debian package is installed, upgraded, rolled back, removed and purged by dpkg itself.
func TestDebianPackage(t *testing.T) {
	all(t)
	root(t)
	installed(t, "systemd-sysusers", "systemd")
	i := newInstalls(t)
	i.lives(func(file string) { i.dpkg("--install", file) }, packed(t, "deb", "1.0.0"), packed(t, "deb", "1.1.0"), "usr/share/zsh/vendor-completions/_sallyport")
	i.dpkg("--remove", "sallyport")
	i.there(true, "etc/sallyport/sallyport.yaml")
	i.dpkg("--purge", "sallyport")
	i.there(false, "etc/sallyport/sallyport.yaml")
	i.there(true, "var/lib/sallyport/keys/ring.db")
}

// The RPM is installed, upgraded, rolled back and removed by rpm itself, which keeps a config that was changed.
func TestRPM(t *testing.T) {
	all(t)
	root(t)
	installed(t, "systemd-sysusers", "systemd")
	installed(t, "rpm", "rpm")
	separate(t, "mount -t tmpfs tmpfs /mnt")
	i := newInstalls(t)
	i.lives(func(file string) { i.rpm("--upgrade", "--oldpackage", file) }, packed(t, "rpm", "1.0.0"), packed(t, "rpm", "1.1.0"), "usr/share/zsh/site-functions/_sallyport")
	i.rpm("--erase", "sallyport")
	i.there(false, "usr/bin/sallyport", "etc/sallyport/sallyport.yaml")
	i.there(true, "etc/sallyport/sallyport.yaml.rpmsave", "var/lib/sallyport/keys/ring.db")
}
