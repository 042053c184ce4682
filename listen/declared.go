package listen

import (
	"net/http"

	"github.com/sallyport/sallyport/exchange"
)

// Declared is what a description of an API names beyond what every API may be sent: methods of its own, and header
// fields with "_" or other odd characters, such as the api_key of many specs. The zero Declared names nothing. It is
// filled before the first request and then safe for concurrent use.
//
// Servers that fold names (CGI, WSGI, PHP) take api_key, Api-Key and api.key for one field. So of all spellings of a
// declared odd name only the declared one counts: the others are removed, be the declared one there or not, unless
// they are declared themselves. Two declared spellings in one request are refused.
type Declared struct {
	methods map[string]bool
	headers map[string][]string // canonical names by their folded form, where one of them is odd
	plain   map[string]bool     // plain names that are declared, in canonical form
}

// Method declares a method. CONNECT and TRACE stay refused: neither can be judged.
func (d *Declared) Method(name string) {
	if knownMethod(name) || name == http.MethodConnect || name == http.MethodTrace {
		return
	}
	if d.methods == nil {
		d.methods = map[string]bool{}
	}
	d.methods[name] = true
}

// Header declares a header field. It reports false, and declares nothing, for a spelling of a field whose meaning is
// not the API's to give: framing, the forwarding family and whatever else a server acts upon before the API does.
func (d *Declared) Header(name string) bool {
	name = http.CanonicalHeaderKey(name)
	if plain(name) {
		if d.plain == nil {
			d.plain = map[string]bool{}
		}
		d.plain[name] = true
		return true
	}
	folded := fold(name)
	if meaningful(http.CanonicalHeaderKey(folded)) {
		return false
	}
	if d.headers == nil {
		d.headers = map[string][]string{}
	}
	for _, known := range d.headers[folded] {
		if known == name {
			return true
		}
	}
	d.headers[folded] = append(d.headers[folded], name)
	return true
}

// Add declares all that e declares.
func (d *Declared) Add(e *Declared) {
	for m := range e.methods {
		d.Method(m)
	}
	for _, names := range e.headers {
		for _, name := range names {
			d.Header(name)
		}
	}
	for name := range e.plain {
		d.Header(name)
	}
}

// AnyOdd reports whether there is any name for which Odd is true.
func (d *Declared) AnyOdd() bool { return len(d.headers) > 0 }

// Odd reports whether a header field, by its canonical name, is declared although it has odd characters.
func (d *Declared) Odd(name string) bool {
	if d == nil || len(d.headers) == 0 || plain(name) {
		return false
	}
	for _, known := range d.headers[fold(name)] {
		if known == name {
			return true
		}
	}
	return false
}

// Narrow holds a request that passed [Check] with the declarations of all APIs against those of its own: what only
// another API declares is refused (methods) or removed (header fields). It must follow Check as soon as the API is
// known.
func (d *Declared) Narrow(r *http.Request) exchange.Verdict {
	if !d.method(r.Method) {
		return exchange.Refuse(exchange.BadMethod, "method "+clip(r.Method))
	}
	if detail := d.dropSpellings(r.Header); detail != "" {
		return exchange.Refuse(exchange.BadHeader, detail)
	}
	return exchange.Pass
}

func (d *Declared) method(name string) bool { return knownMethod(name) || d != nil && d.methods[name] }

// dropSpellings removes odd names that are not declared, and every undeclared spelling of one that is.
func (d *Declared) dropSpellings(h http.Header) string {
	for name := range h {
		if plain(name) && (len(d.headers) == 0 || d.plain[name]) {
			continue
		}
		if !plain(name) && !d.Odd(name) || plain(name) && d.headers[fold(name)] != nil {
			delete(h, name)
		}
	}
	for _, names := range d.headers {
		if detail := d.twoSpellings(h, names); detail != "" {
			return detail
		}
	}
	return ""
}

// twoSpellings refuses a field that is there under two names, or in two lines: readers join them differently.
func (d *Declared) twoSpellings(h http.Header, names []string) string {
	lines := 0
	for _, name := range names {
		lines += len(h[name])
	}
	if dashed := http.CanonicalHeaderKey(fold(names[0])); d.plain[dashed] {
		lines += len(h[dashed])
	}
	if lines > 1 {
		return "header field " + clip(names[0]) + " is repeated or spelled in two ways"
	}
	return ""
}

// fold is the form in which all spellings of a name are equal for servers that fold names.
func fold(name string) string {
	out := []byte(name)
	for i, c := range out {
		switch {
		case 'A' <= c && c <= 'Z':
			out[i] = c + 'a' - 'A'
		case !alnum(c):
			out[i] = '-'
		}
	}
	return string(out)
}
