package rules

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/inspect/pattern"
	"github.com/sallyport/sallyport/inspect/seclang"
	"github.com/sallyport/sallyport/inspect/transform"
)

// An operator decides about one value.
type operator struct {
	negated  bool
	holds    func(r *run, value string) bool
	macro    macro                   // its argument, where it is one
	literals []string                // a value in which it holds contains one of these, folded to lower case; nil: unknown
	needs    *transform.Bytes        // … has one of these bytes; nil: unknown
	suspects func(string) bool       // … and this holds for it; nil: always
	like     func() *pattern.Pattern // … and that matches it; nil: nothing is known
	pattern  *pattern.Pattern        // of a regular expression
	caseless bool                    // it does not tell upper from lower case
	ofMacro  bool                    // holds depends on the run by the macro only
	captures bool                    // tells what has matched, where it is asked to
}

// selective reports whether values can be told beforehand in which the operator does not hold.
func (o *operator) selective() bool { return !o.negated && (o.literals != nil || o.needs != nil) }

// evaluate applies the operator.
func (o *operator) evaluate(r *run, value string) bool { return o.holds(r, value) != o.negated }

// compileOperator translates an operator of the language.
func (c *compiler) compileOperator(o seclang.Operator) (*operator, error) {
	at := o.Pos
	if err := checkArgument(o, o.Argument); err != nil {
		return nil, err
	}
	out := &operator{negated: o.Negated}
	var err error
	switch o.Name {
	case "rx":
		err = c.rx(at, out, o.Argument)
	case "pm":
		err = out.phrases(strings.Fields(o.Argument))
	case "pmFromFile", "pmf":
		err = c.phrasesOf(at, out, o.Argument)
	case "detectSQLi":
		out.detectSQLi()
	case "detectXSS":
		out.detectXSS()
	case "validateByteRange":
		err = out.byteRange(at, o.Argument)
	case "validateUrlEncoding":
		percent := transform.BytesOf("%")
		out.needs, out.holds = &percent, func(_ *run, v string) bool { return brokenEscape(v) }
	case "validateUtf8Encoding":
		out.holds = func(_ *run, v string) bool { return !utf8.ValidString(v) }
	case "unconditionalMatch":
		out.holds = func(*run, string) bool { return true }
	case "noMatch":
		out.holds = func(*run, string) bool { return false }
	case "ipMatch":
		err = out.ipMatch(at, o.Argument)
	default:
		err = out.compare(at, o)
	}
	return out, err
}

// checkArgument demands an argument where the operator means nothing without, and a number, or a macro, where it compares
// numbers.
func checkArgument(o seclang.Operator, argument string) error {
	if argument == "" && !argumentless[o.Name] {
		return problem(o.Pos, "@%s lacks an argument", o.Name)
	}
	if _, err := strconv.Atoi(argument); numeric[o.Name] && err != nil && !strings.Contains(argument, "%{") {
		return problem(o.Pos, "@%s compares numbers, and %.40q is none", o.Name, argument)
	}
	return nil
}

// argumentless are the operators that mean something without an argument.
var argumentless = map[string]bool{"detectSQLi": true, "detectXSS": true, "validateUrlEncoding": true, "validateUtf8Encoding": true,
	"unconditionalMatch": true, "noMatch": true, "streq": true}
