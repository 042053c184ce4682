package inspect

import (
	"context"

	"github.com/sallyport/sallyport/exchange"
)

// An Engine runs attack rules over one message. It is the seam behind which rule engines are exchanged: the reading of
// the message, the exclusions, the scores' threshold, the masking and the verdict stay on this side of it.
//
// An Engine is immutable and safe for concurrent use. It keeps nothing of a message after Inspect has returned.
type Engine interface {
	// Inspect appends to dst a Match for every value that a rule of the message's stage objects to, each pair of rule
	// and place once. In the Body stage the values of the head are there as well, because some rules relate the two;
	// matches that lie in the head alone may come again. An error means that the message was not judged.
	Inspect(ctx context.Context, m *Message, dst []Match) ([]Match, error)
	// Rules lists what Inspect can report, by ascending id.
	Rules() []Rule
}

// A Rule is what is known of a rule without a message.
type Rule struct {
	ID       string // "942100"
	Tags     []string
	Severity exchange.Severity
	Score    int  // what one match adds to the anomaly score
	Paranoia int  // 1 to 4
	Alone    bool // refuses by itself, whatever the threshold
}

// A Match is a rule that objects to a value.
type Match struct {
	Rule    *Rule
	Message string // what the rule looks for
	// Value is the index in Message.Values, or -1 when Place says where.
	Value int
	// Place is "path", "query", "method", "body" or "request" for rules that look at more than a value.
	Place string
	// InName: the value's name matched, not its text.
	InName bool
	// Fragment is what matched, unmasked; it must not leave the package.
	Fragment string
}
