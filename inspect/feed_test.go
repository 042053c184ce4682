package inspect

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/corazawaf/coraza/v3/collection"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"
	"github.com/corazawaf/coraza/v3/types"
	"github.com/corazawaf/coraza/v3/types/variables"
)

// A feed fills one transaction with a message. Coraza's own parsers of queries, cookies and bodies are passed by: the
// variables are set to what our parsers have read, so that the rules see what the service will see.
type feed struct {
	tx   types.Transaction
	vars plugintypes.TransactionVariables
	m    *Message
	keys []string // by index in m.Values: the key under which the value was fed
}

func newFeed(tx types.Transaction, m *Message) (*feed, error) {
	state, ok := tx.(plugintypes.TransactionState)
	if !ok {
		return nil, fmt.Errorf("couldn't reach the variables of a %T", tx)
	}
	return &feed{tx: tx, vars: state.Variables(), m: m, keys: make([]string, len(m.Values))}, nil
}

// run feeds the message and evaluates the phases of its stage.
func (f *feed) run() {
	if f.m.Stage == Answer {
		f.answer()
		return
	}
	f.line()
	for i := range f.m.Values {
		f.value(i, &f.m.Values[i])
	}
	f.body()
	f.tx.ProcessRequestHeaders()
	// The errors of these two come from reading body buffers, which are empty.
	_, _ = f.tx.ProcessRequestBody()
}

// line sets what belongs to the request line. ProcessURI is not used: it would parse the target a second time
// (SECURITY-LESSONS 6 and 7).
func (f *feed) line() {
	uri := f.m.Path
	if f.m.RawQuery != "" {
		uri += "?" + f.m.RawQuery
	}
	set(f.vars.RequestMethod(), f.m.Method)
	set(f.vars.RequestProtocol(), f.m.Proto)
	set(f.vars.RequestURIRaw(), uri)
	set(f.vars.RequestURI(), uri)
	set(f.vars.RequestLine(), f.m.Method+" "+uri+" "+f.m.Proto)
	set(f.vars.RequestFilename(), f.m.Decoded)
	base := f.m.Decoded
	if i := strings.LastIndexAny(base, `/\`); i >= 0 && i+1 < len(base) {
		base = base[i+1:]
	}
	set(f.vars.RequestBasename(), base)
	set(f.vars.QueryString(), f.m.RawQuery)
}

// set fills a variable of one value. Coraza's public type of such a variable can only be read.
func set(v collection.Single, s string) { v.(interface{ Set(string) }).Set(s) }

func (f *feed) value(i int, v *Value) {
	key := ownKey(new(scratch).name(f.m, v))
	f.keys[i] = key
	switch v.Part {
	case PathPart:
		f.vars.ArgsPath().Add(key, v.Text)
	case QueryPart:
		f.vars.ArgsGet().Add(key, v.Text)
	case HeaderPart:
		f.vars.RequestHeaders().Add(key, v.Text)
	case CookiePart:
		f.vars.RequestCookies().Add(key, v.Text)
	case BodyPart:
		if v.Nameless { // path parameters are ARGS like those of a body, but not ARGS_NAMES
			f.vars.ArgsPath().Add(key, v.Text)
		} else {
			f.vars.ArgsPost().Add(key, v.Text)
		}
	case FilePart:
		f.file(key, v)
	case TextPart:
		f.vars.RequestXML().Add("/*", v.Text)
	case AttrPart:
		f.vars.RequestXML().Add("//@*", v.Text)
	}
}

// ownKey copies a key, so that no two values share its bytes. Coraza keeps transformed values by the address of the
// key and a position that changes from rule to rule; values with a shared key could be taken for each other, and one
// of them would not be inspected. The address also tells us later which value matched.
func ownKey(key string) string {
	return strings.Clone(key + ".")[:len(key)]
}

func (f *feed) file(key string, v *Value) {
	f.vars.Files().Add(key, v.Text)
	f.vars.FilesNames().Add(key, strings.Clone(key))
	h := f.vars.MultipartPartHeaders()
	h.Add(key, `Content-Disposition: form-data; name="`+key+`"; filename="`+v.Text+`"`)
	if v.Type != "" {
		h.Add(key, "Content-Type: "+v.Type)
	}
}

// body sets the variables that describe the body as a whole; its type is known from the head.
func (f *feed) body() {
	switch m := &f.m.Media; {
	case m.JSON():
		set(f.vars.RequestBodyProcessor(), "JSON")
	case m.XML():
		set(f.vars.RequestBodyProcessor(), "XML")
	case m.Multipart():
		set(f.vars.RequestBodyProcessor(), "MULTIPART")
	case m.Type != "":
		set(f.vars.RequestBodyProcessor(), "URLENCODED")
	}
	if f.m.Raw != "" {
		set(f.vars.RequestBody(), f.m.Raw)
		set(f.vars.RequestBodyLength(), fmt.Sprint(len(f.m.Raw)))
	}
}

// answer joins the values into one text, because the rules know the body as a whole only; line breaks between them keep
// line anchors true to each value.
func (f *feed) answer() {
	f.tx.ProcessRequestHeaders()
	_, _ = f.tx.ProcessRequestBody()
	f.tx.ProcessResponseHeaders(f.m.Status, f.m.Proto)
	set(f.vars.ResponseBody(), f.m.text())
	_, _ = f.tx.ProcessResponseBody()
}

// find returns the index of the value that was fed under this very key, or -1.
func (f *feed) find(key string, parts ...Part) int {
	at := unsafe.StringData(key)
	for i := range f.keys {
		if unsafe.StringData(f.keys[i]) == at {
			return i
		}
	}
	// Keys of derived collections are copies.
	for i := range f.keys {
		for _, p := range parts {
			if f.m.Values[i].Part == p && strings.EqualFold(f.keys[i], key) {
				return i
			}
		}
	}
	return -1
}

// names are the variables that hold names instead of values.
func holdsNames(v variables.RuleVariable) bool {
	switch v {
	case variables.ArgsNames, variables.ArgsGetNames, variables.ArgsPostNames, variables.RequestCookiesNames,
		variables.RequestHeadersNames, variables.FilesNames, variables.Unknown:
		return true
	}
	return false
}
