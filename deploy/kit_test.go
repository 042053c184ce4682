package deploy

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/sallyport/sallyport/internal/testkit"
)

// A tool is a program of others, no dependency of the product. Where it is not installed it is built from its module.
type tool struct{ program, module string }

var (
	nfpm        = tool{"nfpm", "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2"}
	helm        = tool{"helm", "helm.sh/helm/v3/cmd/helm@v3.22.0"}
	kubeconform = tool{"kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0"}
	compose     = tool{"compose-go", "github.com/compose-spec/compose-go/v2/cmd@v2.16.2"}
	cyclonedx   = tool{"cyclonedx-gomod", "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0"}
	goreleaser  = tool{"goreleaser", "github.com/goreleaser/goreleaser/v2@v2.15.0"}
)

const kubernetes = "k8s.io/kubernetes@v1.35.0" // for the description of its API

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(work)
	os.Exit(code)
}

var work, _ = os.MkdirTemp("", "deploy")

// all skips what make packages runs: it builds the binary and the tools.
func all(t *testing.T) {
	t.Helper()
	if os.Getenv("SALLYPORT_ALL") == "" {
		t.Skip("builds tools of others: make packages")
	}
}

// installed skips where a program of Debian's is missing.
func installed(t *testing.T, program, pkg string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed: apt-get install %s", program, pkg)
	}
}

// root skips where the test may not change roots and owners.
func root(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root may change owners and roots")
	}
}

// separate skips where the machine gives no namespaces, or nothing may be mounted in them.
func separate(t *testing.T, mount string) {
	t.Helper()
	root(t)
	try := exec.Command("unshare", "--mount", "--net", "--pid", "--fork", "sh", "-ec", "mount --make-rprivate /; ip link set lo up; "+mount)
	if out, err := try.CombinedOutput(); err != nil {
		t.Skipf("this machine gives no namespaces: %v\n%s", err, out)
	}
}

// made makes the binary and what packages hold beside it. It is the release's but for the paths in it: without -trimpath
// what the other tests have compiled is not compiled again.
var made = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("make", "package-files", "BUILDFLAGS=-ldflags='-s -w'")
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return filepath.Abs("../bin/sallyport")
})

// gateway is the binary.
func gateway(t *testing.T) string {
	t.Helper()
	path, err := made()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// do runs a program in dir and returns what it printed.
func do(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	out, err := try(t, dir, program, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return out
}

func try(t *testing.T, dir, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if err != nil {
		return out.String() + said.String(), err
	}
	return out.String(), nil
}

func (u tool) do(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := u.try(t, dir, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", u.program, strings.Join(args, " "), err, out)
	}
	return out
}

func (u tool) try(t *testing.T, dir string, args ...string) (string, error) {
	if _, err := exec.LookPath(u.program); err == nil {
		return try(t, dir, u.program, args...)
	}
	return try(t, dir, "go", append([]string{"run", u.module}, args...)...)
}

// read decodes a file of YAML.
func read[T any](t *testing.T, file string) (v T) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(data, &v)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return v
}

func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// documented is the block of commands in docs/deploy.md that begins so.
func documented(t *testing.T, begin string) string {
	t.Helper()
	data, err := os.ReadFile("../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(data), "```sh\n"+begin)
	block, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatalf("docs/deploy.md has no commands that begin with %s", begin)
	}
	return begin + block
}

// A process is a gateway that runs in what it was packed in.
type process struct {
	*exec.Cmd
	log *bytes.Buffer
}

// start starts cmd and ends it with the test.
func start(t *testing.T, cmd *exec.Cmd) process {
	t.Helper()
	p := process{cmd, new(bytes.Buffer)}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // most have ended
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s\n%s", cmd, p.log)
		}
	})
	return p
}

// ends asks the process to end, which it does, and is content.
func (p process) ends(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("%v\n%s", err, p.log)
	}
}

// await waits until ok, for as long as a busy machine needs.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// status is what a GET is answered, or 0.
func status(client *http.Client, url string) int {
	answer, err := client.Get(url)
	if err != nil {
		return 0
	}
	answer.Body.Close()
	return answer.StatusCode
}

// addresses replaces the addresses of a config by free ones: gate and admin.
func addresses(t *testing.T, text string, gate, admin string) (config, gateAt, adminAt string) {
	t.Helper()
	gateAt, adminAt = testkit.FreeAddress(t), testkit.FreeAddress(t)
	for old, with := range map[string]string{gate: gateAt, admin: adminAt} {
		if !strings.Contains(text, old) {
			t.Fatalf("the config has no %s:\n%s", old, text)
		}
		text = strings.ReplaceAll(text, old, with)
	}
	return text, gateAt, adminAt
}
