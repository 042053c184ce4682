package deploy

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const base = "gcr.io/distroless/static-debian12:nonroot"

// image is what container engines read of an image's config.
type image struct {
	Docker struct {
		Architecture string `json:"architecture"`
		Config       struct {
			User, WorkingDir     string
			Env, Entrypoint, Cmd []string
			Volumes              map[string]any
			Healthcheck          struct{ Test []string }
		} `json:"config"`
	}
}

// buildah keeps its images in a folder of the test's own.
type buildah struct {
	*testing.T
	dir string
}

func (b buildah) do(args ...string) string {
	b.Helper()
	return strings.TrimSpace(do(b.T, b.dir, "buildah", append([]string{"--root", filepath.Join(b.dir, "root"), "--runroot", filepath.Join(b.dir, "run"), "--storage-driver", "vfs"}, args...)...))
}

// The image is built by buildah from the Dockerfile, looked into, and run: its command line, as its user, on a root that is
// mounted read-only, with a volume, until its own health check says that it is well. Its base, which only a registry has,
// is put together as its makers do it: from Debian's certificates, and a user.
func TestImage(t *testing.T) {
	all(t)
	root(t)
	installed(t, "buildah", "buildah")
	b := buildah{t, t.TempDir()}
	b.base()
	build := filepath.Join(b.dir, "context")
	platform := "linux/" + runtime.GOARCH
	do(t, ".", "install", "-D", gateway(t), filepath.Join(build, platform, "sallyport"))
	do(t, ".", "install", "-D", "image/data/.keep", filepath.Join(build, "deploy/image/data/.keep"))
	file, err := filepath.Abs("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	b.do("build", "--isolation", "chroot", "--format", "docker", "--build-arg", "TARGETPLATFORM="+platform, "--tag", "sallyport", "--file", file, build)
	container := b.do("from", "sallyport")
	var made image
	if err := json.Unmarshal([]byte(b.do("inspect", container)), &made); err != nil {
		t.Fatal(err)
	}
	dir := b.do("mount", container)
	b.holds(dir)
	c := made.Docker.Config
	if c.User != "65532:65532" || made.Docker.Architecture != runtime.GOARCH {
		t.Errorf("%+v", made)
	}
	b.runs(dir, c.Env, slices.Concat(c.Entrypoint, c.Cmd), c.Healthcheck.Test)
	t.Run("podman", func(t *testing.T) { contained(t, b.dir) })
	t.Run("compose", func(t *testing.T) { stack(t, b.dir) })
}

// base puts together what the Dockerfile begins with.
func (b buildah) base() {
	b.Helper()
	c := b.do("from", "scratch")
	dir := b.do("mount", c)
	write(b.T, filepath.Join(dir, "etc/passwd"), "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n", 0o644)
	write(b.T, filepath.Join(dir, "etc/group"), "root:x:0:\nnonroot:x:65532:\n", 0o644)
	do(b.T, ".", "install", "-D", "-m", "644", "/etc/ssl/certs/ca-certificates.crt", filepath.Join(dir, "etc/ssl/certs/ca-certificates.crt"))
	do(b.T, ".", "install", "-d", "-m", "1777", filepath.Join(dir, "tmp"))
	b.do("commit", "--quiet", c, base)
}

// holds demands what is in the image, and that nothing else is: no shell, nothing that anybody may write but the volume.
func (b buildah) holds(dir string) {
	b.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		names = append(names, strings.TrimPrefix(path, dir))
		info, err := d.Info()
		if err == nil && info.Mode()&(0o022|fs.ModeSetuid|fs.ModeSetgid) != 0 {
			b.Errorf("%s is %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	want := []string{"/etc/group", "/etc/passwd", "/etc/ssl/certs/ca-certificates.crt", "/usr/bin/sallyport", "/var/lib/sallyport/.keep"}
	if slices.Sort(names); !slices.Equal(names, want) {
		b.Errorf("the image holds %v", names)
	}
	info, err := os.Stat(filepath.Join(dir, "var/lib/sallyport"))
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != 65532 {
		b.Errorf("the volume's owner: %v %+v", err, info)
	}
}

// confined runs the command in a mount namespace whose root is $ROOT, read-only but for the volume, as the image's user.
const confined = `set -e
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
mount --bind "$CONFIG" "$ROOT/etc/sallyport"
mount --bind "$VOLUME" "$ROOT/var/lib/sallyport"
mount -o remount,bind,ro "$ROOT"
exec chroot --userspec=65532:65532 --groups= "$ROOT" "$@"`

// runs starts the image's command and asks its health check until it is content.
func (b buildah) runs(dir string, env, command, check []string) {
	b.Helper()
	separate(b.T, "mount -t tmpfs tmpfs /mnt")
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "{}") }))
	b.Cleanup(up.Close)
	config, volume := filepath.Join(b.dir, "config"), filepath.Join(b.dir, "volume")
	text, gate, admin := addresses(b.T, "version: 1\nlisten: [ { address: GATE } ]\nadmin: { address: ADMIN }\napis: [ { name: api, unknown: inspect, modes: { identity: off }, upstream: \""+up.URL+"\" } ]\n", "GATE", "ADMIN")
	write(b.T, filepath.Join(config, "sallyport.yaml"), text, 0o644)
	for _, d := range []string{volume, filepath.Join(dir, "etc/sallyport")} {
		do(b.T, ".", "install", "-d", "-o", "65532", "-g", "65532", d)
	}
	inside := func(args []string) *exec.Cmd {
		cmd := exec.Command("unshare", append([]string{"--mount", "sh", "-c", confined, "sh"}, args...)...)
		cmd.Env = append(env, "ROOT="+dir, "CONFIG="+config, "VOLUME="+volume, "PATH="+os.Getenv("PATH"))
		return cmd
	}
	p := start(b.T, inside(command))
	if len(check) < 2 || check[0] != "CMD" {
		b.Fatalf("the health check %q needs a shell", check)
	}
	probe := append(slices.Clone(check[1:]), "http://"+admin+"/readyz") // the port is another than the image's
	await(b.T, "the health check", func() bool { return inside(probe).Run() == nil })
	if got := status(http.DefaultClient, "http://"+gate+"/"); got != http.StatusOK {
		b.Errorf("a client is answered %d\n%s", got, p.log)
	}
	p.ends(b.T)
	if inside(probe).Run() == nil {
		b.Error("what has ended is healthy")
	}
}
