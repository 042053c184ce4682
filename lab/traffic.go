package lab

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

//go:embed traffic.jsonl
var traffic []byte

// A Request is one recorded request of an ordinary client.
type Request struct {
	Name      string            `json:"name"`
	Operation string            `json:"operation"`    // operationId in the spec
	Who       string            `json:"who"`          // anonymous, customer, support, admin, partner
	As        string            `json:"as,omitempty"` // the customer's id
	Method    string            `json:"method"`
	Path      string            `json:"path"` // with query
	Header    map[string]string `json:"header,omitempty"`
	Body      string            `json:"body,omitempty"`   // text
	Binary    []byte            `json:"binary,omitempty"` // instead of Body; base64 in the file
	Status    int               `json:"status"`           // expected
}

// Traffic returns the recorded requests of traffic.jsonl: what ordinary clients send to every operation. They are
// played in order, one after the other, from the seed data; some build upon what others have made.
func Traffic() []Request {
	var all []Request
	d := json.NewDecoder(bytes.NewReader(traffic))
	for {
		var r Request
		switch err := d.Decode(&r); err {
		case nil:
			all = append(all, r)
		case io.EOF:
			return all
		default:
			panic(fmt.Errorf("lab/traffic.jsonl, request %d: %w", len(all)+1, err)) // embedded: a test reads it
		}
	}
}

// HTTP returns the request, ready to be sent to base in the name of whoever makes it.
func (r Request) HTTP(ctx context.Context, base string, l *Lab) (*http.Request, error) {
	body := r.Binary
	if body == nil {
		body = []byte(r.Body)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, base+r.Path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("request %q: %w", r.Name, err)
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	switch r.Who {
	case "customer":
		req.Header.Set("Authorization", "Bearer "+l.Token(r.As))
	case "support":
		req.Header.Set("Authorization", "Bearer "+l.Token(Support))
	case "admin":
		req.Header.Set("Authorization", "Bearer "+l.Token(Admin))
	case "partner":
		req.Header.Set("X-API-Key", l.APIKey())
	}
	return req, nil
}
