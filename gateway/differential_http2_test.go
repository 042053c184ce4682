package gateway

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"github.com/sallyport/sallyport/exchange"
)

// Requests over HTTP/2 that no upstream may see; and honest ones in forms that HTTP/1 has not, each of which every upstream
// reads as it was judged.
func TestDifferentialHTTP2(t *testing.T) {
	eachUpstream(t, func(t *testing.T, j *judged) {
		for name, fields := range abuses() {
			if status, records := j.ask(t, name, fields, nil); !failed(status) || sent(records) > 0 {
				t.Errorf("%s: %s, %d requests were sent on", name, status, sent(records))
			}
		}
		post := func(more ...string) []string {
			return append([]string{":method", "POST", ":scheme", "http", ":authority", "h", ":path", "/judged?a=b%20c&a=d", "content-type", "text/plain"}, more...)
		}
		for name, m := range map[string]struct {
			fields []string
			body   []string // DATA; "padded:" and "trailers" are said so
		}{
			"no body":                        {honest(), nil},
			"cookies in crumbs":              {append(honest(), "cookie", "a=b", "cookie", "c=d"), nil},
			"a field in lines":               {append(honest(), "x-a", "1", "x-a", "2"), nil},
			"odd octets":                     {append(honest(), "x-a", "caf\xe9 \t;\"\\"), nil},
			"te":                             {append(honest(), "te", "trailers"), nil},
			"Host that agrees":               {append(honest(), "host", "h"), nil},
			"HEAD":                           {append([]string{":method", "HEAD"}, honest()[2:]...), nil},
			"expect":                         {post("expect", "100-continue", "content-length", "5"), []string{"hello"}},
			"a length":                       {post("content-length", "5"), []string{"hello"}},
			"no length":                      {post(), []string{"hel", "", "lo"}},
			"an empty body":                  {post(), []string{""}},
			"a length and pieces":            {post("content-length", "5"), []string{"h", "ello"}},
			"padding":                        {post("content-length", "5"), []string{"padded:he", "padded:llo"}},
			"trailers":                       {post("trailer", "x-t"), []string{"hello", "trailers"}},
			"trailers that nobody announced": {post(), []string{"hello", "trailers"}}, // go no further
			"framing in trailers":            {post(), []string{"hello", "trailers:content-length"}},
			"announced framing":              {post("trailer", "content-length"), []string{"hello", "trailers:content-length"}},
		} {
			if status, records := j.ask(t, name, m.fields, m.body); status != "204" || sent(records) != 1 {
				t.Errorf("%s: %s, %d requests were sent on", name, status, sent(records))
			}
		}
		for name, m := range map[string]struct {
			fields []string
			body   []string
		}{
			"shorter than its length": {post("content-length", "9"), []string{"hello"}},
			"longer than its length":  {post("content-length", "2"), []string{"hello"}},
			"DATA after the end":      {post("content-length", "5"), []string{"hello", "end", "smuggled"}},
			"a path in trailers":      {post(), []string{"hello", "trailers::path"}},
		} {
			if status, records := j.ask(t, name, m.fields, m.body); name != "DATA after the end" && (status == "204" || sent(records) > 0) {
				t.Errorf("%s: %s, %d requests were sent on", name, status, sent(records))
			}
		}
	})
}

// failed is an answer that refuses, or none.
func failed(status string) bool {
	return status == "reset" || status == "gone" || strings.HasPrefix(status, "4") || strings.HasPrefix(status, "5")
}

// ask sends one request on a connection of its own and holds what was judged against what was read.
func (j *judged) ask(t *testing.T, name string, fields, body []string) (string, []*exchange.Record) {
	j.last = nil
	c := dialH2(t, j.url)
	defer c.Close()
	id := c.send(body == nil, fields...)
	for i, piece := range body {
		c.piece(id, piece, i == len(body)-1 || body[i+1] == "end")
	}
	status := c.status(id)
	j.settle(name, []byte(fmt.Sprintf("%q %q", fields, body)))
	return status, j.last
}

// piece sends DATA, or trailers.
func (c *h2) piece(id uint32, text string, end bool) {
	data, padded := strings.CutPrefix(text, "padded:")
	switch {
	case text == "end":
	case padded:
		_ = c.WriteDataPadded(id, end, []byte(data), make([]byte, 7))
	case strings.HasPrefix(text, "trailers"):
		field := strings.TrimPrefix(strings.TrimPrefix(text, "trailers"), ":")
		if field == "" {
			field = "x-t"
		}
		_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block(field, "1"), EndHeaders: true, EndStream: true})
	default:
		_ = c.WriteData(id, end, []byte(text))
	}
}
