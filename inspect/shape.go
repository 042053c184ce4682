package inspect

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sallyport/sallyport/inspect/rules"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/openapi/schema"
)

// shape.go spares texts that the schema of a body has confined already the rules that cannot match them: a date, a UUID,
// one of three words. That is sound only where validation enforces the schema before the rules are asked, and what was
// judged is what is forwarded.

// A shape is what is known of the values at a place of a body.
type shape struct {
	text     *rules.Shortcut // nil: nothing
	members  map[string]*shape
	elements *shape
}

func (s *shape) member(name string) *shape {
	if s == nil {
		return nil
	}
	return s.members[name]
}

func (s *shape) element() *shape {
	if s == nil {
		return nil
	}
	return s.elements
}

// A shortener is an engine that can make use of what is known of a text beforehand.
type shortener interface {
	shorten(enum, patterns []string, left *atomic.Int32) *rules.Shortcut
}

// maxLanguages bounds how many languages of patterns one build looks into: that takes some milliseconds of each. What is
// beyond is not spared the rules.
const maxLanguages = 256

// shapesOf compiles the shapes of an operation's JSON bodies, by what the spec says of their media type. left is how many
// languages may still be looked into.
func shapesOf(e Engine, op *openapi.Operation, left *atomic.Int32) map[*openapi.MediaType]*shape {
	s, ok := e.(shortener)
	if !ok || op.Body == nil {
		return nil
	}
	out := map[*openapi.MediaType]*shape{}
	for i := range op.Body.Content {
		m := &op.Body.Content[i]
		if m.Schema == nil {
			continue
		}
		if c := m.Schema.Confinement(); c != nil {
			out[m] = (&shaper{s, left, map[*schema.Confinement]*shape{}}).of(c)
		}
	}
	return out
}

type shaper struct {
	engine shortener
	left   *atomic.Int32
	known  map[*schema.Confinement]*shape // schemas may refer to themselves
}

func (s *shaper) of(c *schema.Confinement) *shape {
	if c == nil {
		return nil
	}
	if known := s.known[c]; known != nil {
		return known
	}
	out := &shape{}
	s.known[c] = out
	if c.Enum != nil || c.Patterns != nil {
		out.text = s.engine.shorten(c.Enum, c.Patterns, s.left)
	}
	for name, m := range c.Members {
		if below := s.of(m); below != nil {
			if out.members == nil {
				out.members = map[string]*shape{}
			}
			out.members[name] = below
		}
	}
	out.elements = s.of(c.Elements)
	return out
}

// shortcuts remembers what has been found for a language: looking takes some milliseconds, and APIs and reloads ask
// for the same again. It is safe for concurrent use.
type shortcuts struct {
	mu    sync.Mutex
	known map[string]*rules.Shortcut
}

// maxShortcuts bounds what is remembered; beyond it everything is forgotten.
const maxShortcuts = 4096

func (e *compiledEngine) shorten(enum, patterns []string, left *atomic.Int32) *rules.Shortcut {
	key := "enum\x00" + strings.Join(enum, "\x00")
	if enum == nil {
		key = "patterns\x00" + strings.Join(patterns, "\x00")
	}
	s := &e.shortcuts
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.known[key]; ok {
		return known
	}
	if enum == nil && left.Add(-1) < 0 {
		return nil
	}
	if s.known == nil || len(s.known) >= maxShortcuts {
		s.known = map[string]*rules.Shortcut{}
	}
	s.known[key] = e.request.ShortcutOf(rules.ArgsPost, enum, patterns)
	return s.known[key]
}
