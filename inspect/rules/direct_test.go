package rules

import (
	"context"
	"slices"
	"testing"
)

// Tests that nothing rules out are evaluated for each text of a head that they ask for, whether it has come before or not, and for
// none that has another name.
func TestHeadsAreJudgedOnce(t *testing.T) {
	p, err := compileText(`SecRule REQUEST_METHOD "!@within GET POST" "id:1,phase:1,deny,t:none"
SecRule REQUEST_HEADERS:Content-Length "!@rx ^\d+$" "id:2,phase:1,deny,t:none"
SecRule REQUEST_HEADERS "!@rx ^[a-z0-9/]*$" "id:4,phase:1,deny,t:lowercase"
SecRule REQUEST_HEADERS:Accept|REQUEST_HEADERS:Accept-Language "@gt 5" "id:3,phase:1,deny,t:length"
SecRule REQUEST_METHOD "!@streq POST" "id:5,phase:1,chain,deny"
SecRule &REQUEST_HEADERS:X "@gt 0" "t:none"
SecRule REQUEST_HEADERS:Host "!@streq a" "id:6,phase:1,chain,pass"
SecRule REQUEST_METHOD "!@streq GET" "t:none"`)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range p.lanes.order {
		if c.always {
			t.Errorf("%d is evaluated for every message", c.rule.ID)
		}
	}
	type head map[string]string
	for _, c := range []struct {
		method string
		head   head
		want   []int
	}{
		{"GET", head{"Content-Length": "12", "Accept": "a/b"}, nil},
		{"BREW", head{"Content-Length": "12"}, []int{1}},
		{"GET", head{"content-length": "twelve", "Accept": "twelve"}, []int{2, 3}},
		{"GET", head{"Content-Length": "12", "Accept-Language": "twelve"}, []int{3}},
		{"GET", head{"X": "twelve", "Content-Lengths": "twelve"}, []int{5}},
		{"POST", head{"X": "Twelve"}, nil},
		{"POST", head{"X": "twelve!"}, []int{4}},
		{"POST", head{"Accept": "a!b"}, []int{4}},
		{"POST", head{"Content-Length": "12!", "Y": "12!"}, []int{2, 4, 4}},
	} {
		fields := []Field{{Collection: RequestMethod, Text: c.method}}
		for name, text := range c.head {
			fields = append(fields, Field{Collection: RequestHeaders, Key: name, Text: text, Private: name == "Y"})
		}
		for round := range 4 { // remembered from the second on, known in the third; the last is the stage of the body
			hits, err := p.Run(context.Background(), fields, 1, 2, nil)
			var got []int
			for _, h := range hits {
				got = append(got, h.Rule.ID)
			}
			if slices.Sort(got); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%s %v, round %d: %v, want %v (%v)", c.method, c.head, round, got, c.want, err)
			}
			for i := range fields {
				fields[i].Clear = fields[i].Clear && round == 2
			}
		}
	}
}

// What is asked of the texts of a body, of counts and of what a run makes is evaluated as ever.
func TestWhatIsNotJudgedOnce(t *testing.T) {
	p, err := compileText(`SecRule ARGS "!@streq a" "id:1,phase:2,deny,t:none"
SecRule &REQUEST_HEADERS:X "@eq 0" "id:2,phase:1,deny,t:none"
SecRule REQUEST_METHOD "@streq GET" "id:3,phase:1,pass,t:none,setvar:tx.m=%{REQUEST_HEADERS.X}"
SecRule REQUEST_METHOD "!@streq %{tx.m}" "id:4,phase:1,deny,t:none"
SecRule REQUEST_HEADERS|!REQUEST_HEADERS:X "!@streq GET" "id:5,phase:1,deny,t:none"
SecRule REQUEST_BODY "!@streq a" "id:6,phase:2,deny,t:none"`)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range p.lanes.order {
		if want := c.rule.ID != 3; c.always != want {
			t.Errorf("%d is evaluated for every message: %v", c.rule.ID, c.always)
		}
	}
	for _, x := range []string{"GET", "PUT"} {
		fields := []Field{{Collection: RequestMethod, Text: "GET"}, {Collection: RequestHeaders, Key: "X", Text: x}}
		hits, err := p.Run(context.Background(), fields, 1, 2, nil)
		if want := x != "GET"; err != nil || len(hits) > 0 != want {
			t.Errorf("%s: %d hits, %v", x, len(hits), err)
		}
	}
}

// A variable that nobody reads is not set; one that a selector, a count or a text asks for is.
func TestIdleVariables(t *testing.T) {
	for reader, kept := range map[string]bool{
		`SecRule TX:other "@gt 0" "id:2,phase:2,deny"`:                                   false,
		`SecRule TX:score "@gt 0" "id:2,phase:2,deny"`:                                   true,
		`SecRule TX:/^sco/ "@gt 0" "id:2,phase:2,deny"`:                                  true,
		`SecRule &TX:score "@gt 0" "id:2,phase:2,deny"`:                                  true,
		`SecRule TX "@gt 0" "id:2,phase:2,deny"`:                                         true,
		`SecRule ARGS "@contains evil" "id:2,phase:2,deny,msg:'a score of %{tx.score}'"`: true,
	} {
		p, err := compileText(`SecRule ARGS "@contains evil" "id:1,phase:2,pass,severity:ERROR,setvar:tx.score=+1"` + "\n" + reader)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(p.lanes.order[0].actions) > 0; got != kept {
			t.Errorf("%s: the variable is set: %v", reader, got)
		}
	}
}
