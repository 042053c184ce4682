package schema

// A Dialect is the vocabulary in which a schema without its own $schema is written.
type Dialect uint8

// The dialects. OpenAPI31 serves 3.1 and 3.2.
const (
	Draft4 Dialect = iota
	Draft6
	Draft7
	Draft2019
	Draft2020
	OpenAPI30
	OpenAPI31
)

// A Compiler turns the schemas of documents into plans. It is not safe for concurrent use; the schemas that it returns are.
type Compiler struct{}

// NewCompiler makes a compiler for documents in dialect d.
func NewCompiler(d Dialect) *Compiler { return &Compiler{} }

// AddResource makes a whole document known under uri: decoded JSON, with json.Number for numbers.
func (c *Compiler) AddResource(uri string, doc any) {}

// SetLoader sets the function that finds documents which were not added. Without it they are errors.
func (c *Compiler) SetLoader(load func(uri string) (any, error)) {}

// AssertFormats says whether format is an assertion. Default true.
func (c *Compiler) AssertFormats(on bool) {}

// Compile compiles the schema at uri, which may end in a fragment with a JSON pointer or an anchor.
func (c *Compiler) Compile(uri string) (*Schema, error) { panic("not built yet") }

// Unsupported lists the keywords that are not, or not fully, judged: they pass.
func (c *Compiler) Unsupported() []*Unsupported { return nil }

// Problems lists the keywords whose value is malformed, x-sallyport with unknown keys among them; they are ignored.
func (c *Compiler) Problems() []*Problem { return nil }

// Unsupported is a keyword that cannot be judged.
type Unsupported struct {
	Pointer string // absolute: document URI, "#", RFC 6901
	Keyword string
	Detail  string
}

// A Problem is a keyword that is written wrongly.
type Problem struct {
	Pointer string // absolute: document URI, "#", RFC 6901
	Keyword string
	Detail  string
}
