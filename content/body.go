package content

// A Body is what one message carries. It is read once and parsed once; its bytes never change, edits are kept beside
// them. Not safe for concurrent use.
//
// Contract (implemented by this package):
//
//	Read(r io.Reader, h Header, lim Limits) (*Body, error)  // h: ContentType, ContentEncoding, as received (all values)
//	(b) Bytes() []byte             decoded from its Content-Encoding, within the limit
//	(b) Media() Media              {Type "application/json", Charset "", Boundary …}; Media.JSON() for */json and */*+json
//	(b) Tree() (*Node, error)      strict, parsed at first use, cached; nil, nil for octets and an empty body
//	(b) Splice(n *Node, with []byte)     replace the value's span
//	(b) Remove(parent, n *Node)          remove a member or element, with its comma
//	(b) Mark() int ; (b) Rollback(mark int)   take back later edits (monitor mode)
//	(b) Edited() bool ; (b) Result() []byte   bytes with the edits applied; Bytes() when there are none
