package signature

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A Message is what of a request can be signed, as it was received; or of an answer, which has a Status and a Request instead of what is
// above Header.
type Message struct {
	Method    string
	Scheme    string // http or https, of the client's connection
	Authority string // Host
	Target    string // path and query
	Header    http.Header

	Status  int
	Request *Message
}

// Base is what was signed (RFC 9421 section 2.5). An error is a component that the request does not have, or that is not understood.
func (s *Signature) Base(m *Message) (string, error) {
	var b strings.Builder
	seen, read := map[string]bool{}, map[string][]member{}
	for _, c := range s.covered {
		name, ok := c.value.(string)
		if !ok {
			return "", errors.New("a component's name is no string")
		}
		id := c.text()
		if seen[id] {
			return "", fmt.Errorf("component %s is there twice", id)
		}
		seen[id] = true
		value, err := m.component(name, c.params, read)
		if err != nil {
			return "", fmt.Errorf("component %s: %w", id, err)
		}
		b.WriteString(id + ": " + value + "\n")
	}
	b.WriteString(`"@signature-params": ` + s.params)
	return b.String(), nil
}

// component is the value of one. What is read of dictionaries is kept for the next member of the same.
func (m *Message) component(name string, params []param, read map[string][]member) (string, error) {
	if of := slices.IndexFunc(params, func(p param) bool { return p.key == "req" && p.value == true }); of >= 0 && m.Request != nil {
		return m.Request.component(name, slices.Delete(slices.Clone(params), of, of+1), map[string][]member{})
	}
	switch {
	case name == "@query-param" && len(params) == 1 && params[0].key == "name":
		wanted, _ := params[0].value.(string)
		return m.queryParam(wanted)
	case strings.HasPrefix(name, "@"):
		if len(params) > 0 {
			return "", errors.New("its parameters are not understood")
		}
		return m.derived(name)
	case len(params) == 0:
		return m.field(name)
	case len(params) == 1 && params[0].key == "key":
		key, _ := params[0].value.(string)
		return m.memberOf(name, key, read)
	}
	return "", errors.New("its parameters are not understood")
}

// derived are the components of RFC 9421 section 2.2 that a request has. An answer has its status; the others are those of its request,
// which the parameter req must say (section 2.4).
func (m *Message) derived(name string) (string, error) {
	if m.Request != nil && name == "@status" {
		return strconv.Itoa(m.Status), nil
	}
	if m.Request != nil {
		return "", errors.New("an answer has none; its request may")
	}
	path, query, _ := strings.Cut(m.Target, "?")
	if path == "" {
		path = "/"
	}
	switch name {
	case "@method":
		return m.Method, nil
	case "@authority":
		return m.authority(), nil
	case "@scheme":
		return m.Scheme, nil
	case "@target-uri":
		return m.Scheme + "://" + m.authority() + m.Target, nil
	case "@request-target":
		return m.Target, nil
	case "@path":
		return path, nil
	case "@query":
		return "?" + query, nil
	}
	return "", errors.New("it is not known")
}

func (m *Message) authority() string {
	port := ":80"
	if m.Scheme == "https" {
		port = ":443"
	}
	return strings.TrimSuffix(strings.ToLower(m.Authority), port)
}

// field is the combined value (RFC 9421 section 2.1).
func (m *Message) field(name string) (string, error) {
	if name != strings.ToLower(name) {
		return "", errors.New("its name is not in lower case")
	}
	values, ok := m.Header[http.CanonicalHeaderKey(name)]
	if !ok {
		return "", errors.New("there is no such field")
	}
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = strings.Trim(v, " \t")
	}
	return strings.Join(trimmed, ", "), nil
}

func (m *Message) memberOf(name, key string, read map[string][]member) (string, error) {
	members, known := read[name]
	if !known {
		text, err := m.field(name)
		if err != nil {
			return "", err
		}
		if len(text) > MaxField {
			return "", errors.New("it is too long")
		}
		if members, err = parseDictionary(text); err != nil {
			return "", err
		}
		read[name] = members
	}
	for _, d := range members {
		if d.key == key {
			return d.text(), nil
		}
	}
	return "", errors.New("there is no such member")
}

// queryParam is the one value of a name, encoded anew (RFC 9421 section 2.2.8).
func (m *Message) queryParam(name string) (string, error) {
	_, query, _ := strings.Cut(m.Target, "?")
	if len(query) > MaxField { // it is decoded for each parameter that is signed
		return "", errors.New("the query is too long")
	}
	found := ""
	for pair := range strings.SplitSeq(query, "&") {
		n, v, _ := strings.Cut(pair, "=")
		n, errName := url.QueryUnescape(n)
		v, errValue := url.QueryUnescape(v)
		if errName != nil || errValue != nil || encodeForm(n) != name {
			continue
		}
		if found != "" {
			return "", errors.New("it is there twice")
		}
		found = "=" + encodeForm(v)
	}
	if found == "" {
		return "", errors.New("there is no such parameter")
	}
	return found[1:], nil
}

// encodeForm is the encoding of the WHATWG's URL standard, with spaces as %20.
func encodeForm(s string) string { return asForm.Replace(url.QueryEscape(s)) }

var asForm = strings.NewReplacer("+", "%20", "~", "%7E", "%2A", "*")
