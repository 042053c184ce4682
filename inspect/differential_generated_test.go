package inspect

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
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
const crowd = 48

// Both engines object to the same values by the same rules where a message carries many texts. Every pair of a rule and
// a value is compared. Where they differ, the texts are judged again, each in a message of its own, and there both agree:
// chains compare what the first link has captured of the last value that matched, and Coraza visits the values of a
// collection in the random order of a map. SALLYPORT_CROWDED says how many texts a long run makes, SALLYPORT_LEVEL at which
// paranoia level.
func TestSameAsCorazaOnCrowds(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: there is nothing for the race detector")
	}
	goal, err := strconv.Atoi(os.Getenv("SALLYPORT_CROWDED"))
	if err != nil {
		goal = 10 * crowd
	}
	list := levels
	if n, err := strconv.Atoi(os.Getenv("SALLYPORT_LEVEL")); err == nil {
		list = []int{n}
	}
	for _, paranoia := range list {
		c := &crowds{pair: newPair(t, paranoia)}
		maker := makerFor(t, paranoia)
		for turn := 0; c.texts < goal && !t.Failed(); turn++ {
			texts := make([]string, crowd)
			for i := range texts {
				texts[i] = maker.Next()
			}
			c.compare(t, texts, turn)
			if turn%200 == 0 {
				progress("paranoia %d: %d texts, %d matches, %d again", paranoia, c.texts, c.matches, c.again)
			}
		}
		t.Logf("paranoia %d: %d texts compared, %d pairs of rule and value matched in both, %d texts judged again alone", paranoia, c.texts, c.matches, c.again)
	}
}

// crowds counts what is compared.
type crowds struct {
	*pair
	texts, matches, again int
}

func (c *crowds) compare(t *testing.T, texts []string, turn int) {
	t.Helper()
	m := together(texts, turn)
	got, err := c.ours.Inspect(context.Background(), m, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := c.oracle.Inspect(context.Background(), m, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.texts += len(texts)
	same := slices.Equal(ruleIDs(got), ruleIDs(want))
	ours, theirs := placesOf(got), placesOf(want)
	for i, text := range texts {
		if same && slices.Equal(ours[i], theirs[i]) {
			c.matches += len(ours[i])
			continue
		}
		c.again++
		c.alone(t, text, turn, i)
	}
}

// alone compares the verdicts on one text of a crowd at its place.
func (c *crowds) alone(t *testing.T, text string, turn, i int) {
	t.Helper()
	c.differ = func(_ *Message, ours, oracle []string) {
		t.Errorf("turn %d, text %d, %q: ours %v, Coraza %v", turn, i, text, ours, oracle)
	}
	lone := make([]string, i+1)
	lone[i] = text
	if _, err := c.Inspect(context.Background(), together(lone, turn), nil); err != nil {
		t.Fatal(err)
	}
}

// placesOf spells the matches of each text of a crowd: its values come behind those of the head.
func placesOf(list []Match) (out [crowd][]string) {
	for _, h := range list {
		if h.Value >= headValues {
			i := h.Value - headValues
			out[i] = append(out[i], fmt.Sprint(h.Rule.ID, h.InName))
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
