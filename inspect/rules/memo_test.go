package rules

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// A text that comes again is judged as when it came first, in each lane by what is looked for there, however often others have
// come between.
func TestTextsThatComeAgain(t *testing.T) {
	p, err := compileText(`SecRule ARGS "@contains evil" "id:1,phase:2,deny,t:none"` + "\n" +
		`SecRule ARGS_NAMES "@rx evil[0-9]" "id:2,phase:2,deny,t:none"` + "\n" + `SecRule REQUEST_HEADERS "@pm evil good" "id:3,phase:2,deny,t:none"`)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		for _, c := range []struct {
			field Field
			rules string
		}{
			{Field{Collection: ArgsGet, Key: "q", Text: "evil1"}, "[1]"},
			{Field{Collection: ArgsGet, Key: "evil1", Text: "x"}, "[2]"},
			{Field{Collection: RequestHeaders, Key: "evil1", Text: "evil1"}, "[3]"},
			{Field{Collection: RequestHeaders, Key: "a", Text: "good"}, "[3]"},
			{Field{Collection: ArgsGet, Key: "good", Text: "good"}, "[]"},
			{Field{Collection: ArgsGet, Key: "q", Text: strings.Repeat("x", memoLength) + "evil"}, "[1]"},
			{Field{Collection: ArgsGet, Key: "q", Text: strings.Repeat("x", memoLength+4)}, "[]"},
		} {
			hits, err := p.Run(context.Background(), []Field{c.field}, 1, 2, nil)
			ids := []int{}
			for _, h := range hits {
				ids = append(ids, h.Rule.ID)
			}
			if err != nil || fmt.Sprint(ids) != c.rules {
				t.Errorf("round %d, %.20q: %.20q: rules %v, want %s, %v", i, c.field.Key, c.field.Text, ids, c.rules, err)
			}
		}
	}
}

// What comes once is not kept, what comes twice is, a secret never is, and strangers cannot make us keep more than two for each place.
func TestWhatIsRemembered(t *testing.T) {
	p, err := compileText(`SecRule ARGS "@rx evil[0-9]" "id:1,phase:2,deny,t:none"`)
	if err != nil {
		t.Fatal(err)
	}
	pass := func(text string, private bool) {
		if _, err := p.Run(context.Background(), []Field{{Collection: ArgsGet, Text: text, Private: private}}, 1, 2, nil); err != nil {
			t.Fatal(err)
		}
	}
	l := &p.lanes.text[ArgsGet]
	known := func(text string) bool { at := p.lanes.memo.at(l.others.seeker, text, false); return at.recall() != nil }
	for i := range 3 {
		pass("once more", false)
		pass("a password", true)
		if known("once more") != (i > 0) || known("a password") {
			t.Errorf("after %d times: %v, a secret %v", i+1, known("once more"), known("a password"))
		}
	}
	for i := range 10 * memoPairs {
		pass(fmt.Sprint("stranger ", i), false)
		pass(fmt.Sprint("stranger ", i), false)
	}
	kept := 0
	for i := range 10 * memoPairs {
		if known(fmt.Sprint("stranger ", i)) {
			kept++
		}
	}
	if kept > 2*memoPairs || kept < memoPairs {
		t.Errorf("%d of %d are kept", kept, 10*memoPairs)
	}
}

// BenchmarkMemo judges a text that comes again, and one that never does.
func BenchmarkMemo(b *testing.B) {
	p, err := compileText(`SecRule ARGS "@rx evil[0-9]" "id:1,phase:2,deny,t:none"`)
	if err != nil {
		b.Fatal(err)
	}
	for name, texts := range map[string]int{"again": 1, "never again": 1 << 20} {
		b.Run(name, func(b *testing.B) {
			list := make([][]Field, texts)
			for i := range list {
				list[i] = []Field{{Collection: ArgsGet, Text: fmt.Sprint("a text with a number ", i)}}
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := p.Run(context.Background(), list[i%texts], 1, 2, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Where expressions match in a text that comes again is found once, per expression and its transformations, and is the same.
func TestPlacesAreRemembered(t *testing.T) {
	p, err := compileText(`SecRule ARGS "@rx ([a-z]+)=(\d+)" "id:1,phase:2,deny,capture,logdata:'%{TX.1} %{TX.2}',t:none"` + "\n" +
		`SecRule ARGS "@rx ([a-z]+)=(\d+)" "id:2,phase:2,deny,capture,logdata:'%{TX.1} %{TX.2}',t:urlDecodeUni,t:lowercase"` + "\n" +
		`SecRule ARGS "@rx ^(\w)" "id:3,phase:2,deny,capture,chain,t:none"` + "\n\t" + `SecRule MATCHED_VAR "@rx (\d)$" "capture,logdata:'%{TX.1}',t:none"`)
	if err != nil {
		t.Fatal(err)
	}
	run := func() string {
		hits, err := p.Run(context.Background(), []Field{{Collection: ArgsGet, Key: "a", Text: "A%62c=17 x=9"}, {Collection: ArgsGet, Key: "b", Text: "none"}}, 1, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, h := range hits {
			said += fmt.Sprint(h.Rule.ID, " ", h.Fragment, "; ")
		}
		return said
	}
	first := run()
	for range 4 {
		if again := run(); again != first || first == "" {
			t.Errorf("%q, the first time %q", again, first)
		}
	}
	at := p.lanes.memo.at(p.lanes.text[ArgsGet].others.seeker, "A%62c=17 x=9", false)
	known := at.recall()
	if known == nil || known.places.Load() == nil || len(*known.places.Load()) != 3 {
		t.Fatalf("%+v", known)
	}
	for i := range 2 * maxPlaces {
		known.note(1000+i, make([]int, 40))
	}
	if list := *known.places.Load(); len(list) != maxPlaces || len(list[len(list)-1].groups) != maxGroups {
		t.Errorf("%d places, the last of %d indices", len(list), len(list[len(list)-1].groups))
	}
}
