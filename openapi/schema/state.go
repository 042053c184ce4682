package schema

import "github.com/sallyport/sallyport/content"

// An instance is an array or object of the message that some schema has visited.
type instance struct {
	node   *content.Node
	up     int32 // the instance around it, -1 at the root
	at     int32 // its position there
	slots  int32 // where its children begin in evaluation.slots, -1 before one was visited
	claims int32 // the latest claim, -1 for none
	entry  *node // the first schema that visited it
}

// A claim is what one schema says of one instance. Claims of branches that fail are taken back.
type claim struct {
	instance int32
	prev     int32 // the claim before it on the same instance, -1 for none
	object   *objectRules
	array    *arrayRules
	upTo     int32 // elements of an array that are evaluated
	flags    claimFlags
}

type claimFlags uint8

const (
	claimAll      claimFlags = 1 << iota // every member or element is evaluated
	claimNames                           // has properties, and so closes
	claimOpens                           // says that others may come
	claimForbids                         // says that others may not come, in a response
	claimRefuses                         // says so in a request: such members are violations
	claimComplete                        // names every member that there is
	claimSilent                          // alternatives failed: nobody can say what is declared
)

// A value is a place in the message: a node, and its position in an instance.
type value struct {
	n    *content.Node
	up   int32
	at   int32
	self int32 // its own instance, -1 for scalars
}

// An activation is a schema that is being applied to an instance, for discriminators that lead back to it.
type activation struct {
	node     *node
	instance int32
}

// A guess is an instance whose discriminator has a value that nobody declared, while all alternatives are tried.
type guess struct {
	of       *discriminator
	instance int32
}

type mark struct {
	up, at int32
	node   *content.Node
	note   *Annotations
}

type strip struct{ instance, at int32 }

// enter makes the value at a position, with the instance that it is, if it is a container.
func (e *evaluation) enter(up, at int32, n *content.Node, by *node) value {
	v := value{n: n, up: up, at: at, self: -1}
	if n.Kind != content.Object && n.Kind != content.Array {
		return v
	}
	if up < 0 {
		v.self = e.instance(n, up, at, by)
		return v
	}
	parent := &e.instances[up]
	if parent.slots < 0 {
		parent.slots = int32(len(e.slots))
		for range parent.node.Children {
			e.slots = append(e.slots, -1)
		}
	}
	slot := parent.slots + at
	if e.slots[slot] < 0 {
		e.slots[slot] = e.instance(n, up, at, by)
	}
	v.self = e.slots[slot]
	return v
}

func (e *evaluation) instance(n *content.Node, up, at int32, by *node) int32 {
	e.instances = append(e.instances, instance{node: n, up: up, at: at, slots: -1, claims: -1, entry: by})
	return int32(len(e.instances) - 1)
}

// A moment is how much had been recorded; rewind forgets what came later.
type moment struct{ claims, marks, strips int }

func (e *evaluation) now() moment { return moment{len(e.claims), len(e.marks), len(e.strips)} }

func (e *evaluation) rewind(m moment) {
	for i := len(e.claims) - 1; i >= m.claims; i-- {
		e.instances[e.claims[i].instance].claims = e.claims[i].prev
	}
	clear(e.marks[m.marks:])
	e.claims, e.marks, e.strips = e.claims[:m.claims], e.marks[:m.marks], e.strips[:m.strips]
}

func (e *evaluation) claim(c claim) {
	in := &e.instances[c.instance]
	if e.testing {
		c.flags &^= claimNames | claimOpens | claimForbids | claimRefuses
	}
	c.prev = in.claims
	in.claims = int32(len(e.claims))
	e.claims = append(e.claims, c)
}

// try judges without reporting; what a failure recorded is forgotten.
func (e *evaluation) try(s *node, v value, strict bool) bool {
	m, quiet, wasStrict := e.now(), e.quiet, e.strict
	e.quiet, e.strict = true, strict || wasStrict
	ok := e.apply(s, v)
	e.quiet, e.strict = quiet, wasStrict
	if !ok {
		e.rewind(m)
	}
	return ok
}
