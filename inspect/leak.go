package inspect

import (
	"regexp"
	"strings"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/inspect/pattern"
)

// A detector finds one kind of internals in the text of an answer. The patterns ask for the grammar of a machine's
// message, such as two frames of a stack trace, so that prose about errors does not match.
type detector struct {
	Rule
	message string
	// hints are literals of which one occurs in whatever matches; text without any is done with.
	hints  []string
	frame  *regexp.Regexp
	frames int // how often frame has to match
	// always: counts wherever it is found. Otherwise a match in a successful answer counts in undeclared fields only:
	// a field that the spec declares may well hold a log or a forum post that quotes a stack trace.
	always bool
}

var leakTags = []string{"attack-disclosure"}

func leak(id, message string, hints []string, frames int, frame string) detector {
	return detector{Rule: Rule{ID: "leak." + id, Tags: leakTags, Severity: exchange.Critical, Score: 5, Paranoia: 1}, message: message, hints: hints,
		frames: frames, frame: regexp.MustCompile(frame)}
}

// detectors are tried in this order; the first match of an id is reported.
var detectors = []detector{
	always(leak("private_key", "private key", []string{"PRIVATE KEY"}, 1,
		`-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr])*(?:[\w-]+: [^\n]{0,200}\s+){0,4}[A-Za-z0-9+/=]{32}`)),
	leak("java", "stack trace of Java", []string{".java:", ".kt:", ".scala:", ".groovy:", "(Native Method)", "(Unknown Source)"}, 2,
		`\bat (?:[\w$.@-]+/)?(?:[\w$]+\.)+[\w$<>]+\((?:[\w$]+\.(?:java|kt|scala|groovy):\d+|Native Method|Unknown Source)\)`),
	leak("java", "exception of Java", []string{".java:", ".kt:", ".scala:"}, 1,
		`\b(?:[a-z_]\w*\.)+\w*(?:Exception|Error)\b[^\n]{0,300}\s+at (?:[\w$.@-]+/)?(?:[\w$]+\.)+[\w$<>]+\([\w$]+\.(?:java|kt|scala):\d+\)`),
	leak("python", "stack trace of Python", []string{"Traceback (most recent call last)"}, 1,
		`Traceback \(most recent call last\):?\s+File \\?"[^"\n]{1,300}\\?", line \d+`),
	leak("python", "frames of Python", []string{".py\", line "}, 2, `File "[^"\n]{1,300}\.py", line \d+, in \S`),
	leak("go", "stack trace of Go", []string{"goroutine "}, 1, `goroutine \d+ \[[a-z][^\]\n]{0,60}\]:\s+\S[^\n]{0,300}\s+\S{1,300}\.go:\d+`),
	leak("go", "frames of Go", []string{".go:"}, 2, `\S{1,300}\.go:\d+ \+0x[0-9a-f]+`),
	leak("dotnet", "stack trace of .NET", []string{":line ", "--- End of"}, 1,
		"\\bat [\\w.`<>\\[\\],+]+\\([^)\\n]{0,300}\\) in [^\\n]{1,300}:line \\d+|--- End of (?:inner exception )?stack trace"),
	leak("dotnet", "exception of .NET", []string{"System.", "Microsoft."}, 1,
		"\\b(?:System|Microsoft)\\.[\\w.]*Exception\\b[^\\n]{0,300}\\s+at [\\w.`<>\\[\\],+]+\\("),
	leak("php", "error message of PHP", []string{".php"}, 1,
		`(?:Fatal error|Parse error|Warning|Notice|Deprecated)(?:</b>)?: [^\n]{1,400} in (?:<b>)?(?:/|[A-Za-z]:\\)[^\s<]{1,300}\.php(?:</b>)?(?: on line (?:<b>)?|:)\d+`),
	leak("php", "stack trace of PHP", []string{".php("}, 2, `#\d+ (?:/|[A-Za-z]:\\)[^\n]{1,300}\.php\(\d+\): `),
	leak("node", "stack trace of JavaScript", []string{".js:", ".ts:", ".mjs:", ".cjs:", "node:internal"}, 2,
		`\bat (?:[^\n()]{1,200} \()?(?:file://|webpack:|/|[A-Za-z]:\\|node:)[^\s()]{1,300}:\d+:\d+\)?`),
	leak("ruby", "stack trace of Ruby", []string{".rb:"}, 2, `[\w./-]+\.rb:\d+:in [\x60'‘"]`),
	leak("sql", "error message of a database", []string{"SQL", "ORA-", "PG::", "pq:", "ERROR:", "near \"", "quotation mark", "syntax near", "no such", "MongoServer", "DB2"}, 1,
		`You have an error in your SQL syntax; check the manual|\bORA-\d{5}: |\bPG::[A-Z]\w+: ERROR|\bpq: (?:syntax error|relation |column |duplicate key )|SQLSTATE(?:\[|: | )[0-9A-Z]{5}\b|`+
			`ERROR:\s+(?:syntax error at or near "|(?:relation|column|function) [^\n]{1,100} does not exist|duplicate key value violates unique constraint)|`+
			`Unclosed quotation mark (?:after|before) the character string|Incorrect syntax near (?:'|the keyword)|\bnear "[^"\n]{0,60}": syntax error|SQLITE_(?:ERROR|CONSTRAINT|BUSY|CORRUPT)\b|\bno such (?:table|column): \w|`+
			`\b(?:com\.mysql\.|org\.postgresql\.|oracle\.jdbc\.|java\.sql\.SQL|org\.hibernate\.)[\w.]*Exception|System\.Data\.(?:SqlClient|OleDb|Odbc)\.\w*Exception|\[(?:Microsoft|MySQL|unixODBC|FreeTDS)\]\[[^\]\n]{0,60}(?:ODBC|SQL)|`+
			`\bDB2 SQL error: SQLCODE|\bSQL0\d{3}N\b|\bMongoServerError: |Dynamic SQL Error`),
	leak("listing", "directory listing", []string{"Index of /", "Directory listing for", "[To Parent Directory]"}, 1,
		`<title>(?:Index of /|Directory listing for )|>\[To Parent Directory\]<`),
	leak("source", "source code", []string{"<?php", "<%@", "#!/"}, 1, `<\?php\s|<%@ ?(?:page|import|language)\b|(?m:^)#!/(?:usr/)?bin/\w`),
}

func always(d detector) detector { d.always = true; return d }

// partialRule marks answers of which the rules have seen the beginning only.
var partialRule = Rule{ID: "inspect.partial", Severity: exchange.Info}

// detectorRules are the rules that stand on our side of the seam; exclusions may name them.
var detectorRules = ownRules()

func ownRules() []Rule {
	rules := []Rule{partialRule}
	for _, d := range detectors {
		rules = append(rules, d.Rule)
	}
	return append(rules, urlRules()...)
}

// urlRules are those of the check of URLs.
func urlRules() (rules []Rule) {
	for _, id := range []string{urlAmbiguous, urlScheme, urlPrivate, urlHost, urlResolve} {
		rules = append(rules, Rule{ID: id, Tags: urlTags, Severity: exchange.High})
	}
	return rules
}

// hints finds those of all detectors. No hint has a line break in it, so that texts can be asked one by one.
var hints = func() *pattern.Scanner {
	var all []string
	for _, d := range detectors {
		for _, h := range d.hints {
			all = append(all, strings.ToLower(h))
		}
	}
	return pattern.NewScanner([][]string{all})
}()

// A find is a match of a detector: where it begins and ends in the text.
type find struct {
	*detector
	start, end int
}

// detect runs every detector over a text.
func detect(text string) []find {
	var out []find
	for i := range detectors {
		d := &detectors[i]
		if len(out) > 0 && out[len(out)-1].ID == d.ID {
			continue
		}
		if start, end := d.find(text); start >= 0 {
			out = append(out, find{d, start, end})
		}
	}
	return out
}

// Patterns run in windows around hints, because they begin with no literal and would be slow on a large text.
const (
	windowBefore = 1 << 10
	windowAfter  = 16 << 10
	maxWindows   = 8
)

// find returns the first match, or -1.
func (d *detector) find(text string) (start, end int) {
	from := 0
	for range maxWindows {
		hint := d.hint(text, from)
		if hint < 0 {
			return -1, -1
		}
		low, high := max(from-windowBefore, hint-windowBefore, 0), min(hint+windowAfter, len(text))
		if all := d.frame.FindAllStringIndex(text[low:high], d.frames); len(all) == d.frames {
			return low + all[0][0], low + all[0][1]
		}
		from = high
	}
	return -1, -1
}

// hint returns where the first hint at or behind from begins, or -1.
func (d *detector) hint(text string, from int) int {
	first := -1
	for _, h := range d.hints {
		rest := text[from:]
		if first >= 0 {
			rest = text[from:min(first+len(h), len(text))]
		}
		if i := strings.Index(rest, h); i >= 0 && (first < 0 || from+i < first) {
			first = from + i
		}
	}
	return first
}
