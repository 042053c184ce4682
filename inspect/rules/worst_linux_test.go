package rules

import (
	"cmp"
	"fmt"
	"regexp/syntax"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/inspect/internal/sample"
)

// hostile are units that are repeated to make a text on which a rule of any kind is slow: what libinjection's tokens and
// states begin with, escapes of every transformation, comments that do not end, spaces, letters and bytes that are no UTF-8.
var hostile = []string{"a", "A", "1", " ", "'", "\"", "`", "/*", "*/", "--", "-", "#", "<", "<a ", "<!--", "<![CDATA[", "<a b=", "=", "x=", "on=", "&", "&#", "&#x41;", "&lt;", "%", "%41", "%u0041", "%25",
	"\\", "\\u0041", "\\x41", "\\41 ", "\\n", "../", "./", "//", "a/", "\x00", "\xff", "é", "\u00a0", "ſ", "K", "1'or'1", "select ", "union/**/", "(", ")", "((", "@@", "$(", "${", "{{", "0x", "1e", ".", ",", ";", "x'", "q'[", "U&'",
	"YWJj", "^", "\"'", "java", "script:", "\n", "\r\n", "\t", "a=1&", "+"}

// cpu is what the thread has used, so that neighbours on a busy machine do not count.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(1, &u); err != nil { // RUSAGE_THREAD
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// spent is the cost of do in nanoseconds for each byte of a text.
func spent(size int, do func()) float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := cpu()
	do()
	return float64(cpu()-began) / float64(size)
}

// grown repeats a unit until the text has a size.
func grown(unit string, size int) string { return strings.Repeat(unit, size/len(unit)+1)[:size] }

// against makes hostile units for an expression: matches of it, whole and cut short, after what it requires.
func against(b testing.TB, expr string, seed uint64) (units []string) {
	if _, err := syntax.Parse(expr, syntax.Perl); err != nil {
		return nil
	}
	maker, err := sample.New(seed, []string{expr}, nil)
	if err != nil {
		b.Fatal(err)
	}
	for range 4 {
		s := maker.Match()
		for _, cut := range []int{1, len(s) / 2} {
			if len(s) > cut {
				units = append(units, s[:len(s)-cut])
			}
		}
		if s != "" {
			units = append(units, s)
		}
	}
	return units
}

// A slow is a test and the text on which it was slowest.
type slow struct {
	what, unit string
	cost       float64
}

// Every test of the rule set, behind its transformations, on 1 MiB of each hostile text: nanoseconds for each byte, the
// worst ten of each kind. SALLYPORT_WORST is the size of the texts with which candidates for the worst are looked for.
func BenchmarkWorstCase(b *testing.B) {
	p, tests, _ := ruleSet(b)
	for range b.N {
		operators, lanes := worstOperators(b, tests), worstLanes(b, p)
		report(b, "operators", operators)
		report(b, "lanes", lanes)
	}
}

func report(b *testing.B, kind string, list []slow) {
	slices.SortFunc(list, func(x, y slow) int { return cmp.Compare(y.cost, x.cost) })
	over := 0
	for _, s := range list {
		if s.cost > 20 {
			over++
		}
	}
	for i, s := range list {
		if i >= 10 && s.cost <= 20 {
			break
		}
		fmt.Printf("%-9s %7.1f ns/byte  %s on %.30q\n", kind, s.cost, s.what, s.unit) // a log of a benchmark is cut off
	}
	b.ReportMetric(list[0].cost, kind+"-worst-ns/byte")
	b.ReportMetric(float64(over), kind+"-over-20")
}

// worstOperators tries every unit on a short text and the worst three on 1 MiB.
func worstOperators(b *testing.B, tests []*plain) (out []slow) {
	size := longRun("SALLYPORT_WORST", 4<<10)
	for i, one := range tests {
		if one == nil {
			continue
		}
		evaluate := func(unit string, size int) float64 {
			text := grown(unit, size)
			return spent(size, func() {
				r := &run{ctx: b.Context()}
				one.test.op.evaluate(r, one.test.chain.Apply(text))
			})
		}
		var tried []slow
		what := fmt.Sprintf("test %d, %s, %.50q", i, cmp.Or(one.test.chain.Name(), "none"), one.expr)
		for _, unit := range append(against(b, one.expr, uint64(i)), hostile...) {
			tried = append(tried, slow{what, unit, evaluate(unit, size)})
		}
		slices.SortFunc(tried, func(x, y slow) int { return cmp.Compare(y.cost, x.cost) })
		for _, s := range tried[:3] {
			s.cost = min(evaluate(s.unit, 1<<20), evaluate(s.unit, 1<<20)) // the second time the states are there
			out = append(out, s)
		}
	}
	return out
}

// worstLanes judges a message of one text, candidates, rules and all: the cost for each byte and chain of transformations.
func worstLanes(b *testing.B, p *Program) (out []slow) {
	for _, c := range []Collection{ArgsGet, RequestHeaders, RequestCookies, XML, ResponseBody} {
		first, last := 1, 2
		if c == ResponseBody {
			first, last = 3, 4
		}
		chains := max(1, len(p.lanes.text[c].chains))
		for _, unit := range hostile {
			fields := []Field{{Collection: c, Key: "n", Text: grown(unit, 1<<20)}}
			cost := spent(1<<20, func() {
				if _, err := p.Run(b.Context(), fields, first, last, nil); err != nil {
					b.Error(err)
				}
			})
			out = append(out, slow{fmt.Sprintf("%v, %d chains, %.1f ns/byte in all", c, chains, cost), unit, cost / float64(chains)})
		}
	}
	return out
}
