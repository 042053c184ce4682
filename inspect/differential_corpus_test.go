package inspect

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/content"
)

// corpus are the shared sets of requests, attacks and ordinary ones.
var corpus = []string{"rec-datadog/rec-datadog", "rec-fastly/rec-fastly", "rec-octokit/rec-octokit", "rec-reddit/rec-reddit", "spec-examples/spec-examples",
	"httpparams/httpparams", "mlwaf/mlwaf", "libinjection/libinjection", "patt/patt", "payloadbox/payloadbox", "fuzzdb/fuzzdb", "wafbypass/wafbypass"}

// levels are the paranoia levels at which the engines are compared; SALLYPORT_LEVEL chooses another one.
var levels = func() []int {
	if n, err := strconv.Atoi(os.Getenv("SALLYPORT_LEVEL")); err == nil {
		return []int{n}
	}
	return []int{1, 2, 4}
}()

// sampled chooses every so manieth message, as many as the normal test run can afford; SALLYPORT_ALL takes all,
// SALLYPORT_EVERY another share.
func sampled(i, every int) bool {
	if os.Getenv("SALLYPORT_ALL") != "" {
		every = 1
	}
	if n, err := strconv.Atoi(os.Getenv("SALLYPORT_EVERY")); err == nil && n > 0 {
		every = n
	}
	return i%every == 0
}

// Both engines object to the same requests of the shared data by the same rules.
func TestSameAsCorazaOnTraffic(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: there is nothing for the race detector")
	}
	for _, paranoia := range levels {
		p := newPair(t, paranoia)
		front := 0
		for _, set := range corpus {
			before := p.messages
			for i, r := range readRecorded(t, set) {
				if !sampled(i+paranoia, 400) {
					continue
				}
				p.differ = func(m *Message, ours, oracle []string) {
					t.Errorf("paranoia %d, %s (%d): ours %v, Coraza %v", paranoia, r.ID, m.Stage, ours, oracle)
				}
				if _, err := judgeRaw(r.raw(), p); err != nil {
					front++
				}
			}
			progress("paranoia %d: %s, %d messages", paranoia, set, p.messages-before)
		}
		t.Logf("paranoia %d: %d messages compared, %d requests refused before the rules", paranoia, p.messages, front)
	}
}

// progress tells on the terminal how far a long run has come.
func progress(format string, args ...any) {
	if os.Getenv("SALLYPORT_ALL")+os.Getenv("SALLYPORT_EVERY") != "" {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	}
}

// payloads reads every payload of the shared lists out of the requests that carry them, and the naughty strings; with
// SALLYPORT_PAYLOADS also the lines of all files below that directory.
func payloads(t *testing.T) []string {
	var out []string
	for _, set := range corpus[5:] {
		for _, r := range readRecorded(t, set) {
			out = append(out, payloadsOf(&r)...)
		}
	}
	if dir := os.Getenv("SALLYPORT_PAYLOADS"); dir != "" {
		out = linesBelow(t, dir)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func payloadsOf(r *recorded) []string {
	var out []string
	for pair := range strings.SplitSeq(r.Query, "&") {
		_, v, _ := strings.Cut(pair, "=")
		if s, err := url.QueryUnescape(v); err == nil {
			out = append(out, s)
		}
	}
	var object map[string]any
	if json.Unmarshal([]byte(r.Body), &object) == nil {
		for _, v := range object {
			if s, ok := v.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

func linesBelow(t *testing.T, dir string) []string {
	var out []string
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			if line := strings.Clone(s.Text()); line != "" && len(line) < 2000 {
				out = append(out, line)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Both engines object by the same rules to messages that carry a payload: in the query, JSON, a form, a cookie, a header, the
// path, a file's name, XML or an answer, each payload at one place, by its number.
func TestSameAsCorazaOnPayloads(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: there is nothing for the race detector")
	}
	list := payloads(t)
	for _, paranoia := range levels {
		p := newPair(t, paranoia)
		for i, text := range list {
			if sampled(i+paranoia, 400) {
				p.carried(t, text, i)
			}
			if i%2000 == 0 {
				progress("paranoia %d: %d of %d payloads, %d messages", paranoia, i, len(list), p.messages)
			}
		}
		t.Logf("paranoia %d: %d messages compared", paranoia, p.messages)
	}
}

// carried compares the verdicts on a text at the place that turn says.
func (p *pair) carried(t *testing.T, text string, turn int) {
	t.Helper()
	p.differ = func(m *Message, ours, oracle []string) {
		t.Errorf("turn %d, stage %d, %q: ours %v, Coraza %v", turn, m.Stage, text, ours, oracle)
	}
	list := []*Message{carrying(text, turn)}
	if turn%4 == 0 {
		answer := new(Message)
		answer.reset(Answer)
		answer.Proto, answer.Status = "HTTP/1.1", []int{200, 500, 403}[turn%3]
		answer.addNamed(AnswerPart, "v", text)
		list = append(list, answer)
	}
	for _, m := range list {
		if _, err := p.Inspect(context.Background(), m, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// carrying returns a request with the text as a value, or a name, at the place that turn says.
func carrying(text string, turn int) *Message {
	m := new(Message)
	m.reset(Body)
	m.Method, m.Proto, m.Path, m.Decoded = "POST", "HTTP/1.1", "/api/v1/items", "/api/v1/items"
	m.addNamed(HeaderPart, "Host", "api.example.com")
	m.addNamed(HeaderPart, "Accept", "*/*")
	kind := []string{"application/json", "application/x-www-form-urlencoded", "text/xml"}[turn%3]
	m.addNamed(HeaderPart, "Content-Type", kind)
	m.Media, _ = content.ParseMedia([]string{kind})
	parts := []Part{BodyPart, QueryPart, CookiePart, HeaderPart, PathPart, BodyPart, FilePart, TextPart, AttrPart, QueryPart, HeaderPart}
	part, name := parts[turn%len(parts)], "note"
	switch {
	case part == HeaderPart:
		name = []string{"User-Agent", "Referer", "X-Note"}[turn%3]
	case turn%5 == 4:
		name = text
	}
	m.addNamed(part, name, text)
	switch part {
	case QueryPart:
		m.RawQuery = "note=" + url.QueryEscape(text)
	case PathPart:
		m.Decoded += "/" + text
		m.Path = (&url.URL{Path: m.Decoded}).EscapedPath()
	case BodyPart:
		if m.Media.Form() {
			m.Raw = "note=" + url.QueryEscape(text)
		}
	}
	return m
}
