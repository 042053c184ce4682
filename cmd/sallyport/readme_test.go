package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/lab"

	"github.com/sallyport/sallyport/internal/testkit"
)

// The README's way to protect one's own API is gone as it is printed: every sallyport command, in order, in one folder,
// as a process of its own. The shop is "your API"; only addresses are others, by the environment.
func TestReadme(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process for each command")
	}
	t.Parallel()
	w := newWalk(t)
	text := readme(t)
	for _, block := range fence.FindAllStringSubmatch(text, -1) {
		if block[1] != "sh" {
			continue
		}
		for line := range strings.Lines(block[2]) {
			if strings.HasPrefix(line, "sallyport ") {
				w.step(strings.TrimSpace(line))
			}
		}
	}
	if w.ran < 6 || w.refused == "" {
		t.Errorf("%d commands ran; the last refusal was %q", w.ran, w.refused)
	}
}

// The README's config holds for a spec that has the operation it names.
func TestReadmeConfig(t *testing.T) {
	dir := t.TempDir()
	for _, block := range fence.FindAllStringSubmatch(readme(t), -1) {
		if block[1] == "yaml" {
			write(t, filepath.Join(dir, "sallyport.yaml"), []byte(block[2]))
		}
	}
	write(t, filepath.Join(dir, "openapi.yaml"), []byte(`openapi: 3.1.0
info: { title: orders, version: "1" }
components:
  securitySchemes: { bearerAuth: { type: http, scheme: bearer } }
security: [ { bearerAuth: [] } ]
paths:
  /orders/{id}:
    get:
      parameters: [ { name: id, in: path, required: true, schema: { type: string, maxLength: 40 } } ]
      responses:
        "200":
          description: an order
          content: { application/json: { schema: { type: object, properties: { customerId: { type: string, maxLength: 40 } } } } }
`))
	var out bytes.Buffer
	if code := run([]string{"check", "--config", filepath.Join(dir, "sallyport.yaml")}, &out, &out); code != 0 {
		t.Errorf("exit code %d\n%s", code, &out)
	}
}

// A walk is a stranger's way through the README.
type walk struct {
	t          *testing.T
	dir        string
	shop       *lab.Lab
	upstream   string
	gate, ops  string
	env        []string
	ran        int
	refused    string // exchange id of the last refusal
	configured bool
}

func newWalk(t *testing.T) *walk {
	w := &walk{t: t, dir: t.TempDir()}
	var err error
	if w.shop, err = lab.New(lab.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.shop.Close() })
	if w.upstream, err = w.shop.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if w.gate, err = testkit.FindAddress(); err != nil {
		t.Fatal(err)
	}
	if w.ops, err = testkit.FindAddress(); err != nil {
		t.Fatal(err)
	}
	w.env = append(os.Environ(), "SALLYPORT_LISTEN="+w.gate, "SALLYPORT_ADMIN="+w.ops)
	write(t, filepath.Join(w.dir, "openapi.yaml"), w.shop.Spec())
	write(t, filepath.Join(w.dir, "jwks.json"), w.shop.JWKS())
	return w
}

// step runs one line; a line that serves is asked for something and ended by a signal.
func (w *walk) step(line string) {
	w.ran++
	line = strings.ReplaceAll(line, "http://127.0.0.1:9000", w.upstream)
	if strings.HasPrefix(line, "sallyport explain") {
		line = strings.Replace(line, "ID", w.refused, 1)
	}
	if strings.Contains(line, "--config") && !w.configured {
		w.fillIn()
	}
	cmd := exec.CommandContext(w.t.Context(), "sh", "-c", "exec "+line)
	cmd.Dir, cmd.Env = w.dir, w.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	if strings.HasPrefix(line, "sallyport run") {
		w.use(&out)
		_ = cmd.Process.Signal(syscall.SIGTERM) // Wait tells whether it ended well
	}
	if err := cmd.Wait(); err != nil {
		w.t.Fatalf("%s: %v\n%s", line, err, &out)
	}
	if strings.HasPrefix(line, "sallyport explain") && !strings.Contains(out.String(), "openapi.unknown_operation") {
		w.t.Errorf("%s\n%s", line, &out)
	}
}

var placeholder = regexp.MustCompile(`(?m)^( +)issuer: .*\n +jwks: .*\n +audience: .*$`)

// fillIn is what the README asks for: say who issues the tokens.
func (w *walk) fillIn() {
	w.configured = true
	file := filepath.Join(w.dir, "sallyport.yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	if !placeholder.Match(data) {
		w.t.Fatalf("no issuer to fill in:\n%s", data)
	}
	write(w.t, file, placeholder.ReplaceAll(data, []byte("${1}issuer: "+lab.Issuer+"\n${1}jwks: \"file:jwks.json\"\n${1}audience: ["+lab.Audience+"]")))
}

// use asks the gateway for something declared and something that is not; with a config also for something of one's own.
func (w *walk) use(out *bytes.Buffer) {
	deadline := time.Now().Add(30 * time.Second)
	for w.ask("http://"+w.ops+"/readyz", nil) != 200 {
		if time.Now().After(deadline) {
			w.t.Fatalf("not ready\n%s", out)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if got := w.ask("http://"+w.gate+"/v1/status", nil); got != 200 {
		w.t.Errorf("what is declared: %d\n%s", got, out)
	}
	if w.configured {
		alice := http.Header{"Authorization": {"Bearer " + w.shop.Token(lab.Attacker)}}
		if got := w.ask("http://"+w.gate+"/v1/me", alice); got != 200 {
			w.t.Errorf("Alice: %d\n%s", got, out)
		}
		if got := w.ask("http://"+w.gate+"/v1/me", nil); got != 401 {
			w.t.Errorf("nobody: %d", got)
		}
	}
	if got := w.ask("http://"+w.gate+"/v0/customers", nil); got != 404 {
		w.t.Errorf("what is not declared: %d", got)
	}
}

func (w *walk) ask(url string, header http.Header) int {
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header = header.Clone()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	var problem struct{ Exchange string }
	if data, _ := io.ReadAll(answer.Body); json.Unmarshal(data, &problem) == nil && problem.Exchange != "" {
		w.refused = problem.Exchange
	}
	return answer.StatusCode
}

func readme(t *testing.T) string {
	data, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
