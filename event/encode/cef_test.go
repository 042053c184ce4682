package encode

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// CEF is read back by liblognorm, whose parser of it rsyslog uses.
func TestCEF(t *testing.T) {
	if _, err := exec.LookPath("lognormalizer"); err != nil {
		t.Skip("needs lognormalizer: apt-get install liblognorm-utils")
	}
	rules := filepath.Join(t.TempDir(), "cef.rb")
	if err := os.WriteFile(rules, []byte("version=2\nrule=:%f:cef%\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, i := range cases() {
		reader := exec.Command("lognormalizer", "-r", rules, "-e", "json")
		line := string(encoded(t, "cef", i))
		reader.Stdin = strings.NewReader(line + "\n")
		out, err := reader.Output()
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			F struct {
				DeviceVendor, SignatureID, Name, Severity string
				Extensions                                map[string]string
			}
		}
		if err := json.Unmarshal(out, &got); err != nil || got.F.DeviceVendor != "Sallyport" {
			t.Errorf("%s cannot be read: %s %v\n%s", what, out, err, line)
			continue
		}
		ext := got.F.Extensions
		if ext["externalId"] != i.ID() {
			t.Errorf("%s: %v", what, got)
		}
		if r := i.Record; r != nil && what != "hostile" {
			if ext["requestMethod"] != r.Method || ext["cs2"] != r.Operation || ext["cs3"] != r.Guard || ext["requestClientApplication"] != r.UserAgent || ext["msg"] != r.Detail {
				t.Errorf("%s: %v", what, ext)
			}
		}
		if what == "hostile" && (ext["requestClientApplication"] != "a|b=c\\d  CEF:0|x   \u202e <script>" || ext["msg"] != `x =\|]"[y` || ext["dhost"] != "h ost") {
			t.Errorf("hostile: %q", ext)
		}
	}
}
