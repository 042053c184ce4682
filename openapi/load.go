package openapi

import (
	"github.com/sallyport/sallyport/config"
)

// Options say how a document is read.
type Options struct {
	// Overlay is merged over the x-sallyport of operations, by "METHOD /path": apis[].operations of the config.
	Overlay map[string]config.Operation
	// RemoteRefs lets $ref reach http(s) URLs through Fetch. Without it they are errors.
	RemoteRefs bool
	// Fetch returns what is behind a URL. It bounds size and time itself.
	Fetch func(url string) ([]byte, error)
}

// Load reads the document in file, with everything that it refers to, and compiles it. The document is nil exactly
// when the problems contain an error. Problems come all at once, sorted by place.
func Load(file string, o Options) (*Document, config.Problems) {
	return nil, config.Problems{{File: file, Severity: config.Error, Rule: "spec.unfinished", Message: "not built yet"}}
}

// Parse is [Load] for a document that is already in memory; name stands for its file in problems, and relative
// references start from its folder.
func Parse(name string, data []byte, o Options) (*Document, config.Problems) {
	return nil, config.Problems{{File: name, Severity: config.Error, Rule: "spec.unfinished", Message: "not built yet"}}
}

// Lint applies the security rules to a document that loaded. It reports warnings and notes, and errors only for what
// makes protection impossible.
func (d *Document) Lint() config.Problems { return nil }
