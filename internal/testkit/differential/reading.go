package differential

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/internal/testkit"
)

// A Reading is one request as somebody understood it. What a reader does not tell is its zero value.
type Reading struct {
	Method string
	Target string     // as it came
	Path   string     // decoded, as the reader would route by it
	Query  url.Values // decoded
	Host   string
	Header http.Header // from end to end: no framing, no fields of one hop, nothing that the gateway sets itself
	Body   []byte
}

// Differs says in what the reading of a server differs from r, which was judged; "" in nothing.
func (r *Reading) Differs(read *Reading) string {
	switch {
	case read.Method != r.Method:
		return fmt.Sprintf("method %q, judged %q", read.Method, r.Method)
	case read.Target != "" && read.Target != r.Target:
		return fmt.Sprintf("target %q, judged %q", read.Target, r.Target)
	case read.Path != "" && read.Path != r.Path:
		return fmt.Sprintf("path %q, judged %q", read.Path, r.Path)
	case read.Query != nil && !maps.EqualFunc(read.Query, r.Query, slices.Equal):
		return fmt.Sprintf("query %q, judged %q", read.Query, r.Query)
	case read.Host != r.Host:
		return fmt.Sprintf("host %q, judged %q", read.Host, r.Host)
	case !bytes.Equal(read.Body, r.Body):
		return fmt.Sprintf("body %q, judged %q", short(read.Body), short(r.Body))
	}
	return differingField(r.Header, read.Header)
}

func differingField(judged, read http.Header) string {
	for name, values := range judged {
		if got := read[name]; !slices.Equal(joined(got), joined(values)) {
			return fmt.Sprintf("field %s %q, judged %q", name, got, values)
		}
	}
	for name := range read {
		if judged[name] == nil {
			return fmt.Sprintf("field %s %q, judged none", name, read[name])
		}
	}
	return ""
}

// joined is a field as one list: whether its lines are joined by commas means nothing (RFC 9110 section 5.3), neither does
// white space at their ends.
func joined(values []string) []string {
	var all []string
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			all = append(all, strings.Trim(part, " \t"))
		}
	}
	return all
}

func short(b []byte) []byte { return b[:min(len(b), 200)] }

// EndToEnd is the part of a header that a gateway has to hand on as it was judged.
func EndToEnd(h http.Header) http.Header {
	kept := http.Header{}
	for name, values := range h {
		if !hop(name) {
			kept[name] = values
		}
	}
	return kept
}

// hop reports fields of one connection or of framing, those by which proxies tell of the client and of what it asked for, and those that a gateway
// takes away where it is to judge the answer.
func hop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Content-Length", "Upgrade", "Expect",
		"Proxy-Authorization", "Proxy-Authenticate", "Http2-Settings", "Host", "X-Host", "Forwarded", "Via", "X-Real-Ip", "Max-Forwards",
		"Range", "If-Range", "Accept-Encoding", "Accept-Charset":
		return true
	}
	return strings.HasPrefix(name, "X-Forwarded") || strings.HasPrefix(name, "X-Read-") || strings.HasPrefix(name, "X-Sallyport-")
}

// recorded is what the raw recorder says. Proxies in front of it add X-Read-Path.
func recorded(got *testkit.Received) *Reading {
	r := &Reading{Method: got.Method, Target: got.Target, Header: http.Header{}, Body: got.Body}
	for _, f := range got.Header {
		name := http.CanonicalHeaderKey(f[0])
		switch name {
		case "Host":
			r.Host = f[1]
		case "X-Read-Path":
			r.Path = strings.TrimSuffix(strings.TrimPrefix(f[1], "["), "]")
		}
		r.Header[name] = append(r.Header[name], f[1])
	}
	r.Header = EndToEnd(r.Header)
	return r
}
