package inspect

import (
	"os"
	"slices"
	"strconv"
	"testing"

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

// Both engines object by the same rules to messages that carry texts made from the rules' own expressions.
func TestSameAsCorazaOnGenerated(t *testing.T) {
	var exprs []string
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
	for _, paranoia := range levels {
		p := newPair(t, paranoia)
		maker, err := sample.New(uint64(paranoia)<<32|uint64(generated(0)), exprs, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range generated(60) {
			p.carried(t, maker.Next(), i)
			if i%5000 == 0 {
				progress("paranoia %d: %d texts, %d messages", paranoia, i, p.messages)
			}
		}
		t.Logf("paranoia %d: %d messages compared", paranoia, p.messages)
	}
}
