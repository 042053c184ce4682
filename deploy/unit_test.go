package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const unitFile = "linux/sallyport.service"

// systemd's own tools find nothing wrong with the unit, and rate its sandbox.
func TestUnit(t *testing.T) {
	installed(t, "systemd-analyze", "systemd")
	text, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "sallyport.service")
	write(t, copied, strings.ReplaceAll(string(text), "/usr/bin/sallyport", "/bin/true"), 0o644) // verify wants the program to exist
	if out, err := try(t, ".", "systemd-analyze", "verify", "--man=no", copied); err != nil || out != "" {
		t.Errorf("%v: %s", err, out)
	}
	out, err := try(t, ".", "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", copied) // 2.0 of 10
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
	for _, wants := range []string{"✓ NoNewPrivileges=", "✓ SystemCallFilter=~@privileged", "✓ ProtectSystem="} {
		if !strings.Contains(out, wants) {
			t.Errorf("no %s in\n%s", wants, out)
		}
	}
}

// The binary speaks of what the unit waits for; activation_test.go of the binary demands that it does.
func TestUnitSettings(t *testing.T) {
	for key, want := range map[string]string{"Type": "notify", "WatchdogSec": "30s", "User": "sallyport", "ExecReload": "/bin/kill -HUP $MAINPID"} {
		if got := unit(t, key); !slices.Equal(got, []string{want}) {
			t.Errorf("%s=%v", key, got)
		}
	}
}

// unit is every value of a key, in order.
func unit(t *testing.T, key string) (values []string) {
	t.Helper()
	text, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^`+key+`=(.*)$`).FindAllStringSubmatch(string(text), -1) {
		values = append(values, m[1])
	}
	return values
}
