// Package content turns the bytes of a message into one strict tree, once.
//
// Every component that looks at a body (validation, authorization, inspection, masking, discovery) reads the same
// [Node] values, and what is forwarded is the bytes those values were read from. Input that two parsers could read
// differently is an [Error], never repaired. The package does no I/O beyond the reader that it is given, keeps no
// state between calls, and bounds every dimension of its input by [Limits].
package content

// Kind says what a [Node] is. The zero Kind is no value at all.
type Kind uint8

// The kinds of nodes. Form fields and multipart fields are Strings in an Object; a field that occurs more than once
// is an Array of them. An uploaded file is a File.
const (
	Null Kind = iota + 1
	Bool
	Number
	String
	Array
	Object
	File
)

// A Node is one value of a message. Nodes are immutable after parsing and safe for concurrent readers.
type Node struct {
	Kind Kind
	// Name is the decoded member name when the parent is an Object.
	Name string
	// Text is the decoded text of a String, the literal of a Number or Bool, the content of a File.
	Text string
	// Children are the members of an Object or the elements of an Array, in document order. The data of an event may be a
	// JSON text: it is the one child of that String.
	Children []Node
	// Start and End delimit the value in Body.Bytes (for a String in JSON including its quotes).
	Start, End uint32
	// NameStart is where the member's name begins in Body.Bytes, for removal of the whole member.
	NameStart uint32
	// File describes an uploaded file, and the declared type of a multipart field that declares one (a String with
	// Content-Type application/json, say); nil for everything else but what Namespace tells.
	File *FileInfo
}

// FileInfo is what a multipart part says of the file that it carries.
type FileInfo struct {
	Filename    string // as declared: free of paths, control characters and padding, which are refused; may be empty
	ContentType string // as declared by the part, lower case, without parameters

	namespace string // of an XML element or attribute, which is no file: it shares the field, as few nodes have either
}

// Namespace is that of the XML element or attribute which n is; "" where it is in none.
func (n *Node) Namespace() string {
	if n.File == nil {
		return ""
	}
	return n.File.namespace
}

// Get returns the member called name of an Object, or nil.
func (n *Node) Get(name string) *Node {
	if n == nil || n.Kind != Object {
		return nil
	}
	for i := range n.Children {
		if n.Children[i].Name == name {
			return &n.Children[i]
		}
	}
	return nil
}
