package inspect

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/inspect/internal/sample"
	"github.com/sallyport/sallyport/inspect/seclang"
)

// generated is how many texts a long comparison makes; SALLYPORT_GENERATED sets it.
func generated(few int) int {
	if n, err := strconv.Atoi(os.Getenv("SALLYPORT_GENERATED")); err == nil {
		return n
	}
	return few
}

// expressions are those of all rules.
func expressions(t testing.TB) (exprs []string) {
	list, err := directivesOf(settings{paranoia: 4}, append(slices.Clone(requestFiles), answerFiles...))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if r, ok := d.(*seclang.Rule); ok {
			for ; r != nil; r = r.Next {
				if r.Operator.Name == "rx" {
					exprs = append(exprs, r.Operator.Argument)
				}
			}
		}
	}
	return exprs
}

// makerFor makes texts for a comparison at a paranoia level.
func makerFor(t testing.TB, paranoia int) *sample.Maker {
	seed, _ := strconv.Atoi(os.Getenv("SALLYPORT_SEED"))
	maker, err := sample.New(uint64(paranoia)<<32|uint64(seed), expressions(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	return maker
}

// Both engines object by the same rules to messages that carry texts made from the rules' own expressions.
func TestSameAsCorazaOnGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: there is nothing for the race detector")
	}
	for _, paranoia := range levels {
		p, maker := newPair(t, paranoia), makerFor(t, paranoia)
		for i := range generated(60) {
			p.carried(t, maker.Next(), i)
			if i%5000 == 0 {
				progress("paranoia %d: %d texts, %d messages", paranoia, i, p.messages)
			}
		}
		t.Logf("paranoia %d: %d messages compared", paranoia, p.messages)
	}
}

// crowd is how many texts a message carries where Coraza's cost for each message would be most of the cost.
const crowd = 96

// Both engines object to the same values by the same rules where a message carries many texts. Every pair of a rule and
// a value is compared. Where they differ, the text is judged again in a message of its own, and there both agree: chains
// compare what the first link has captured of the last value that matched, and Coraza visits the values of a collection
// in the random order of a map. SALLYPORT_CROWDED says how many texts a long run makes.
func TestSameAsCorazaOnCrowds(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: there is nothing for the race detector")
	}
	goal, err := strconv.Atoi(os.Getenv("SALLYPORT_CROWDED"))
	if err != nil {
		goal = 5 * crowd
	}
	for _, paranoia := range levels {
		c := newCrowds(t, paranoia)
		maker := makerFor(t, paranoia)
		for turn := 0; c.texts < goal && !t.Failed(); turn++ {
			texts := make([]string, crowd)
			for i := range texts {
				texts[i] = maker.Next()
			}
			c.compare(t, texts, turn)
			if turn%100 == 0 {
				progress("paranoia %d: %d texts, %d matches, %d again", paranoia, c.texts, c.matches, c.again)
			}
		}
		t.Logf("paranoia %d: %d texts compared, %d pairs of rule and value matched in both, %d texts judged again alone", paranoia, c.texts, c.matches, c.again)
	}
}

// crowds counts what is compared. Coraza judges crowds with its own filters before regular expressions, and single texts
// without: a filter that is wrong is a difference.
type crowds struct {
	*pair
	filtered, captured    Engine // Coraza: for crowds, and with the rules of lastCaptured alone
	texts, matches, again int
}

// lastCaptured are the chains of which a crowd may say another thing than its texts do one by one.
var lastCaptured = []string{"921180", "931130", "932200", "942130", "942131", "942521", "943120"}

func newCrowds(t *testing.T, paranoia int) *crowds {
	c := &crowds{pair: newPair(t, paranoia)}
	s := settings{paranoia: paranoia}
	var others strings.Builder
	for _, r := range c.oracle.Rules() {
		if !slices.Contains(lastCaptured, r.ID) {
			fmt.Fprintf(&others, "SecRuleRemoveById %s\n", r.ID)
		}
	}
	for to, with := range map[*Engine][2]string{&c.filtered: {"SecRxPreFilter On\n", ""}, &c.captured: {"", others.String()}} {
		e, err := newCorazaWith(s, with[0], with[1])
		if err != nil {
			t.Fatal(err)
		}
		*to = e
	}
	return c
}

func (c *crowds) compare(t *testing.T, texts []string, turn int) {
	t.Helper()
	m := together(texts, turn)
	var got []Match
	var err error
	for range 3 { // the third time texts are remembered
		if got, err = c.ours.Inspect(context.Background(), m, nil); err != nil {
			t.Fatal(err)
		}
	}
	want, err := c.filtered.Inspect(context.Background(), m, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.texts += len(texts)
	open := exclusive(ruleIDs(got), ruleIDs(want)) // rules that match anywhere for one of them only
	ours, theirs := placesOf(got), placesOf(want)
	for i := range texts {
		for _, name := range exclusive(ours[i], theirs[i]) {
			open = slices.DeleteFunc(open, func(id string) bool { return strings.HasPrefix(name, id) })
		}
	}
	for i, text := range texts {
		differing := exclusive(ours[i], theirs[i])
		if len(differing)+len(open) == 0 {
			c.matches += len(ours[i])
			continue
		}
		c.again++
		c.alone(t, text, turn, i, len(open) > 0 || slices.ContainsFunc(differing, func(name string) bool {
			return !slices.Contains(lastCaptured, name[:6])
		}))
	}
}

// exclusive is what is in one of two sorted lists only.
func exclusive(a, b []string) (out []string) {
	for _, s := range slices.Concat(a, b) {
		if slices.Contains(a, s) != slices.Contains(b, s) {
			out = append(out, s)
		}
	}
	return out
}

// alone compares the verdicts on one text of a crowd at its place, by all rules or by those of lastCaptured.
func (c *crowds) alone(t *testing.T, text string, turn, i int, byAll bool) {
	t.Helper()
	lone := make([]string, i+1)
	lone[i] = text
	p := &pair{ours: c.ours, oracle: c.oracle}
	if !byAll {
		p.oracle = c.captured
	}
	p.differ = func(_ *Message, ours, oracle []string) {
		if !byAll {
			ours = slices.DeleteFunc(ours, func(id string) bool { return !slices.Contains(lastCaptured, id) })
		}
		if !slices.Equal(ours, oracle) {
			t.Errorf("turn %d, text %d, %q: ours %v, Coraza %v", turn, i, text, ours, oracle)
		}
	}
	if _, err := p.Inspect(context.Background(), together(lone, turn), nil); err != nil {
		t.Fatal(err)
	}
}

// placesOf spells the matches of each text of a crowd: its values come behind those of the head.
func placesOf(list []Match) (out [crowd][]string) {
	for _, h := range list {
		if h.Value >= headValues {
			i := h.Value - headValues
			out[i] = append(out[i], h.Rule.ID+map[bool]string{true: " in the name"}[h.InName])
		}
	}
	for i := range out {
		slices.Sort(out[i])
		out[i] = slices.Compact(out[i])
	}
	return out
}

// headValues are the values of a crowded message that are no text of the crowd.
const headValues = 3

// together is a request that carries every text that is not empty at a place of its own.
func together(texts []string, turn int) *Message {
	m := new(Message)
	m.reset(Body)
	m.Method, m.Proto, m.Path, m.Decoded = "POST", "HTTP/1.1", "/api/v1/items", "/api/v1/items"
	m.addNamed(HeaderPart, "Host", "api.example.com")
	m.addNamed(HeaderPart, "Accept", "*/*")
	kind := []string{"application/json", "application/x-www-form-urlencoded", "text/xml"}[turn%3]
	m.addNamed(HeaderPart, "Content-Type", kind)
	m.Media, _ = content.ParseMedia([]string{kind})
	parts := []Part{BodyPart, QueryPart, CookiePart, HeaderPart, PathPart, BodyPart, FilePart, BodyPart, QueryPart}
	for i, text := range texts {
		part, name := parts[i%len(parts)], "n"+strconv.Itoa(i)
		if part != HeaderPart && i%5 == 4 {
			name = text
		}
		m.addNamed(part, name, text)
	}
	return m
}
