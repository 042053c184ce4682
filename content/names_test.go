package content

import (
	"fmt"
	"strings"
	"testing"
)

// Ids are members of maps, and ids have case; equal names stay refused, in few members and in many.
func TestCases(t *testing.T) {
	var many strings.Builder
	for i := range 40 {
		fmt.Fprintf(&many, `"m%d":1,`, i)
	}
	for _, more := range []string{"", many.String()} {
		for names, cases := range map[string]bool{`"aB":1,"ab":2`: true, `"É":1,"é":2`: true, `"aB":1,"aB":2`: false, `"a\u0042":1,"aB":2`: false} {
			text := []byte("{" + more + names + "}")
			if _, err := ParseJSON(text, Limits{}); err == nil {
				t.Errorf("%s: passed without Cases", names)
			}
			if _, err := ParseJSON(text, Limits{Cases: true}); (err == nil) != cases {
				t.Errorf("%s: %v with Cases", names, err)
			}
		}
	}
}
