package openapi

// A Matcher finds the operation of a request. Cost grows with the length of the path, not with the number of
// operations. It is immutable and safe for concurrent use.
type Matcher struct{}

// A Match is what a Matcher says about a request.
type Match struct {
	// Operation is nil when the path is unknown, or known with other methods only.
	Operation *Operation
	// Args are the values of the template's parameters, in template order, percent-decoded.
	Args []string
	// Allow lists the methods of the path, sorted, when only the method is wrong.
	Allow []string
}

// NewMatcher builds a matcher. It fails when two templates would match the same paths.
func NewMatcher(ops []*Operation) (*Matcher, error) { return &Matcher{}, nil }

// Match finds the operation for a method and the decoded segments of a canonical path, without the base path.
// Comparison is case-sensitive. A concrete segment is preferred to a templated one, as OpenAPI demands.
func (m *Matcher) Match(method string, segments []string) Match { return Match{} }
