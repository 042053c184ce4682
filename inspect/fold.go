package inspect

import "github.com/sallyport/sallyport/content"

// fold.go keeps what is judged of a body small. Rules look at a text or a name wherever it stands, so each is handed to
// the engine once, with the places of its twins beside it: in a list of 500 orders the names of their members and
// most of their values come again. Literals of numbers, booleans and null are not judged: their grammar leaves no room.

// weight is added for every value of a body, in bytes: to the rules, many short texts are more work than one that is as
// long. Heads are short, and bounded by the listener.
const weight = 64

// A kin is a place in a JSON body, whatever the indices on the way to it.
type kin struct {
	name    string
	element bool  // any element of an array
	value   int32 // whose name is judged, plus one; 0: none yet
	next    int32 // sibling
	first   int32 // below it, in the order in which they came; 0: none
	recent  int32 // below it, which was asked for last
}

// A kinName is a kin with many siblings.
type kinName struct {
	above   int32
	name    string
	element bool
}

// few siblings are looked through one by one.
const few = 16

// root is the kin of the body itself.
const root int32 = 0

// noKin is the kin of values that do not share their names: rules count how often a form repeats one.
const noKin int32 = -1

// A twin is a place whose text, or whose name, is judged in another value.
type twin struct {
	step int32
	name bool
	next int32 // of the same value, plus one
}

// folds is what a message remembers of the texts and names that it holds.
type folds struct {
	kins  []kin                          // by number
	crowd map[kinName]int32              // those with many siblings
	texts [AttrPart + 1]map[string]int32 // by part: the value whose text is judged
	twins []twin
}

func (f *folds) reset() {
	if f.crowd == nil {
		f.crowd = map[kinName]int32{}
	}
	clear(f.kins)
	f.kins = append(f.kins[:0], kin{}) // root
	clear(f.crowd)
	for _, texts := range f.texts {
		clear(texts)
	}
	f.twins = f.twins[:0]
}

// below is the kin of a member or of the elements of a kin. The objects of a list have their members in the same order, as
// a rule, so that the first look finds it.
func (f *folds) below(above int32, name string, element bool) int32 {
	if above == noKin {
		return noKin
	}
	k := &f.kins[above]
	expected := k.first
	if k.recent != 0 && f.kins[k.recent].next != 0 {
		expected = f.kins[k.recent].next
	}
	if expected != 0 && f.kins[expected].is(name, element) {
		k.recent = expected
		return expected
	}
	last, n := int32(0), 0
	for at := k.first; at != 0; at = f.kins[at].next {
		if f.kins[at].is(name, element) {
			k.recent = at
			return at
		}
		last, n = at, n+1
	}
	if n >= few {
		return f.crowded(kinName{above, name, element})
	}
	id := int32(len(f.kins))
	if last == 0 {
		k.first = id
	} else {
		f.kins[last].next = id
	}
	k.recent = id
	f.kins = append(f.kins, kin{name: name, element: element})
	return id
}

func (k *kin) is(name string, element bool) bool { return k.element == element && k.name == name }

// crowded is the kin of a name that is not among the few first of its siblings.
func (f *folds) crowded(n kinName) int32 {
	id, known := f.crowd[n]
	if !known {
		id = int32(len(f.kins))
		f.kins = append(f.kins, kin{name: n.name, element: n.element})
		f.crowd[n] = id
	}
	return id
}

// named is the value in which the name of a kin is judged.
func (f *folds) named(kin int32) (value int, ok bool) {
	if kin == noKin || f.kins[kin].value == 0 {
		return 0, false
	}
	return int(f.kins[kin].value) - 1, true
}

// addBody adds the scalars of a body's tree, of whose shape something may be known.
func (m *Message) addBody(at, kin int32, n *content.Node, s *shape) {
	switch n.Kind {
	case content.Array:
		below := m.below(kin, "", true)
		for i := range n.Children {
			m.addBody(m.push(at, "", i), below, &n.Children[i], s.element())
		}
	case content.Object:
		for i := range n.Children {
			c := &n.Children[i]
			m.addBody(m.push(at, c.Name, -1), m.below(kin, c.Name, false), c, s.member(c.Name))
		}
	case content.File:
		m.add(FilePart, at, n.File.Filename)
		m.size += weight + m.nameSize(at)
		m.Values[len(m.Values)-1].Type = n.File.ContentType
	case content.String:
		if len(n.Children) == 1 { // the data of an event is a document
			m.addBody(at, kin, &n.Children[0], nil)
			return
		}
		fallthrough
	default:
		before := len(m.Values)
		m.addOnce(BodyPart, at, kin, m.textOf(n))
		if n.Kind == content.String && len(m.Values) > before {
			v := &m.Values[before]
			if v.private = m.secrets[n]; s != nil {
				v.short = s.text
			}
		}
	}
}

// textOf is what of a scalar is judged: of literals and of secrets the name only.
func (m *Message) textOf(n *content.Node) string {
	if n.Kind != content.String || m.secrets[n] && !m.open {
		return ""
	}
	return n.Text
}

// addOnce adds a value of a body, or notes where it stands if its text and its name are judged already.
func (m *Message) addOnce(p Part, at, kin int32, text string) {
	index := len(m.Values)
	name, named := m.named(kin)
	if named {
		m.addTwin(name, twin{step: at, name: true})
	}
	if first, told := m.texts[p][text]; told && text != "" {
		m.addTwin(int(first), twin{step: at})
		text = ""
	} else if text != "" {
		if m.texts[p] == nil {
			m.texts[p] = map[string]int32{}
		}
		m.texts[p][text] = int32(index)
	}
	if text == "" && (named || p != BodyPart) {
		return
	}
	m.add(p, at, text)
	m.size += weight
	m.Values[index].Nameless = named
	if !named && p == BodyPart {
		m.size += m.nameSize(at)
		if kin != noKin {
			m.kins[kin].value = int32(index) + 1
		}
	}
}

// addTwin notes a place where what is judged in a value stands too.
func (m *Message) addTwin(value int, t twin) {
	m.twins = append(m.twins, t)
	v, number := &m.Values[value], int32(len(m.twins))
	if v.firstTwin == 0 {
		v.firstTwin = number
	} else {
		m.twins[v.lastTwin-1].next = number
	}
	v.lastTwin = number
}

// nameSize is how long the name of a value is, which holds those of all containers around it.
func (m *Message) nameSize(s int32) int {
	n := 0
	for ; s >= 0; s = m.steps[s].parent {
		n += len(m.steps[s].name) + 1
	}
	return n
}

// fields calls yield with every place that a match stands for, until it returns false.
func (m *Message) fields(h *Match, yield func(field string) bool) {
	if h.Value < 0 {
		yield(h.Place)
		return
	}
	v := &m.Values[h.Value]
	if !yield(m.Field(v)) {
		return
	}
	for i := v.firstTwin; i > 0; i = m.twins[i-1].next {
		t := &m.twins[i-1]
		if t.name == h.InName && !yield(m.Field(&Value{Part: v.Part, step: t.step})) {
			return
		}
	}
}
