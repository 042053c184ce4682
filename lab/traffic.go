package lab

import (
	"context"
	"net/http"
)

// A Request is one recorded request of an ordinary client.
type Request struct {
	Name      string            `json:"name"`
	Operation string            `json:"operation"` // operationId in the spec
	Who       string            `json:"who"`       // anonymous, customer, support, admin, partner
	As        string            `json:"as,omitempty"`
	Method    string            `json:"method"`
	Path      string            `json:"path"` // with query
	Header    map[string]string `json:"header,omitempty"`
	Body      string            `json:"body,omitempty"`   // text
	Binary    []byte            `json:"binary,omitempty"` // instead of Body: base64 in the file
	Status    int               `json:"status"`           // expected
}

// Traffic returns the recorded requests. They are played in order, one after the other, from the seed data.
func Traffic() []Request { return nil }

// HTTP returns the request, ready to be sent to base in the name of whoever makes it.
func (r Request) HTTP(ctx context.Context, base string, l *Lab) (*http.Request, error) {
	return nil, nil
}
