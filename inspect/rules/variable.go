package rules

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/inspect/seclang"
)

// A source is what a variable of the language reads.
type source struct {
	parts []Collection
	names bool // the keys instead of the texts
	kind  sourceKind
}

type sourceKind uint8

const (
	ofMessage sourceKind = iota
	ofTX
	ofMatched // MATCHED_VARS, MATCHED_VAR
	ofMatchedName
	ofNothing // known to the language, always empty here: our front has refused it, or we do not have it
)

var singles = map[string]Collection{
	"REQUEST_METHOD": RequestMethod, "REQUEST_PROTOCOL": RequestProtocol, "REQUEST_URI": RequestURI, "REQUEST_URI_RAW": RequestURIRaw,
	"REQUEST_LINE": RequestLine, "REQUEST_FILENAME": RequestFilename, "REQUEST_BASENAME": RequestBasename, "QUERY_STRING": QueryString,
	"REQUEST_BODY": RequestBody, "REQUEST_BODY_LENGTH": RequestBodyLength, "REQBODY_PROCESSOR": BodyProcessor, "REMOTE_ADDR": RemoteAddr,
	"ARGS_COMBINED_SIZE": ArgsCombinedSize, "FILES_COMBINED_SIZE": FilesCombinedSize, "RESPONSE_BODY": ResponseBody, "RESPONSE_STATUS": ResponseStatus,
}

var sources = func() map[string]source {
	args := []Collection{ArgsGet, ArgsPost, ArgsPath}
	m := map[string]source{
		"ARGS": {parts: args}, "ARGS_NAMES": {parts: args, names: true},
		"ARGS_GET": {parts: args[:1]}, "ARGS_GET_NAMES": {parts: args[:1], names: true},
		"ARGS_POST": {parts: args[1:2]}, "ARGS_POST_NAMES": {parts: args[1:2], names: true}, "ARGS_PATH": {parts: args[2:]},
		"REQUEST_HEADERS": {parts: []Collection{RequestHeaders}}, "REQUEST_HEADERS_NAMES": {parts: []Collection{RequestHeaders}, names: true},
		"REQUEST_COOKIES": {parts: []Collection{RequestCookies}}, "REQUEST_COOKIES_NAMES": {parts: []Collection{RequestCookies}, names: true},
		"FILES": {parts: []Collection{Files}}, "FILES_NAMES": {parts: []Collection{FilesNames}},
		"MULTIPART_PART_HEADERS": {parts: []Collection{PartHeaders}}, "XML": {parts: []Collection{XML}}, "REQUEST_XML": {parts: []Collection{XML}},
		"RESPONSE_HEADERS": {parts: []Collection{ResponseHeaders}}, "RESPONSE_HEADERS_NAMES": {parts: []Collection{ResponseHeaders}, names: true},
		"TX": {kind: ofTX}, "MATCHED_VARS": {kind: ofMatched}, "MATCHED_VAR": {kind: ofMatched},
		"MATCHED_VARS_NAMES": {kind: ofMatchedName}, "MATCHED_VAR_NAME": {kind: ofMatchedName},
	}
	for name, c := range singles {
		m[name] = source{parts: []Collection{c}}
	}
	for name := range strings.FieldsSeq(`REQBODY_ERROR REQBODY_ERROR_MSG REQBODY_PROCESSOR_ERROR REQBODY_PROCESSOR_ERROR_MSG
		MULTIPART_STRICT_ERROR MULTIPART_UNMATCHED_BOUNDARY MULTIPART_BOUNDARY_QUOTED MULTIPART_BOUNDARY_WHITESPACE
		MULTIPART_CRLF_LF_LINES MULTIPART_DATA_AFTER MULTIPART_DATA_BEFORE MULTIPART_DUPLICATE_PART_HEADER
		MULTIPART_FILE_LIMIT_EXCEEDED MULTIPART_HEADER_FOLDING MULTIPART_INVALID_HEADER_FOLDING MULTIPART_INVALID_PART
		MULTIPART_INVALID_QUOTING MULTIPART_LF_LINE MULTIPART_MISSING_SEMICOLON URLENCODED_ERROR URI_PARSE_ERROR
		ARGUMENTS_LIMIT_REACHED INBOUND_DATA_ERROR OUTBOUND_DATA_ERROR`) {
		m[name] = source{kind: ofNothing}
	}
	return m
}()

// caseSensitive are the collections whose keys are compared as they are.
func caseSensitive(variable string) bool { return strings.HasPrefix(variable, "ARGS") }

// A target is a compiled seclang.Target with what is taken away from it.
type target struct {
	source
	variable string
	count    bool
	exact    bool // keys are compared as they are
	one      bool // MATCHED_VAR: the last only
	key      string
	pattern  *regexp.Regexp
	literal  string // in the keys that pattern takes, where it asks for nothing else …
	prefix   bool   // … but that they begin with it
	first    string // with what a match of pattern begins
	slots    []int  // of TX: those of the program that pattern takes
	except   []exception
}

// An exception takes keys away: all of them where key is "" and there is no pattern.
type exception struct {
	key     string // lower case
	pattern *regexp.Regexp
}

func (e *exception) covers(key string) bool {
	if e.pattern != nil {
		return e.pattern.MatchString(strings.ToLower(key))
	}
	return e.key == "" || e.key == key || strings.ToLower(key) == e.key
}

// compileTargets resolves variables, and applies negations to the targets of the same variable.
func compileTargets(list []seclang.Target) ([]target, error) {
	var out []target
	for _, t := range list {
		if t.Negated {
			if err := takeAway(out, t); err != nil {
				return nil, err
			}
			continue
		}
		c, err := compileTarget(t)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, problem(list[0].Pos, "there is nothing from which !%s is taken away", list[0].Variable)
	}
	return out, nil
}

// visible demands that rules of answers ask for nothing of the request but its line: the rest is not fed to them.
func visible(list []seclang.Target, phase int) error {
	for _, t := range list {
		for _, part := range sources[t.Variable].parts {
			if request := part <= XML || part >= RequestBody && part <= FilesCombinedSize; phase > requestBody && request {
				return problem(t.Pos, "%s is a variable of requests; rules of phase %d see the request's line and the answer", t.Variable, phase)
			}
			if answer := part == ResponseHeaders || part >= ResponseBody; phase < responseHead && answer {
				return problem(t.Pos, "%s is a variable of answers; rules of phase %d see the request", t.Variable, phase)
			}
		}
	}
	return nil
}

func takeAway(from []target, t seclang.Target) error {
	e := exception{key: strings.ToLower(t.Key)}
	if t.Regexp {
		e.key = ""
		if e.pattern = keyPattern(t); e.pattern == nil {
			return problem(t.Pos, "the key of !%s is no regular expression", t.Variable)
		}
	}
	for i := range from {
		if from[i].variable == t.Variable {
			from[i].except = append(from[i].except, e)
		}
	}
	return nil
}

func compileTarget(t seclang.Target) (target, error) {
	s, ok := sources[t.Variable]
	if !ok {
		return target{}, problem(t.Pos, "the variable %s is not supported", t.Variable)
	}
	if key := strings.ToLower(t.Key); slices.Equal(s.parts, []Collection{XML}) && key != "" && key != "/*" && key != "//@*" {
		return target{}, problem(t.Pos, "of %s there are /* (all text) and //@* (all attributes) only", t.Variable)
	}
	c := target{source: s, variable: t.Variable, count: t.Count, exact: caseSensitive(t.Variable), one: t.Variable == "MATCHED_VAR" || t.Variable == "MATCHED_VAR_NAME", key: t.Key}
	if !caseSensitive(t.Variable) {
		c.key = strings.ToLower(c.key)
	}
	if t.Regexp {
		c.key = ""
		if c.pattern = keyPattern(t); c.pattern == nil {
			return c, problem(t.Pos, "the key of %s is no regular expression", t.Variable)
		}
		c.simplify()
	}
	return c, nil
}

// simplify spares simple selectors the regular expression: /^paramcounter_/, /paramcounter_.*/. With what others begin a key
// is asked for first.
func (t *target) simplify() {
	expr := strings.TrimSuffix(t.pattern.String(), ".*")
	literal := strings.TrimPrefix(expr, "^")
	if t.first, _ = t.pattern.LiteralPrefix(); regexp.QuoteMeta(literal) == literal {
		t.literal, t.prefix = literal, literal != expr
	}
}

// keyPattern compiles a selector. Keys that are compared in lower case have a selector in lower case.
func keyPattern(t seclang.Target) *regexp.Regexp {
	expr := t.Key
	if !caseSensitive(t.Variable) {
		expr = strings.ToLower(expr)
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil
	}
	return re
}

// selects reports whether a key belongs to the target.
func (t *target) selects(key string) bool {
	if t.key == "" && t.pattern == nil && len(t.except) == 0 {
		return true
	}
	if t.pattern == nil && len(t.except) == 0 && !t.exact {
		return strings.EqualFold(t.key, key)
	}
	if t.exact {
		return t.takes(key) && !t.excepts(key)
	}
	return t.selectsLower(strings.ToLower(key))
}

// selectsLower is selects for a key that is in lower case, of a target that does not compare keys as they are.
func (t *target) selectsLower(key string) bool { return t.takes(key) && !t.excepts(key) }

// takes reports whether a key, spelled as it is compared, is one of those that the target asks for.
func (t *target) takes(key string) bool {
	switch {
	case t.prefix:
		return strings.HasPrefix(key, t.literal)
	case t.literal != "":
		return strings.Contains(key, t.literal)
	case t.pattern != nil:
		return strings.Contains(key, t.first) && t.pattern.MatchString(key)
	}
	return t.key == "" || t.key == key
}

// excepts reports whether a key is taken away.
func (t *target) excepts(key string) bool {
	for i := range t.except {
		if t.except[i].covers(key) {
			return true
		}
	}
	return false
}
