package inspect

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

// A pair inspects with both engines and reports where they disagree about which rules match.
type pair struct {
	ours, oracle Engine
	mu           sync.Mutex
	messages     int
	differ       func(m *Message, ours, oracle []string)
}

func (p *pair) Rules() []Rule { return p.ours.Rules() }

func (p *pair) Inspect(ctx context.Context, m *Message, dst []Match) ([]Match, error) {
	var got []Match
	for i := range 3 { // the third time texts are remembered
		if i > 0 {
			m.forget()
		}
		var err error
		if got, err = p.ours.Inspect(ctx, m, dst); err != nil {
			return nil, err
		}
	}
	want, err := p.oracle.Inspect(ctx, m, nil)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages++
	if a, b := ruleIDs(got), ruleIDs(want); !slices.Equal(a, b) {
		p.differ(m, a, b)
	}
	return got, nil
}

// forget has everything looked for again, as if the head had not been judged.
func (m *Message) forget() {
	m.clear = 0
	for i := range m.Values {
		m.Values[i].clear = false
	}
}

func ruleIDs(list []Match) []string {
	var out []string
	for _, h := range list {
		out = append(out, h.Rule.ID)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func newPair(t testing.TB, paranoia int) *pair {
	start := time.Now()
	ours, err := newCompiled(settings{paranoia: paranoia})
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	oracle, err := newCoraza(settings{paranoia: paranoia})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("paranoia %d: %d rules, compiled in %v", paranoia, len(ours.Rules()), took)
	if a, b := len(ours.Rules()), len(oracle.Rules()); a > b {
		t.Errorf("%d rules, Coraza has %d", a, b)
	}
	return &pair{ours: ours, oracle: oracle, differ: func(m *Message, a, b []string) {
		t.Errorf("%s %s?%s: ours %v, Coraza %v", m.Method, m.Path, m.RawQuery, a, b)
	}}
}

// Both engines object to the same messages by the same rules: the tests of the rule set.
func TestSameAsCoraza(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: there is nothing for the race detector")
	}
	tests := loadFTW(t)
	for _, paranoia := range []int{1, 4} {
		p := newPair(t, paranoia)
		list := tests
		if os.Getenv("SALLYPORT_ALL") == "" {
			list = nil
			for i := paranoia; i < len(tests); i += sampleOf {
				list = append(list, tests[i])
			}
		}
		for i := range list {
			t.Run(list[i].name, func(t *testing.T) {
				p.differ = func(m *Message, a, b []string) {
					t.Errorf("%s %s?%s %v: ours %v, Coraza %v", m.Method, m.Path, m.RawQuery, m.Values, a, b)
				}
				runOne(&list[i], func(raw []byte) (map[string]bool, error) { return judgeRaw(raw, p) })
			})
		}
		t.Logf("%d messages", p.messages)
	}
}
