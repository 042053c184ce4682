package rules

import (
	"io/fs"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/corazawaf/libinjection-go"

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
	ofMacro  bool                    // holds depends on the run by the macro only
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

// comparisons take a macro as their argument.
var comparisons = map[string]func(value, argument string) bool{
	"streq":      func(v, a string) bool { return v == a },
	"contains":   strings.Contains,
	"beginsWith": strings.HasPrefix,
	"endsWith":   strings.HasSuffix,
	"within":     func(v, a string) bool { return strings.Contains(a, v) },
	"eq":         func(v, a string) bool { return number(v) == number(a) },
	"ge":         func(v, a string) bool { return number(v) >= number(a) },
	"gt":         func(v, a string) bool { return number(v) > number(a) },
	"le":         func(v, a string) bool { return number(v) <= number(a) },
	"lt":         func(v, a string) bool { return number(v) < number(a) },
}

var numeric = map[string]bool{"eq": true, "ge": true, "gt": true, "le": true, "lt": true}

// containing are the comparisons that hold only for values with the argument in them.
var containing = map[string]bool{"streq": true, "contains": true, "beginsWith": true, "endsWith": true}

// lower folds ASCII letters alone, as scanners do.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// number is 0 for what is no number, as in the language: digits, with a sign perhaps.
func number(s string) int {
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || len(digits) == 0 {
		return 0
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0 // asking strconv would make an error for each of many words
		}
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

func (o *operator) compare(at seclang.Pos, from seclang.Operator) error {
	compare, ok := comparisons[from.Name]
	if !ok {
		return problem(at, "the operator @%s is not supported", from.Name)
	}
	m, err := compileMacro(at, from.Argument)
	if err != nil {
		return err
	}
	o.macro, o.ofMacro = m, true
	if m.parts == nil && m.text != "" && containing[from.Name] {
		o.literals = []string{lower(m.text)}
	}
	o.holds = func(r *run, v string) bool {
		from := len(r.arena)
		holds := compare(v, o.macro.expand(r))
		r.arena = r.arena[:from] // the argument is not asked for again
		return holds
	}
	return nil
}

// rx compiles a regular expression as Coraza does: . matches line breaks and ^ $ match at them, unless the expression
// speaks of single bytes that are no UTF-8.
func (c *compiler) rx(at seclang.Pos, o *operator, expr string) error {
	binary := speaksOfBytes(expr)
	if !binary {
		expr = flags + expr
	}
	p, err := c.pattern(expr, binary)
	if err != nil {
		return problem(at, "@rx: %s", strings.Replace(err.Error(), flags, "", 1))
	}
	o.pattern, o.literals = p, p.Required()
	o.holds = func(r *run, v string) bool {
		if !r.capturing {
			return p.Match(v)
		}
		found := p.Find(r.groups[:0], v)
		if found != nil {
			r.groups = found
		}
		for i := 0; i+1 < len(found) && i < 18; i += 2 {
			text := ""
			if found[i] >= 0 {
				text = v[found[i]:found[i+1]]
			}
			r.capture(i/2, text)
		}
		return found != nil
	}
	return nil
}

// flags are before every expression that is not of bytes.
const flags = "(?sm)"

// speaksOfBytes reports whether the \xNN of an expression, taken as bytes, leave something that is no UTF-8.
func speaksOfBytes(expr string) bool {
	b := make([]byte, 0, len(expr))
	for i := 0; i < len(expr); i++ {
		if code, size := byteEscape(expr[i:]); size > 0 {
			b = append(b, code)
			i += size - 1
			continue
		}
		b = append(b, expr[i])
	}
	return !utf8.Valid(b)
}

// byteEscape reads \xNN or \x{NN}.
func byteEscape(s string) (code byte, size int) {
	if !strings.HasPrefix(s, `\x`) || len(s) < 4 {
		return 0, 0
	}
	digits, size := s[2:4], 4
	if s[2] == '{' {
		end := strings.IndexByte(s, '}')
		if end != 5 {
			return 0, 0
		}
		digits, size = s[3:5], 6
	}
	n, err := strconv.ParseUint(digits, 16, 8)
	if err != nil {
		return 0, 0
	}
	return byte(n), size
}

// phrases is @pm: any of them, ASCII letter case ignored.
func (o *operator) phrases(list []string) error {
	lower := make([]string, 0, len(list))
	for _, p := range list {
		lower = append(lower, strings.ToLower(p))
	}
	o.literals = lower
	scanner := pattern.NewScanner([][]string{lower})
	o.holds = func(r *run, v string) bool {
		start, end := scanner.First(v)
		if start < 0 {
			return false
		}
		if r.capturing {
			r.capture(0, v[start:end])
		}
		return true
	}
	return nil
}

// phrasesOf is @pmFromFile: a phrase a line, # begins a comment.
func (c *compiler) phrasesOf(at seclang.Pos, o *operator, name string) error {
	data, err := fs.ReadFile(c.options.Data, name)
	if err != nil {
		return problem(at, "@pmFromFile: couldn't read %s: %v", name, err)
	}
	var list []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			list = append(list, line)
		}
	}
	if len(list) == 0 {
		return problem(at, "@pmFromFile: %s holds no phrase", name)
	}
	return o.phrases(list)
}

// detectSQLi is libinjection. It takes more than one token to make a statement, and none of these bytes means one token at
// most: a property that a test keeps.
func (o *operator) detectSQLi() {
	var plain transform.Bytes
	for c := range 256 {
		if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' && c < 0x80 || c == '_') {
			plain[c>>6] |= 1 << (c & 63)
		}
	}
	o.needs, o.suspects, o.like = &plain, suspectsSQL, likeSQL
	o.holds = func(r *run, v string) bool {
		if endless(v) {
			return true
		}
		found, fingerprint := libinjection.IsSQLi(v)
		if found && r.capturing {
			r.capture(0, fingerprint)
		}
		return found
	}
}

// maxScans bounds what libinjection may take for a text: for each quote that is escaped it goes through the string again from
// its beginning, so that 1 MiB of nothing but quotes takes many seconds.
const maxScans = 1 << 32

// endless reports whether a text is so long, and has so many escaped quotes in one string, that libinjection would take
// longer than maxScans. Who sends such a text wants just that: it counts as SQL.
func endless(s string) bool {
	if len(s) <= 1<<16 { // not even if there were nothing else
		return false
	}
	for _, quote := range []byte{'\'', '"', '`'} {
		if escapes(s, quote) > maxScans/len(s) {
			return true
		}
	}
	return false
}

// escapes is how many escaped quotes of a kind stand together without one that could end the string: doubled ones, and
// those behind a backslash.
func escapes(s string, quote byte) (most int) {
	count := 0
	for i := strings.IndexByte(s, quote); i >= 0 && i < len(s); {
		run := i
		for i < len(s) && s[i] == quote {
			i++
		}
		switch {
		case i-run > 1:
			count += (i - run) / 2
		case run > 0 && s[run-1] == '\\':
			count++
		default:
			count = 0
		}
		most = max(most, count)
		next := strings.IndexByte(s[i:], quote)
		if next < 0 {
			break
		}
		i += next
	}
	return most
}

// detectXSS is libinjection: there is no tag without <, and no attribute with a value without =.
func (o *operator) detectXSS() {
	marks := transform.BytesOf("<=")
	o.needs = &marks
	o.holds = func(_ *run, v string) bool { return libinjection.IsXSS(v) }
}

// byteRange holds where a byte lies outside of the ranges: 9,10,32-126.
func (o *operator) byteRange(at seclang.Pos, argument string) error {
	var outside transform.Bytes
	for i := range outside {
		outside[i] = ^uint64(0)
	}
	for field := range strings.SplitSeq(argument, ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(field), "-")
		if !isRange {
			to = from
		}
		a, err1 := strconv.ParseUint(from, 10, 8)
		b, err2 := strconv.ParseUint(to, 10, 8)
		if err1 != nil || err2 != nil {
			return problem(at, "@validateByteRange: %q is neither a byte nor a range", field)
		}
		for c := a; c <= b; c++ {
			outside[c>>6] &^= 1 << (c & 63)
		}
	}
	o.needs = &outside
	o.holds = func(_ *run, v string) bool {
		for i := range len(v) {
			if outside.Has(v[i]) {
				return true
			}
		}
		return false
	}
	return nil
}

func brokenEscape(s string) bool {
	for i := strings.IndexByte(s, '%'); i >= 0; i = strings.IndexByte(s, '%') {
		if len(s) < i+3 || !isHex(s[i+1]) || !isHex(s[i+2]) {
			return true
		}
		s = s[i+3:]
	}
	return false
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

func (o *operator) ipMatch(at seclang.Pos, argument string) error {
	var list []netip.Prefix
	for field := range strings.SplitSeq(argument, ",") {
		field = strings.TrimSpace(field)
		prefix, err := netip.ParsePrefix(field)
		if err != nil {
			address, err := netip.ParseAddr(field)
			if err != nil {
				return problem(at, "@ipMatch: %q is no address and no range", field)
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		list = append(list, prefix)
	}
	o.holds = func(_ *run, v string) bool {
		address, err := netip.ParseAddr(v)
		if err != nil {
			return false
		}
		for _, p := range list {
			if p.Contains(address.Unmap()) {
				return true
			}
		}
		return false
	}
	return nil
}
