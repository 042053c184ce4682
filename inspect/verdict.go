package inspect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/exchange"
)

// classes maps the attack tags of the Core Rule Set to reasons. Where scores are equal, the earlier class names the
// refusal: the more specific one.
var classes = []struct {
	reason *exchange.Reason
	tags   []string
}{
	{exchange.SQLi, []string{"attack-sqli"}},
	{exchange.XSS, []string{"attack-xss"}},
	{exchange.RCE, []string{"attack-rce", "attack-injection-php", "attack-injection-java", "attack-injection-generic"}},
	{exchange.LFI, []string{"attack-lfi", "attack-rfi"}},
	{exchange.Protocol, []string{"attack-protocol", "attack-multipart-header", "attack-deprecated-header"}},
	{exchange.Attack, nil},
}

// weigh returns the class whose findings add up to the highest score.
func weigh(findings []exchange.Finding) *exchange.Reason {
	var scores [6]int
	for i := range findings {
		scores[classOf(findings[i].Tags)] += findings[i].Score
	}
	best := 0
	for i, s := range scores {
		if s > scores[best] {
			best = i
		}
	}
	return classes[best].reason
}

func classOf(tags []string) int {
	for i, c := range classes {
		for _, t := range c.tags {
			if slices.Contains(tags, t) {
				return i
			}
		}
	}
	return len(classes) - 1
}

// refuse makes the verdict of findings that reached a threshold.
func refuse(r *exchange.Reason, findings []exchange.Finding, score, threshold int, operation string) exchange.Verdict {
	top := slices.Clone(findings)
	slices.SortStableFunc(top, func(a, b exchange.Finding) int { return cmp.Compare(b.Score, a.Score) })
	detail := fmt.Sprintf("anomaly score %d reached the threshold of %d: rule %s in %s (%s)",
		score, threshold, top[0].Rule, top[0].Field, top[0].Message)
	return exchange.Refuse(r, detail).WithSetting(setting(top, score-threshold, operation))
}

// setting spells out the fewest exclusions after which the score stays below the threshold, narrowed to field and
// operation: surplus is how far the score lies above the highest one that passes, less one. top is sorted by score.
func setting(top []exchange.Finding, surplus int, operation string) string {
	var b strings.Builder
	b.WriteString("apis[].inspect.exclude:")
	for i := range top {
		if surplus < 0 {
			break
		}
		surplus -= top[i].Score
		if one := exclusionYAML(&top[i], operation); !strings.Contains(b.String(), one) { // one covers all elements of a list
			b.WriteString(one)
		}
	}
	return b.String()
}

// exclusionYAML is one entry of apis[].inspect.exclude.
func exclusionYAML(f *exchange.Finding, operation string) string {
	one := fmt.Sprintf("\n- rule: %q\n  field: %s\n", f.Rule, quoteYAML(anyElement(f.Field)))
	if operation != "" {
		one += fmt.Sprintf("  operation: %q\n", operation)
	}
	return one + "  reason: \"found to be harmless\""
}

// anyElement replaces the index of an element by [*]: what is harmless in one is so in its siblings.
func anyElement(field string) string {
	var b strings.Builder
	for i := 0; i < len(field); i++ {
		b.WriteByte(field[i])
		if field[i] != '[' {
			continue
		}
		j := i + 1
		for j < len(field) && '0' <= field[j] && field[j] <= '9' {
			j++
		}
		if j > i+1 && j < len(field) && field[j] == ']' {
			b.WriteByte('*')
			i = j - 1
		}
	}
	return b.String()
}

func quoteYAML(s string) string {
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
