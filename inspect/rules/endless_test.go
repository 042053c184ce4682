package rules

import (
	"strings"
	"testing"

	"github.com/corazawaf/libinjection-go"
)

// Texts that libinjection would take seconds for count as SQL; ordinary long ones are asked about.
func TestEndless(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"quotes":         {strings.Repeat(`"`, 1<<20), true},
		"doubled quotes": {strings.Repeat(`''a`, 1<<18), true},
		"backslashes":    {strings.Repeat("\\\"", 1<<19), true},
		"prose":          {strings.Repeat("It's late, isn't it? ", 50_000), false},
		"a document":     {strings.Repeat(`{"name":"Ann","note":"","n":1},`, 30_000)[:900_000], false},
		"short":          {strings.Repeat(`"`, 1<<16), false},
	} {
		if got := endless(c.text); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	var o operator
	o.detectSQLi()
	short := strings.Repeat("''", 1000) + " or 1=1"
	if want, _ := libinjection.IsSQLi(short); o.holds(&run{}, short) != want {
		t.Error("a short text is decided otherwise than by libinjection")
	}
	if !o.holds(&run{}, strings.Repeat(`"`, 1<<20)) {
		t.Error("a text of quotes is no SQL")
	}
}
