package forward

import (
	"errors"
	"net/http"
	"net/textproto"
	"strings"
)

// What a head can be wrong in.
var (
	errHeadTooLarge = errors.New("the head of the answer is too large")
	errStatusLine   = errors.New("the answer does not begin with a status line of HTTP/1.1 or HTTP/1.0")
	errField        = errors.New("a line of the answer's header is no field")
	errManyFields   = errors.New("too many header fields")
)

// parseHead reads a status line and fields (RFC 9112 sections 4 and 5). Lines may end in LF alone, since nobody else reads them
// after us; continued lines, blanks before a colon and names that are no tokens are refused.
func parseHead(block string, resp *http.Response) error {
	line, rest := cutLine(block)
	if len(line) < len("HTTP/1.1 200") || line[:7] != "HTTP/1." || line[7] != '0' && line[7] != '1' || line[8] != ' ' {
		return errStatusLine
	}
	code := line[9:12]
	if !digits(code) || code[0] == '0' || len(line) > 12 && line[12] != ' ' {
		return errStatusLine
	}
	resp.StatusCode = int(code[0]-'0')*100 + int(code[1]-'0')*10 + int(code[2]-'0')
	resp.ProtoMajor, resp.ProtoMinor = 1, int(line[7]-'0')
	var err error
	resp.Header, err = parseFields(rest)
	return err
}

// parseFields reads field lines up to the empty one. The values share one array.
func parseFields(block string) (http.Header, error) {
	lines := strings.Count(block, "\n") - 1
	if lines > maxResponseFields {
		return nil, errManyFields
	}
	h, values := make(http.Header, lines), make([]string, 0, lines)
	for {
		var line string
		if line, block = cutLine(block); line == "" {
			return h, nil
		}
		colon := strings.IndexByte(line, ':')
		if colon <= 0 || !token(line[:colon]) || !printable(line[colon:]) {
			return nil, errField
		}
		name := textproto.CanonicalMIMEHeaderKey(line[:colon])
		values = append(values, strings.Trim(line[colon+1:], " \t"))
		if before := h[name]; before != nil {
			h[name] = append(before, values[len(values)-1])
			continue
		}
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
}

// cutLine splits after the first line, of which the end is dropped.
func cutLine(s string) (line, rest string) {
	line, rest, _ = strings.Cut(s, "\n")
	return strings.TrimSuffix(line, "\r"), rest
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
