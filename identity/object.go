package identity

import (
	"bytes"
	"io"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport/sallyport/exchange"
)

// maxDepth bounds the nesting of claims. Real tokens stay below 8.
const maxDepth = 32

// members calls f for each member of the one JSON object in data. Duplicate names at any depth, invalid UTF-8,
// anything after the object, and numbers that no float64 holds are refused (RFC 7519 section 4 and RFC 8725 section
// 3.10 leave no room for two readings).
func members(data []byte, f func(name string, value any) *failure) *failure {
	d := jsontext.NewDecoder(bytes.NewBuffer(data))
	if d.PeekKind() != '{' {
		return fail(exchange.TokenMalformed, "not a JSON object")
	}
	if _, err := d.ReadToken(); err != nil {
		return notJSON(err)
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return notJSON(err)
		}
		text := name.String() // before the next read overwrites it
		value, failed := readValue(d)
		if failed != nil {
			return failed
		}
		if failed := f(text, value); failed != nil {
			return failed
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return notJSON(err)
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return fail(exchange.TokenMalformed, "something follows the JSON object")
	}
	return nil
}

// readValue reads one value as nil, bool, string, int64, float64, []any or map[string]any. Whole numbers that int64
// holds stay exact, because identifiers of 64 bits are common and a float64 would merge neighbours.
func readValue(d *jsontext.Decoder) (any, *failure) {
	if d.StackDepth() > maxDepth {
		return nil, fail(exchange.TokenMalformed, "nested deeper than %d", maxDepth)
	}
	t, err := d.ReadToken()
	if err != nil {
		return nil, notJSON(err)
	}
	switch t.Kind() {
	case 'n':
		return nil, nil
	case 't', 'f':
		return t.Bool(), nil
	case '"':
		return t.String(), nil
	case '0':
		return number(t.String())
	case '[':
		return readArray(d)
	default:
		return readObject(d)
	}
}

func readArray(d *jsontext.Decoder) (any, *failure) {
	list := []any{}
	for d.PeekKind() != ']' {
		v, f := readValue(d)
		if f != nil {
			return nil, f
		}
		list = append(list, v)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, notJSON(err)
	}
	return list, nil
}

func readObject(d *jsontext.Decoder) (any, *failure) {
	object := map[string]any{}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, notJSON(err)
		}
		text := name.String()
		v, f := readValue(d)
		if f != nil {
			return nil, f
		}
		object[text] = v
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, notJSON(err)
	}
	return object, nil
}

func number(literal string) (any, *failure) {
	if i, err := strconv.ParseInt(literal, 10, 64); err == nil {
		return i, nil
	}
	x, err := strconv.ParseFloat(literal, 64)
	if err != nil || math.IsInf(x, 0) {
		return nil, fail(exchange.TokenMalformed, "a number is out of range")
	}
	return x, nil
}

// notJSON hides the decoder's text, which may quote the token.
func notJSON(error) *failure {
	return fail(exchange.TokenMalformed, "not strict JSON: malformed, a duplicate name or invalid UTF-8")
}
