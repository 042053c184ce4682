package seclang

import (
	"errors"
	"io/fs"
	"testing"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
)

// A rule file is the operator's, but may be half written: whatever it holds, there is a tree or an error at a line of it.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"@crs-setup.conf.example", "@owasp_crs/REQUEST-922-MULTIPART-ATTACK.conf", "@owasp_crs/REQUEST-905-COMMON-EXCEPTIONS.conf"} {
		data, err := fs.ReadFile(coreruleset.FS, name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Add("SecRule ARGS:'/a|b/'|!ARGS:c \"!@rx \\\"\" \"id:1,chain\"\nSecRule &TX:x \"@eq 0\" \"setvar:'tx.a=b,c'\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ParseText("f", text)
		if err == nil {
			for _, d := range list {
				if r, ok := d.(*Rule); ok && r.ID() == 0 {
					t.Errorf("a rule without an id: %+v", r)
				}
			}
			return
		}
		var e *Error
		if !errors.As(err, &e) || e.Line < 1 || e.Column < 1 || e.File != "f" {
			t.Errorf("%#v", err)
		}
	})
}
