package openapi

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/openapi/schema"
)

// Options say how a document is read.
type Options struct {
	// Overlays are files with OpenAPI Overlay documents, which are laid over the description in this order.
	Overlays []string
	// Overlay is merged over the x-sallyport of operations, by "METHOD /path": apis[].operations of the config. What is
	// wrong with it is reported by rules that begin with "config.".
	Overlay map[string]config.Operation
	// RemoteRefs lets $ref reach http(s) URLs through Fetch. Without it they are errors.
	RemoteRefs bool
	// Fetch returns what is behind a URL. It bounds size and time itself.
	Fetch func(url string) ([]byte, error)
}

// Load reads the document in file, with everything that it refers to, and compiles it. The document is nil exactly
// when the problems contain an error. Problems come all at once, sorted by place.
func Load(file string, o Options) (*Document, config.Problems) { return sound(Draft(file, o)) }

// Draft is [Load] for whoever only looks for problems: the document is there also where some are errors, without what
// they keep from being read. It is nil only where the file is no OpenAPI document at all.
func Draft(file string, o Options) (*Document, config.Problems) {
	data, err := readFile(file)
	if err != nil {
		p := config.Problem{File: file, Line: 1, Column: 1, Severity: config.Error, Rule: "spec.unreadable", Message: "cannot read the spec: " + err.Error()}
		if strings.Contains(file, "://") {
			p.Message, p.Hint = "the spec must be a file, not a URL", "curl -o openapi.json "+file
		}
		return nil, config.Problems{p}
	}
	return draft(file, data, o)
}

// Parse is [Load] for a document that is already in memory; name stands for its file in problems, and relative
// references start from its folder.
func Parse(name string, data []byte, o Options) (*Document, config.Problems) {
	return sound(draft(name, data, o))
}

// sound withholds a document that must not be used.
func sound(d *Document, problems config.Problems) (*Document, config.Problems) {
	if problems.Failed() {
		return nil, problems
	}
	return d, problems
}

func draft(name string, data []byte, o Options) (*Document, config.Problems) {
	main, problems := parseSource(fileURI(name), name, data)
	if main == nil {
		return nil, unique(problems)
	}
	b := &builder{options: o, main: main, doc: &Document{root: main}, orders: map[*Operation]*order{}}
	b.library = &library{options: o, sources: map[string]*source{}, broken: map[string]error{}}
	for _, file := range o.Overlays {
		main.own()
		b.act(file)
	}
	if !b.version() {
		return nil, b.settle()
	}
	b.compilers()
	b.build()
	problems = unique(append(b.settle(), b.library.parsing...))
	b.finish()
	return b.doc, problems
}

var (
	versions     = regexp.MustCompile(`^3\.([012])\.\d+(-[0-9A-Za-z.-]+)?$`)
	shortVersion = regexp.MustCompile(`^3\.[012]$`)
)

// version reads which OpenAPI this is; false when it is none that can be judged.
func (b *builder) version() bool {
	root := cursor{place{b.main, ""}, b.main.root}
	m, ok := root.v.(map[string]any)
	if !ok {
		b.fail(root.place, "spec.version", "", "this is not an OpenAPI document: an object is expected")
		return false
	}
	if v, ok := m["swagger"]; ok {
		b.fail(root.below("swagger"), "spec.swagger2", "convert it to OpenAPI 3: npx swagger2openapi "+filepath.Base(b.main.name)+" -o openapi.json, or the converter of editor.swagger.io", "this is a Swagger %v document, which is not supported", v)
		return false
	}
	v, ok := m["openapi"]
	if !ok {
		b.fail(root.place, "spec.version", "openapi: 3.1.0", "this is not an OpenAPI document: it has no openapi field")
		return false
	}
	b.doc.OpenAPI = fmt.Sprint(v)
	if shortVersion.MatchString(b.doc.OpenAPI) {
		b.warn(root.below("openapi"), "spec.version", `openapi: "`+b.doc.OpenAPI+`.0"`, "OpenAPI versions have three numbers; %s is read as %s.0", b.doc.OpenAPI, b.doc.OpenAPI)
		b.doc.OpenAPI += ".0"
	}
	minor := versions.FindStringSubmatch(b.doc.OpenAPI)
	if minor == nil {
		b.fail(root.below("openapi"), "spec.version", `3.0, 3.1 and 3.2 are: openapi: "3.1.0"`, "OpenAPI %v is not supported", v)
		return false
	}
	b.minor = int(minor[1][0] - '0')
	return true
}

// compilers prepares the schema compiler, which shares the files of the description.
func (b *builder) compilers() {
	dialect := schema.OpenAPI31
	if b.minor == 0 {
		dialect = schema.OpenAPI30
	}
	b.compiler = schema.NewCompiler(dialect)
	b.library.loaded = func(s *source) { b.compiler.AddResource(s.uri, s.root) }
	b.compiler.SetLoader(func(uri string) (any, error) {
		s, err := b.library.source(uri)
		if err != nil {
			return nil, err
		}
		return s.root, nil
	})
	b.self()
	b.library.add(b.main)
}

// self makes $self (3.2) the base of relative references; the file stays known under its own name too.
func (b *builder) self() {
	root := cursor{place{b.main, ""}, b.main.root}
	if b.minor < 2 || !root.has("$self") {
		return
	}
	ref := b.text(root, "$self")
	uri, ptr, err := resolve(b.main.uri, ref)
	if err != nil || ptr != "" || strings.Contains(ref, "#") {
		b.fail(root.below("$self"), "spec.self", "", "$self must be a URI reference without a fragment")
		return
	}
	b.library.sources[b.main.uri] = b.main
	b.main.uri = uri
}

func (b *builder) build() {
	root := cursor{place{b.main, ""}, b.main.root}
	b.info(root)
	b.misplaced(root, "the document")
	b.schemes()
	b.basePaths()
	b.paths()
	b.uniqueIDs()
	b.overlays()
	b.prints()
	b.schemaProblems()
	b.collisions()
}

func (b *builder) info(root cursor) {
	info, ok := b.object(root, "info")
	if !ok {
		b.warn(root.place, "spec.info", "", "the document has no info")
		return
	}
	b.misplaced(info, "info")
	b.doc.Title, b.doc.Version = b.label(info, "title"), b.label(info, "version")
	if d, ok := root.get("jsonSchemaDialect"); ok && b.minor > 0 {
		switch d.v {
		case "https://json-schema.org/draft/2020-12/schema", "https://spec.openapis.org/oas/3.1/dialect/base":
		default:
			if s, _ := d.v.(string); !strings.HasPrefix(s, "https://spec.openapis.org/oas/3.2/dialect/") && !strings.HasPrefix(s, "https://spec.openapis.org/oas/3.1/dialect/") {
				b.warn(d.place, "spec.dialect", "", "schemas are read as JSON Schema 2020-12 with OpenAPI's additions, not as %v", d.v)
			}
		}
	}
}

// finish turns what was gathered into what a request meets.
func (b *builder) finish() {
	b.sortOperations()
	shapes := shaper{}
	for _, op := range b.doc.Operations {
		op.plan = newPlan(op, b.doc.Schemes, shapes)
	}
	for _, s := range b.library.sources {
		s.drop()
	}
	for _, s := range b.layers {
		s.drop()
	}
	b.doc.sources = b.library.sources
}
