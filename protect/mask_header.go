package protect

import (
	"context"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/exchange"
)

// unmaskedFields say what only the bytes that were sent can say: cookies and challenges are made for this client,
// digests and ids name something.
var unmaskedFields = set("Set-Cookie", "Www-Authenticate", "Authentication-Info", "Etag", "Digest", "Content-Digest", "Repr-Digest",
	"Content-Md5", "Traceparent", "Sec-Websocket-Accept")

// head masks sensitive values in header fields. A Location with a card number leads nowhere afterwards, and into no
// history and no log.
func (k *masker) head(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	var names []string
	for name, values := range e.Response.Header {
		if !unmaskedFields[name] && slices.ContainsFunc(values, k.detectors.sensitive) {
			names = append(names, name)
		}
	}
	slices.Sort(names) // findings come in one order
	for _, name := range names {
		e.Reply.Delete(name)
		for _, value := range e.Response.Header[name] {
			masked, kind := k.detectors.mask(value)
			e.Reply.Add(name, masked)
			if kind != "" {
				note(e, kind, ".header."+strings.ToLower(name), "a value that looks like ", kind, " was masked")
			}
		}
	}
	return exchange.Pass, nil
}
