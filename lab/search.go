package lab

import (
	"regexp"
	"strings"
)

var searchRoutes = []route{
	{"GET /v1/search", public, search},
	{"GET /v1/downloads", public, download},
}

// innerQuote is an apostrophe inside a word.
var innerQuote = regexp.MustCompile(`(\pL)'(\pL)`)

// search finds products by words.
// flaw CONF-5, CONF-11: the words become part of the statement. Since the ticket about "O'Brien", quotes inside words are
// escaped, and that was that.
// flaw DOS-4: every asterisk multiplies the work.
func search(c *call) {
	words := innerQuote.ReplaceAllString(c.r.URL.Query().Get("q"), "$1''$2")
	pattern := "%" + strings.ReplaceAll(words, "*", "%") + "%"
	rows, steps := c.s.query("SELECT id, name, description FROM products WHERE published = 1 AND text LIKE '" + pattern + "'")
	c.s.searchSteps = steps
	found := make([]*product, 0, len(rows))
	for _, row := range rows {
		p := c.s.products[row[0]]
		if p == nil {
			p = &product{ID: row[0], Name: row[1], Description: row[2], Tags: []string{}}
		}
		found = append(found, p)
	}
	productPage(c, found)
}
