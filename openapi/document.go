package openapi

import (
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/content"
)

// limits bound a document within a parameter.
var limits = content.Limits{Bytes: 64 << 10, Depth: 16, Nodes: maxElements, NameSize: 256}

func decodableMedia(r string) bool {
	return isJSON(r) || r == "application/x-www-form-urlencoded" || r == "text/plain"
}

func isJSON(r string) bool { return r == "application/json" || strings.HasSuffix(r, "+json") }

// document reads a value that is written in a media type of its own.
func (s *slot) document(raw string) reading {
	switch {
	case isJSON(s.param.Media):
		return parseJSON(raw)
	case s.param.Media == "application/x-www-form-urlencoded":
		return s.formDocument(raw)
	}
	return reading{node: s.shape.node("", raw)}
}

func parseJSON(raw string) reading {
	if raw == "" {
		return refuse("must be JSON")
	}
	n, err := content.ParseJSON([]byte(raw), limits)
	if err != nil || n == nil {
		return refuse("must be JSON without duplicate names, within bounds")
	}
	return reading{node: *n}
}

// formDocument reads a form within a parameter. Escapes that are wrong, and semicolons, are refused.
func (s *slot) formDocument(raw string) reading {
	node := content.Node{Kind: content.Object}
	if raw == "" {
		return reading{node: node}
	}
	if strings.Count(raw, "&") >= maxElements || strings.Contains(raw, ";") {
		return refuse("must be a form without semicolons, within bounds")
	}
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		n, err1 := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return refuse("has a bad percent-encoding")
		}
		if detail := s.shape.put(&node, n, v); detail != "" {
			return refuse(detail)
		}
	}
	return reading{node: node}
}

// queryString reads the whole query as one value (OpenAPI 3.2, in: querystring).
func (d *decoder) queryString(s *slot) reading {
	pairs := d.query
	if s.param.Media == "application/x-www-form-urlencoded" {
		node := content.Node{Kind: content.Object, Children: make([]content.Node, 0, len(pairs))}
		for i := range pairs {
			if detail := s.shape.put(&node, pairs[i].Name, pairs[i].Value); detail != "" {
				return refuse(detail)
			}
		}
		return reading{node: node}
	}
	// Anything else is one text, percent-encoded as a whole, so that it reads as one name without a value.
	if len(pairs) != 1 || pairs[0].Value != "" {
		return refuse("must be percent-encoded as a whole, = and & included")
	}
	return s.document(pairs[0].Name)
}
