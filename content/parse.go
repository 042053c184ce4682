package content

import (
	"math"
	"unicode/utf8"
)

// Parse reads data as its media type says: JSON, a sequence of JSON texts, form, multipart/form-data, XML or text. It returns nil without an
// error for no data and for every other media type (octets). The nodes alias data, which must not change afterwards.
// The error is an [*Error].
func Parse(data []byte, m Media, lim Limits) (*Node, error) {
	return parse(data, m, lim.WithDefaults(), nil)
}

func parse(data []byte, m Media, lim Limits, f Fields) (*Node, error) {
	if err := measure(data, lim); err != nil {
		return nil, err
	}
	if len(data) == 0 {
		return nil, nil
	}
	read := parserOf(m)
	if read == nil {
		return nil, nil
	}
	if m.Charset == "us-ascii" {
		if at := firstNonASCII(data); at >= 0 {
			return nil, fail(Ambiguous, at, "the charset us-ascii does not hold")
		}
	}
	return read(data, m, lim, f)
}

// parserOf returns the parser for a media type, nil for octets.
func parserOf(m Media) func([]byte, Media, Limits, Fields) (*Node, error) {
	switch {
	case m.Sequence():
		return parseSequence
	case m.JSON():
		return func(data []byte, _ Media, lim Limits, _ Fields) (*Node, error) { return parseJSON(data, lim) }
	case m.XML():
		return func(data []byte, _ Media, lim Limits, _ Fields) (*Node, error) { return parseXML(data, lim) }
	case m.Form():
		return func(data []byte, _ Media, lim Limits, f Fields) (*Node, error) { return parseForm(data, lim, f) }
	case m.parts():
		return parseMultipart
	case m.Type == "text/event-stream":
		return func(data []byte, _ Media, lim Limits, f Fields) (*Node, error) {
			if f == nil || !f.EachEvent() {
				return parseText(data)
			}
			return parseEvents(data, lim)
		}
	case m.Text():
		return func(data []byte, _ Media, _ Limits, _ Fields) (*Node, error) { return parseText(data) }
	}
	return nil
}

// measure refuses data that is larger than the limit, or than the offsets of a Node can say.
func measure(data []byte, lim Limits) error {
	return bounded(int64(len(data)), Limits{Bytes: min(lim.Bytes, math.MaxUint32)})
}

// parseText makes one String of a whole text, which has to be UTF-8.
func parseText(data []byte) (*Node, error) {
	if at := firstInvalid(data); at >= 0 {
		return nil, fail(Ambiguous, at, "invalid UTF-8")
	}
	return &Node{Kind: String, Text: alias(data), End: uint32(len(data))}, nil
}

// firstInvalid returns where data stops being UTF-8, or -1.
func firstInvalid(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	at := 0
	for at < len(data) {
		r, n := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return at
}

func firstNonASCII(data []byte) int {
	for i, c := range data {
		if c >= utf8.RuneSelf {
			return i
		}
	}
	return -1
}
