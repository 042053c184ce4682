// Package openapi reads OpenAPI 3.0, 3.1 and 3.2 documents and compiles them into what a request meets: operations
// found by path, parameters decoded by style, schemas ready to judge.
//
// A Document is immutable after [Load] and safe for concurrent use. Problems come all at once, each with file, line,
// column and a hint.
package openapi

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/openapi/schema"
)

// A Document is one API description, compiled.
type Document struct {
	Title, Version string       // info
	OpenAPI        string       // "3.1.0"
	BasePaths      []string     // the path parts of servers, without trailing slash; [""] when there are none
	Operations     []*Operation // in document order
	Schemes        map[string]*SecurityScheme

	servers []server
	root    *source
	sources map[string]*source // by URI; only their bytes are kept, so that the linter can say where
}

// Files are the files on disk that the description was read from.
func (d *Document) Files() []string {
	var files []string
	for _, s := range d.sources {
		if !strings.Contains(s.name, "://") {
			files = append(files, s.name)
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// Sum is the SHA-256 of everything that the description was read from: of one file its own, of several that of their
// list as sha256sum prints it.
func (d *Document) Sum() [sha256.Size]byte {
	var lines []string
	for _, s := range d.sources {
		if len(d.sources) == 1 {
			return sha256.Sum256(s.data)
		}
		lines = append(lines, fmt.Sprintf("%x  %s\n", sha256.Sum256(s.data), s.name))
	}
	slices.Sort(lines)
	return sha256.Sum256([]byte(strings.Join(lines, "")))
}

// server is one entry of servers, as written.
type server struct {
	url string
	place
}

// A SecurityScheme is one of components.securitySchemes.
type SecurityScheme struct {
	Name   string
	Type   string // apiKey, http, oauth2, openIdConnect, mutualTLS
	Scheme string // for http: bearer, basic … lower case
	In     string // for apiKey: header, query, cookie
	Param  string // for apiKey: the field's name

	place
	scopes, flows []string // of oauth2
}

// An Operation is one method on one path template, with everything resolved.
type Operation struct {
	Key          string // "GET /orders/{id}", as in apis[].operations
	ID           string // operationId, or Key when there is none
	Method       string
	Path         string // template, without the base path
	Deprecated   bool
	Tags         []string
	Params       []*Param     // path-level ones merged in
	Body         *RequestBody // nil: none declared
	Responses    []*Response
	Security     []Requirement    // alternatives; nil when none is declared
	Declared     bool             // the document declares security for this operation, be it empty
	Ext          config.Operation // x-sallyport, config merged over it
	At           Position
	Undocumented bool // not in the spec: passes under unknown: inspect
	// Print is equal for operations whose messages are described in the same way, whatever else their descriptions say. It
	// is not of Security and Ext.
	Print string

	place
	segments []segment
	plan     *plan
}

// A Requirement is one alternative of security: all of its schemes must be satisfied. An empty one means anonymous.
type Requirement struct{ Schemes []SchemeRef }

// SchemeRef names a security scheme and the scopes that it must carry.
type SchemeRef struct {
	Name   string
	Scopes []string
}

// A Param is one parameter of an operation.
type Param struct {
	Name          string
	In            string // path, query, header, cookie, querystring (3.2)
	Required      bool
	Style         string
	Explode       bool
	AllowReserved bool
	AllowEmpty    bool   // an empty value (Value.Raw == "") is allowed whatever the schema says
	Media         string // content parameters: the media type that the value is in; "" for schema parameters
	Schema        *schema.Schema
	Property      schema.Annotations // x-sallyport of the parameter, over that of its schema
	At            Position

	place
}

// Params are the decoded parameters of one request.
type Params struct {
	Values []Value
	// Errors are declared parameters that are missing, repeated or not decodable by their style. Whether a decoded
	// value fits its schema is for validation to say.
	Errors []ParamError
	// Undeclared are the names of query parameters that the operation does not declare, in order of appearance.
	Undeclared []string
}

// A ParamError is one parameter that could not be decoded. Detail names the expectation, never the value.
type ParamError struct{ In, Name, Detail string }

// A Value is one decoded parameter.
type Value struct {
	Param *Param
	Node  *content.Node // typed by the schema: integer "42" is a Number
	Raw   string        // as decoded from its percent-encoding, before style; "" where it came in several pairs
}

// Get returns the value of the parameter, or nil.
func (p Params) Get(in, name string) *Value {
	for i := range p.Values {
		if v := &p.Values[i]; v.Param.In == in && v.Param.Name == name {
			return v
		}
	}
	return nil
}

// RequestBody is what an operation accepts.
type RequestBody struct {
	Required bool
	Content  []MediaType
}

// MediaType is one entry of a content map.
type MediaType struct {
	Range  string         // "application/json", "image/*", "*/*"; lower case, without parameters
	Schema *schema.Schema // nil: anything; of sequential types (JSON Lines …), the schema of a list of their texts
	Events *Events        // of text/event-stream: what each event is; nil: anything. In requests, Schema is that of their list
	Octets bool           // the schema can be that of a text, and so bounds the size of what is nothing else

	place
	shape     *shape            // how texts are read; nil where the body types itself
	fields    map[string]*field // encoding, by property
	positions *positions        // of multipart bodies whose parts have a place; else nil
	deep      []string          // properties whose encoding is deepObject
}

// Response is one entry of responses.
type Response struct {
	Status  string // "200", "2XX", "default"
	Content []MediaType
	Headers []*Param // In is "header"

	place
}

// Position is where something stands in a source file.
type Position struct {
	File         string
	Line, Column int // from 1; 0 where unknown
}
