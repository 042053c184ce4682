package rules

// A Collection is where a value of a message belongs, in the terms of the rule language.
type Collection uint8

// The collections of more than one value, then those of one.
const (
	ArgsGet Collection = iota
	ArgsPost
	ArgsPath
	RequestHeaders
	RequestCookies
	Files // an uploaded file: its text is the file name, its key the name of the part
	FilesNames
	PartHeaders // a header line of a multipart part
	XML         // keys are "/*" for text and "//@*" for attributes
	ResponseHeaders

	RequestMethod
	RequestProtocol
	RequestURI
	RequestURIRaw
	RequestLine
	RequestFilename
	RequestBasename
	QueryString
	RequestBody
	RequestBodyLength
	BodyProcessor
	ArgsCombinedSize
	FilesCombinedSize
	RemoteAddr
	ResponseBody
	ResponseStatus
	collections // how many there are
)

// A Field is one value of a message.
type Field struct {
	Collection Collection
	Key        string
	Text       string
	Short      *Shortcut // nil: nothing is known of the text
	Private    bool      // the text may be a secret
	// Clear: an earlier run has found that nothing is to be looked for in text and key. A run sets it where it finds so.
	Clear bool
}

// A Hit is a rule that objects to a value.
type Hit struct {
	Rule     *Rule
	Message  string // msg, expanded
	Field    int    // index of the value in the message, or -1
	Name     bool   // the value's key matched, not its text
	Variable string // what the last condition looked at, "REQUEST_LINE"
	Fragment string // what matched
}

// A Rule is what is known of a rule without a message.
type Rule struct {
	ID       int
	Phase    int
	Tags     []string
	Severity string // upper case, or "" where the rule has none
	Denies   bool   // deny, drop or block
	File     string
	Line     int
}

// reported reports whether matches of the rule are told: others are plumbing.
func (r *Rule) reported() bool { return r.Severity != "" || r.Denies }
