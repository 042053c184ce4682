package encode

import (
	"bytes"
	"testing"
)

// Whatever a client sent is written as encoding/json writes it.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\\b\f\n\r\t\x00\x1f\x7f", "\xff\xfeé\u2028\u2029\ufffd\U0001f600<&>", "\xed\xa0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := appendText(nil, s), appendJSON(nil, s); !bytes.Equal(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	})
}
