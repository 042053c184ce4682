package dashboard

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

var update = flag.Bool("update", false, "write the golden file again")

// TestWhatIsOnEachPage holds what a person finds on each page: testdata/pages.txt. make golden writes it again.
func TestWhatIsOnEachPage(t *testing.T) {
	kept := traffic(400)
	var b strings.Builder
	for _, list := range [][]string{every(nil), every(kept)} {
		records := kept
		if list[len(list)-1] == "/search?q=user-3" {
			records = nil
			b.WriteString("With nothing kept\n\n")
		} else {
			b.WriteString("With exchanges\n\n")
		}
		o := options(keep(t, records...))
		for _, target := range list {
			readable, err := url.QueryUnescape(target)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s\n%s\n", readable, outline(t, page(t, o, target)))
		}
	}
	got := regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{26}\b`).ReplaceAllString(b.String(), "ID")
	const golden = "testdata/pages.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || got != string(want) {
		t.Errorf("%v: what is on the pages is not what %s says (make golden writes it again):\n%s", err, golden, got)
	}
}

// outline is what is on a page, without its figures: headings, tables by their columns, forms by their fields.
func outline(t *testing.T, page string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		switch n.Data {
		case "header", "footer", "datalist":
			return
		case "h1", "h2", "h3":
			fmt.Fprintf(&b, "%s%s\n", strings.Repeat("  ", int(n.Data[1]-'0')), text(n))
		case "thead":
			fmt.Fprintf(&b, "      table: %s\n", strings.Join(columns(n), ", "))
			return
		case "form":
			fmt.Fprintf(&b, "      form %s %s\n", attr(n, "method"), attr(n, "action"))
		case "input", "select", "textarea":
			if attr(n, "type") != "hidden" {
				fmt.Fprintf(&b, "        %s\n", attr(n, "name"))
			}
		case "svg":
			if attr(n, "role") == "img" {
				b.WriteString("      chart\n")
			}
		case "dt":
			fmt.Fprintf(&b, "      %s\n", text(n))
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(doc)
	return b.String()
}

func columns(n *html.Node) (list []string) {
	if n.Data == "th" && text(n) != "" {
		return []string{text(n)}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		list = append(list, columns(c)...)
	}
	return list
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(text(c))
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
