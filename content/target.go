package content

// A Target is the one canonical reading of a request target, computed once and used by matching, authorization,
// inspection and forwarding alike.
type Target struct {
	// Path is the canonical path as it is forwarded: absolute, no dot segments, no empty segments, each segment
	// percent-encoded in one way.
	Path string
	// Segments are the decoded segments of Path; "/" has none. A trailing slash yields a last empty segment.
	Segments []string
	// Query holds the decoded pairs in order of appearance.
	Query []Pair
	// RawQuery is Query encoded in one way, as it is forwarded; without "?".
	RawQuery string
}

// A Pair is one name and value of a query or form.
type Pair struct{ Name, Value string }

// ParseTarget reads a request target in origin-form or asterisk-form.
func ParseTarget(raw string) (Target, error) { return Target{}, nil }

// ParseTargetHost reads a request target in origin-form, asterisk-form or absolute-form; host is "" but for the last.
func ParseTargetHost(raw string) (Target, string, error) { return Target{}, "", nil }
