package inspect

import (
	"strings"

	"github.com/corazawaf/coraza/v3/types"
	"github.com/corazawaf/coraza/v3/types/variables"
)

// collect turns what Coraza matched into matches. Rules without a score are plumbing and not reported.
func (f *feed) collect(rules map[int]*Rule, dst []Match) []Match {
	first := len(dst)
	for _, mr := range f.tx.MatchedRules() {
		r := rules[mr.Rule().ID()]
		if r == nil {
			continue
		}
		data := mr.MatchedDatas()
		last := lastLink(data)
		for _, d := range data {
			if d.ChainLevel() != last {
				continue
			}
			hit := Match{Rule: r, Message: mr.Message(), Fragment: fragment(mr, d)}
			f.locate(&hit, data, d)
			if !reported(dst[first:], &hit) {
				dst = append(dst, hit)
			}
		}
	}
	return dst
}

func lastLink(data []types.MatchData) int {
	last := 0
	for _, d := range data {
		last = max(last, d.ChainLevel())
	}
	return last
}

// locate says where a match lies. The last link of a chain often looks at a helper variable; then the earlier links
// are asked.
func (f *feed) locate(hit *Match, data []types.MatchData, d types.MatchData) {
	if f.place(hit, d) {
		return
	}
	for _, earlier := range data {
		if earlier != d && f.place(hit, earlier) {
			return
		}
	}
	hit.Value, hit.Place = -1, "request"
	if f.m.Stage == Answer {
		hit.Place = "response"
	}
}

func (f *feed) place(hit *Match, d types.MatchData) bool {
	hit.Value, hit.InName = -1, false
	switch v := d.Variable(); v {
	case variables.RequestFilename, variables.RequestBasename:
		hit.Place = "path"
	case variables.QueryString:
		hit.Place = "query"
	case variables.RequestURI, variables.RequestURIRaw, variables.RequestLine:
		hit.Place = "path"
		if hit.Fragment != "" && strings.Contains(f.m.RawQuery, hit.Fragment) {
			hit.Place = "query"
		}
	case variables.RequestMethod:
		hit.Place = "method"
	case variables.RequestProtocol:
		hit.Place = "protocol"
	case variables.RequestBody, variables.RequestBodyLength:
		hit.Place = "body"
	case variables.XML, variables.RequestXML:
		return f.placeText(hit, TextPart, AttrPart)
	case variables.ResponseBody:
		if !f.placeText(hit, AnswerPart) {
			hit.Place = "response"
		}
	case variables.MatchedVars, variables.MatchedVar:
		return f.placeMatched(hit, d.Key())
	case variables.TX:
		// 920450 and its like keep a header's name as /name/.
		return f.placeKey(hit, v, strings.Trim(d.Value(), "/"), HeaderPart)
	default:
		return f.placeKey(hit, v, d.Key(), partsOf(v)...)
	}
	return true
}

// placeMatched finds the value that an earlier link of a chain matched, "ARGS_NAMES:note".
func (f *feed) placeMatched(hit *Match, name string) bool {
	variable, key, _ := strings.Cut(name, ":")
	v, err := variables.Parse(variable)
	return err == nil && f.placeKey(hit, v, key, partsOf(v)...)
}

func (f *feed) placeKey(hit *Match, v variables.RuleVariable, key string, parts ...Part) bool {
	i := f.find(key, parts...)
	if i < 0 || (key == "" && len(parts) == 0) {
		return false
	}
	hit.Value, hit.Place, hit.InName = i, "", holdsNames(v)
	return true
}

// placeText finds the value that holds the fragment, for variables that have no keys of ours.
func (f *feed) placeText(hit *Match, parts ...Part) bool {
	for i := range f.m.Values {
		for _, p := range parts {
			if v := &f.m.Values[i]; v.Part == p && strings.Contains(v.Text, hit.Fragment) {
				hit.Value, hit.Place = i, ""
				return true
			}
		}
	}
	return false
}

// partsOf are the parts that a variable is filled from.
func partsOf(v variables.RuleVariable) []Part {
	switch v {
	case variables.ArgsGet, variables.ArgsGetNames:
		return []Part{QueryPart}
	case variables.ArgsPost, variables.ArgsPostNames:
		return []Part{BodyPart}
	case variables.Args, variables.ArgsNames:
		return []Part{QueryPart, BodyPart, PathPart}
	case variables.ArgsPath, variables.Unknown:
		return []Part{PathPart}
	case variables.RequestHeaders, variables.RequestHeadersNames:
		return []Part{HeaderPart}
	case variables.RequestCookies, variables.RequestCookiesNames:
		return []Part{CookiePart}
	case variables.Files, variables.FilesNames, variables.MultipartPartHeaders:
		return []Part{FilePart}
	}
	return nil
}

// fragment is what matched: the part of the value that the rule captured for its log line, else the whole value.
func fragment(mr types.MatchedRule, d types.MatchData) string {
	line := d.Data()
	if line == "" {
		line = mr.Data()
	}
	if rest, ok := strings.CutPrefix(line, "Matched Data: "); ok {
		if i := strings.LastIndex(rest, " found within "); i > 0 {
			return rest[:i]
		}
	}
	return d.Value()
}
