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

// installs is a root in which dpkg installs for real, maintainer scripts included.
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

// The Debian package is installed, upgraded, rolled back, removed and purged by dpkg itself; what it has installed is
// started by systemd itself, in the sandbox of its unit.
func TestDebianPackage(t *testing.T) {
	all(t)
	root(t)
	installed(t, "systemd-sysusers", "systemd")
	old, next := packed(t, "deb", "1.0.0"), packed(t, "deb", "1.1.0")
	i := newInstalls(t)
	i.dpkg("--install", old)
	uid, gid := i.user()
	if uid == 0 || gid == 0 {
		t.Fatalf("the user is %d:%d", uid, gid)
	}
	i.has("usr/bin/sallyport", 0o755, 0, 0)
	i.has("usr/lib/systemd/system/sallyport.service", 0o644, 0, 0)
	i.has("etc/sallyport/sallyport.yaml", 0o640, 0, gid)
	i.has("etc/sallyport/secrets", 0o700|fs.ModeDir, 0, 0)
	i.has("usr/share/man/man1/sallyport.1.gz", 0o644, 0, 0)
	i.has("usr/share/doc/sallyport/copyright", 0o644, 0, 0)
	i.has("usr/share/fish/vendor_completions.d/sallyport.fish", 0o644, 0, 0)
	i.has("usr/share/zsh/vendor-completions/_sallyport", 0o644, 0, 0)
	if out := do(t, ".", "bash", "-c", "source "+i.path("usr/share/bash-completion/completions/sallyport")+"; complete -p sallyport"); !strings.Contains(out, "-F _sallyport sallyport") {
		t.Errorf("completion: %s", out)
	}
	i.runs()

	config := i.path("etc/sallyport/sallyport.yaml")
	mine, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{next, old} { // an upgrade, and the way back
		i.dpkg("--install", version)
		if got, err := os.ReadFile(config); err != nil || string(got) != string(mine) {
			t.Errorf("%s replaced the config of the operator (%v):\n%s", version, err, got)
		}
		i.has("etc/sallyport/sallyport.yaml", 0o640, 0, gid)
	}
	i.dpkg("--remove", "sallyport")
	if _, err := os.Stat(config); err != nil {
		t.Errorf("to remove is not to purge: %v", err)
	}
	i.dpkg("--purge", "sallyport")
	if _, err := os.Stat(config); err == nil {
		t.Error("a purge leaves the config")
	}
	if _, err := os.Stat(i.path("var/lib/sallyport/keys/ring.db")); err != nil {
		t.Errorf("a purge takes the state along: %v", err)
	}
}

// The RPM has the same files and scripts.
func TestRPM(t *testing.T) {
	all(t)
	installed(t, "rpm", "rpm")
	out := do(t, ".", "rpm", "--query", "--package", "--nosignature", "--queryformat", "[%{FILEMODES:perms} %{FILEUSERNAME} %{FILENAMES}\n]%{POSTIN}%{PREUN}", packed(t, "rpm", "1.0.0"))
	for _, want := range []string{
		"-rwxr-xr-x root /usr/bin/sallyport\n", "-rw-r--r-- root /usr/lib/systemd/system/sallyport.service\n",
		"-rw-r----- root /etc/sallyport/sallyport.yaml\n", "drwx------ root /etc/sallyport/secrets\n",
		"-rw-r--r-- root /usr/share/zsh/site-functions/_sallyport\n", "systemd-sysusers", "systemctl disable --now",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
