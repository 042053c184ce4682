package deploy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// The SBOM that a release carries names each module that is in the binary, with its version, and no other.
func TestSBOM(t *testing.T) {
	all(t)
	file := filepath.Join(t.TempDir(), "sbom.json")
	cyclonedx.do(t, ".", "bin", "-json", "-output", file, gateway(t))
	var bom struct {
		BomFormat  string
		Components []struct{ Name, Version string }
	}
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &bom)
	}
	if err != nil || bom.BomFormat != "CycloneDX" {
		t.Fatalf("%v: %.200s", err, data)
	}
	listed := map[string]string{}
	for _, c := range bom.Components {
		listed[c.Name] = c.Version
	}
	built := regexp.MustCompile(`(?m)^\tdep\t(\S+)\t(\S+)`).FindAllStringSubmatch(do(t, ".", "go", "version", "-m", gateway(t)), -1)
	if len(built) < 20 || len(listed) != len(built) {
		t.Errorf("%d modules listed, %d built in", len(listed), len(built))
	}
	for _, m := range built {
		if listed[m[1]] != m[2] {
			t.Errorf("%s %s is listed as %q", m[1], m[2], listed[m[1]])
		}
	}
}

// goreleaser takes its config, and makes everything but images and signatures, which need what is not here, of one target.
func TestRelease(t *testing.T) {
	all(t)
	goreleaser.do(t, "..", "check")
	dir := filepath.Join(t.TempDir(), "tree")
	do(t, "..", "git", "clone", "--quiet", ".", dir)
	config, err := os.ReadFile("../.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	here := strings.NewReplacer("[linux, darwin]", "[linux]", "[amd64, arm64]", "["+runtime.GOARCH+"]").Replace(string(config))
	write(t, filepath.Join(dir, ".goreleaser.yaml"), here, 0o644)
	goreleaser.do(t, dir, "release", "--snapshot", "--clean", "--skip=docker,sign")
	var made []string
	entries, err := os.ReadDir(filepath.Join(dir, "dist"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		made = append(made, e.Name())
	}
	names := strings.Join(made, "\n")
	for _, want := range []string{".deb", ".rpm", ".tar.gz", ".cdx.json", "SHA256SUMS"} {
		if !strings.Contains(names, want) {
			t.Errorf("no %s in\n%s", want, names)
		}
	}
	do(t, filepath.Join(dir, "dist"), "sha256sum", "--check", "--strict", "SHA256SUMS")
}
