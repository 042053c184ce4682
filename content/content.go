package content

import "fmt"

// Limits bounds what one body may cost. A zero field means its default; see [Limits.WithDefaults].
type Limits struct {
	Bytes    int64 // decoded size in bytes, default 1 MiB
	Ratio    int   // decoded size / encoded size, checked beyond the first 64 KiB, default 100
	Depth    int   // nesting of arrays and objects, default 64
	Nodes    int   // values in the tree, default 100,000
	Parts    int   // parts of a multipart body, default 100
	NameSize int   // bytes of one member, field or file name, default 1,024
	Cases    bool  // members of JSON whose names differ in case only are two, not one: for what a service says, not strangers
}

// Code classifies an [Error]. The catalogue of reasons has an entry for each.
type Code uint8

// The codes of content errors.
const (
	TooLarge            Code = iota + 1 // larger than Limits.Bytes or Limits.Ratio
	TooComplex                          // deeper, or more values, parts or longer names than allowed
	UnsupportedEncoding                 // Content-Encoding that is not identity, gzip, deflate, br or zstd, or more than one
	UnsupportedMedia                    // Content-Type missing, repeated, unparsable, or with a charset other than UTF-8
	Malformed                           // not well-formed for its media type
	Ambiguous                           // well-formed, but readers disagree about its meaning: duplicate names, lone surrogates, …
	Incomplete                          // the stream ended or failed before the body was whole
)

// Error is a body that cannot be judged. Detail is safe to show to the client: it names places, never values.
type Error struct {
	Code   Code
	Offset int64  // in the decoded bytes, -1 where unknown
	Detail string // lower case, without the offset
	Err    error  // underlying cause, may be nil
}

func (e *Error) Error() string {
	if e.Offset < 0 {
		return e.Detail
	}
	return fmt.Sprintf("%s at byte %d", e.Detail, e.Offset)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// WithDefaults returns the limits with every zero field replaced by its default.
func (l Limits) WithDefaults() Limits {
	set(&l.Bytes, 1<<20)
	set(&l.Ratio, 100)
	set(&l.Depth, 64)
	set(&l.Nodes, 100_000)
	set(&l.Parts, 100)
	set(&l.NameSize, 1024)
	return l
}

func set[T int | int64](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}
