package openapi

import "strings"

// Response returns the declared response for a status: the exact one, else its class (2XX), else default, else nil.
func (o *Operation) Response(status int) *Response {
	if o == nil || status < 100 || status > 999 {
		return nil
	}
	var class, fallback *Response
	exact := [3]byte{'0' + byte(status/100), '0' + byte(status/10%10), '0' + byte(status%10)}
	for _, r := range o.Responses {
		switch {
		case r.Status == string(exact[:]):
			return r
		case len(r.Status) == 3 && r.Status[0] == exact[0] && r.Status[1:] == "XX":
			class = r
		case r.Status == "default":
			fallback = r
		}
	}
	if class != nil {
		return class
	}
	return fallback
}

// FindMedia returns the entry of c that fits mediaType (lower case, without parameters) most closely: the exact one,
// then type/*, then */*; nil when none does.
func FindMedia(c []MediaType, mediaType string) *MediaType {
	kind, _, _ := strings.Cut(mediaType, "/")
	var family, anything *MediaType
	for i := range c {
		switch r := c[i].Range; {
		case r == mediaType:
			return &c[i]
		case r == "*/*":
			anything = &c[i]
		case strings.HasSuffix(r, "/*") && r[:len(r)-2] == kind:
			family = &c[i]
		}
	}
	if family != nil {
		return family
	}
	return anything
}
