package inspect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/inspect/pattern"
	"github.com/sallyport/sallyport/inspect/rules"
	"github.com/sallyport/sallyport/inspect/seclang"
)

// What the states of automata may take, in bytes: those of all expressions together, and those of the automata that tests
// share.
const (
	automata       = 24 << 20
	sharedAutomata = 8 << 20
)

// compiledEngine carries the Core Rule Set by our own compiler. It holds a program for each direction; they share nothing
// but the initialisation.
type compiledEngine struct {
	request, answer *rules.Program
	rules           []Rule
	byRule          map[*rules.Rule]*Rule
	budget, shared  *pattern.Budget
	build           time.Duration // that compiling took
	remarks         []*RuleError  // on rules of the operator

	shortcuts shortcuts
}

// newCompiled compiles the Core Rule Set, and the rules of the operator.
func newCompiled(s settings) (*compiledEngine, error) {
	began := time.Now()
	e := &compiledEngine{byRule: map[*rules.Rule]*Rule{}, budget: pattern.NewBudget(automata), shared: pattern.NewBudget(sharedAutomata)}
	data := dataFiles{}
	if s.dir != "" {
		data.own = os.DirFS(s.dir)
	}
	options := rules.Options{Data: data, Budget: e.budget, Shared: e.shared, Proven: func(file string) bool { return !inOwn(file) }}
	for _, side := range []struct {
		to    **rules.Program
		files []string
	}{{&e.request, requestFiles}, {&e.answer, answerFiles}} {
		list, err := directivesOf(s, side.files)
		program, unfit := rules.Compile(list, options)
		if err = errors.Join(err, unfit); err != nil {
			return nil, placed(err, s.dir)
		}
		*side.to = program
		if side.to == &e.answer {
			e.remarks = remarksOn(list, e.request, e.answer, s.dir)
		}
	}
	e.index()
	e.build = time.Since(began)
	return e, nil
}

// directivesOf reads the set-up, the rule files and those of the operator. What is wrong with the latter leaves the rest.
func directivesOf(s settings, files []string) ([]seclang.Directive, error) {
	list, err := seclang.ParseText(setupFile, setup)
	if err != nil {
		return nil, err
	}
	var before, after []seclang.Directive
	var unfit error
	if s.dir != "" {
		before, after, unfit = ownFiles(s.dir)
	}
	levels, err := seclang.ParseText(setupFile, fmt.Sprintf(level, s.paranoia, s.paranoia))
	if err != nil {
		return nil, err
	}
	list = append(append(list, before...), levels...)
	if s.withoutCRS {
		return append(list, after...), unfit
	}
	for _, f := range files {
		more, err := seclang.Parse(coreruleset.FS, embedded+f+".conf")
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	markers, err := seclang.ParseText(setupFile, goals)
	if err != nil {
		return nil, err
	}
	return append(append(list, markers...), after...), unfit
}

// index lists the rules that can refuse; the others are plumbing. Rules of the operator that name no paranoia level are
// meant for every one.
func (e *compiledEngine) index() {
	all := slices.Concat(e.request.Rules(), e.answer.Rules())
	for _, r := range all {
		severity, score := gradeOf(r.Severity)
		paranoia, alone := paranoiaOf(r.Tags), false
		if inOwn(r.File) {
			paranoia = max(paranoia, 1)
			if alone = r.Severity == "" && r.Denies; alone {
				severity = exchange.Critical
			}
		}
		if (score > 0 || alone) && paranoia > 0 {
			e.rules = append(e.rules, Rule{strconv.Itoa(r.ID), r.Tags, severity, score, paranoia, alone})
		}
	}
	slices.SortFunc(e.rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	e.rules = slices.CompactFunc(e.rules, func(a, b Rule) bool { return a.ID == b.ID })
	for _, r := range all {
		if i, ok := slices.BinarySearchFunc(e.rules, strconv.Itoa(r.ID), func(x Rule, id string) int { return strings.Compare(x.ID, id) }); ok {
			e.byRule[r] = &e.rules[i]
		}
	}
}

// gradeOf translates a severity of the rule language, with the score that the Core Rule Set gives it.
func gradeOf(name string) (exchange.Severity, int) {
	switch name {
	case "EMERGENCY", "ALERT", "CRITICAL", "0", "1", "2":
		return exchange.Critical, 5
	case "ERROR", "3":
		return exchange.High, 4
	case "WARNING", "4":
		return exchange.Medium, 3
	case "NOTICE", "5":
		return exchange.Low, 2
	}
	return "", 0
}

func paranoiaOf(tags []string) int {
	for _, t := range tags {
		if level, ok := strings.CutPrefix(t, "paranoia-level/"); ok {
			n, _ := strconv.Atoi(level)
			return n
		}
	}
	return 0
}

// Rules implements Engine.
func (e *compiledEngine) Rules() []Rule { return e.rules }

// A scratch is what one inspection needs and the next can use again.
type scratch struct {
	fields []rules.Field
	values []int // by field: the index in Message.Values, or -1
	hits   []rules.Hit
	text   []byte // of names and lines that are put together
}

var scratches = sync.Pool{New: func() any { return &scratch{} }}

// Inspect implements Engine.
func (e *compiledEngine) Inspect(ctx context.Context, m *Message, dst []Match) ([]Match, error) {
	s := scratches.Get().(*scratch)
	defer s.release()
	var err error
	if m.Stage == Answer {
		s.readAnswer(m, e.answer)
		s.hits, err = e.answer.Run(ctx, s.fields, 3, 4, s.hits[:0])
	} else {
		s.readRequest(m)
		if e.request.Reads(rules.RemoteAddr, 1, 2) {
			s.add(rules.RemoteAddr, "", m.Client.String(), -1)
		}
		s.hits, err = e.request.Run(ctx, s.fields, 1, 2, s.hits[:0])
	}
	if err != nil {
		return dst, err
	}
	if m.Stage == Head {
		s.keep(m)
	}
	first := len(dst)
	for i := range s.hits {
		r := e.byRule[s.hits[i].Rule]
		if r == nil {
			continue
		}
		hit := s.locate(m, r, &s.hits[i])
		if !reported(dst[first:], &hit) {
			dst = append(dst, hit)
		}
	}
	return dst, nil
}

func reported(have []Match, hit *Match) bool {
	for i := range have {
		if h := &have[i]; h.Rule == hit.Rule && h.Value == hit.Value && h.Place == hit.Place && h.InName == hit.InName {
			return true
		}
	}
	return false
}

func (s *scratch) release() {
	clear(s.fields)
	clear(s.hits)
	s.fields, s.values, s.hits, s.text = s.fields[:0], s.values[:0], s.hits[:0], s.text[:0]
	scratches.Put(s)
}

func (s *scratch) add(c rules.Collection, key, text string, value int) {
	s.fields = append(s.fields, rules.Field{Collection: c, Key: key, Text: text})
	s.values = append(s.values, value)
}

// keep notes in which values of the head there is nothing: they come again with the body.
func (s *scratch) keep(m *Message) {
	for i := range s.fields {
		switch f := &s.fields[i]; {
		case !f.Clear:
		case s.values[i] >= 0:
			m.Values[s.values[i]].clear = true
		case f.Collection <= rules.QueryString:
			m.clear |= 1 << f.Collection
		}
	}
}

// partCollections are where the values of a part belong.
var partCollections = [...]rules.Collection{PathPart: rules.ArgsPath, QueryPart: rules.ArgsGet, HeaderPart: rules.RequestHeaders,
	CookiePart: rules.RequestCookies, BodyPart: rules.ArgsPost, FilePart: rules.Files, TextPart: rules.XML, AttrPart: rules.XML}

func (s *scratch) readRequest(m *Message) {
	s.line(m)
	sizes := [2]int{}
	for i := range m.Values {
		v := &m.Values[i]
		key := s.name(m, v)
		switch v.Part {
		case TextPart:
			key = "/*"
		case AttrPart:
			key = "//@*"
		case QueryPart, BodyPart:
			sizes[0] += len(key) + len(v.Text)
		case FilePart:
			s.file(i, key, v)
		}
		c := partCollections[v.Part]
		if v.Nameless { // path parameters are ARGS like those of a body, but not ARGS_NAMES
			c = rules.ArgsPath
		}
		s.add(c, key, v.Text, i)
		f := &s.fields[len(s.fields)-1]
		f.Clear, f.Private = v.clear, v.private
		if v.Part == BodyPart { // whatever looks at those of a path looks at those of a body
			f.Short = v.short
		}
	}
	s.add(rules.ArgsCombinedSize, "", s.number(sizes[0]), -1)
	s.add(rules.FilesCombinedSize, "", "0", -1)
	s.body(m)
}

// name is the value's name in the language of the Core Rule Set: json.items.0.note, or the plain name outside of JSON. It is
// valid until the scratch is released.
func (s *scratch) name(m *Message, v *Value) string {
	if v.Part != BodyPart || !m.Media.JSON() {
		return m.plain(v.step)
	}
	from := len(s.text)
	s.text = m.dotted(append(s.text, "json"...), v.step)
	return s.since(from)
}

func (s *scratch) since(from int) string {
	return unsafe.String(unsafe.SliceData(s.text[from:]), len(s.text)-from)
}

func (s *scratch) number(n int) string {
	from := len(s.text)
	s.text = strconv.AppendInt(s.text, int64(n), 10)
	return s.since(from)
}

// join is the texts in a row. It is valid until the scratch is released.
func (s *scratch) join(texts ...string) string {
	from := len(s.text)
	for _, t := range texts {
		s.text = append(s.text, t...)
	}
	return s.since(from)
}

func (s *scratch) line(m *Message) {
	uri := m.Path
	if m.RawQuery != "" {
		uri = s.join(uri, "?", m.RawQuery)
	}
	s.add(rules.RequestMethod, "", m.Method, -1)
	s.add(rules.RequestProtocol, "", m.Proto, -1)
	s.add(rules.RequestURI, "", uri, -1)
	s.add(rules.RequestURIRaw, "", uri, -1)
	s.add(rules.RequestLine, "", s.join(m.Method, " ", uri, " ", m.Proto), -1)
	s.add(rules.RequestFilename, "", m.Decoded, -1)
	base := m.Decoded
	if i := strings.LastIndexAny(base, `/\`); i >= 0 && i+1 < len(base) {
		base = base[i+1:]
	}
	s.add(rules.RequestBasename, "", base, -1)
	s.add(rules.QueryString, "", m.RawQuery, -1)
	for i := range s.fields {
		s.fields[i].Clear = m.clear>>s.fields[i].Collection&1 != 0
	}
}

func (s *scratch) file(i int, key string, v *Value) {
	s.add(rules.FilesNames, key, key, i)
	s.add(rules.PartHeaders, key, s.join(`Content-Disposition: form-data; name="`, key, `"; filename="`, v.Text, `"`), i)
	if v.Type != "" {
		s.add(rules.PartHeaders, key, s.join("Content-Type: ", v.Type), i)
	}
}

func (s *scratch) body(m *Message) {
	switch {
	case m.Media.JSON():
		s.add(rules.BodyProcessor, "", "JSON", -1)
	case m.Media.XML():
		s.add(rules.BodyProcessor, "", "XML", -1)
	case m.Media.Multipart():
		s.add(rules.BodyProcessor, "", "MULTIPART", -1)
	case m.Media.Type != "":
		s.add(rules.BodyProcessor, "", "URLENCODED", -1)
	}
	if m.Raw != "" {
		s.add(rules.RequestBody, "", m.Raw, -1)
		s.fields[len(s.fields)-1].Private = len(m.secrets) > 0
		s.add(rules.RequestBodyLength, "", s.number(len(m.Raw)), -1)
	}
}

func (s *scratch) readAnswer(m *Message, p *rules.Program) {
	for c := rules.RequestMethod; c <= rules.QueryString; c++ {
		if p.Reads(c, 3, 4) {
			s.line(m)
			break
		}
	}
	if p.Reads(rules.RemoteAddr, 3, 4) {
		s.add(rules.RemoteAddr, "", m.Client.String(), -1)
	}
	if p.Reads(rules.ResponseHeaders, 3, 4) {
		for name, values := range m.Header {
			for _, v := range values {
				s.add(rules.ResponseHeaders, name, v, -1)
			}
		}
	}
	s.add(rules.ResponseStatus, "", strconv.Itoa(m.Status), -1)
	for i := range m.Values {
		s.add(rules.ResponseBody, "", m.Values[i].Text, i)
	}
}

// locate says where a match lies.
func (s *scratch) locate(m *Message, r *Rule, h *rules.Hit) Match {
	out := Match{Rule: r, Message: h.Message, Value: -1, InName: h.Name, Fragment: h.Fragment}
	if h.Field >= 0 {
		out.Value = s.values[h.Field]
	}
	if out.Value >= 0 {
		out.InName = out.InName || h.Variable == "FILES_NAMES"
		return out
	}
	switch h.Variable {
	case "REQUEST_FILENAME", "REQUEST_BASENAME":
		out.Place = "path"
	case "QUERY_STRING":
		out.Place = "query"
	case "REQUEST_URI", "REQUEST_URI_RAW", "REQUEST_LINE":
		out.Place = "path"
		if h.Fragment != "" && strings.Contains(m.RawQuery, h.Fragment) {
			out.Place = "query"
		}
	case "REQUEST_METHOD":
		out.Place = "method"
	case "REQUEST_PROTOCOL":
		out.Place = "protocol"
	case "REQUEST_BODY", "REQUEST_BODY_LENGTH":
		out.Place = "body"
	default:
		out.Place = "request"
		if m.Stage == Answer {
			out.Place = "response"
		}
	}
	return out
}
