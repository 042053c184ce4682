package openapi

import (
	"net/http"

	"github.com/sallyport/sallyport/content"
)

// Decode reads every declared parameter of a request: t is its canonical target, path the arguments that the matcher
// found for the template, in template order, h its header. It is safe for concurrent use.
func (o *Operation) Decode(t content.Target, path []string, h http.Header) Params { return Params{} }
