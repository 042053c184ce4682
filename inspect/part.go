package inspect

import (
	"fmt"

	"github.com/sallyport/sallyport/exchange"
)

// part leaves the head of a message and as much of its body as costs max bytes together, and returns a finding that says
// so. What is cut off goes through unread: the operator has chosen that.
func (m *Message) part(max int) exchange.Finding {
	size := m.size
	m.size = 0
	kept := 0
	for ; kept < len(m.Values); kept++ {
		v := &m.Values[kept]
		if m.size += len(v.Text) + m.nameSize(v.step); v.Part > CookiePart {
			m.size += weight
		}
		if over := m.size - max; over >= 0 {
			v.Text = v.Text[:len(v.Text)-min(over, len(v.Text))]
			m.size = max
			kept++
			break
		}
	}
	clear(m.Values[kept:])
	m.Values = m.Values[:kept]
	m.Raw = m.Raw[:min(len(m.Raw), max)]
	return exchange.Finding{Guard: "inspect.body", Rule: partialRule.ID, Severity: partialRule.Severity, Field: "body",
		Message: fmt.Sprintf("of text that counts for %d bytes, the first %d were inspected", size, max)}
}
