package exchange

import (
	"net/http"
	"slices"
)

// Edits is an ordered list of changes to a header and query. The loop applies it once, at the edge, and can take back what a guard
// in monitor mode added. The zero value is empty and ready to use.
type Edits struct{ list []edit }

type edit struct {
	op          byte // 's'et, 'a'dd, 'd'elete, drop from the 'q'uery
	name, value string
}

// Grow makes room for n more changes.
func (e *Edits) Grow(n int) { e.list = slices.Grow(e.list, n) }

// Set replaces every value of a field.
func (e *Edits) Set(name, value string) { e.list = append(e.list, edit{'s', name, value}) }

// Add adds one value to a field.
func (e *Edits) Add(name, value string) { e.list = append(e.list, edit{'a', name, value}) }

// Delete removes a field.
func (e *Edits) Delete(name string) { e.list = append(e.list, edit{'d', name, ""}) }

// DropQuery removes every pair of a query parameter.
func (e *Edits) DropQuery(name string) { e.list = append(e.list, edit{'q', name, ""}) }

// Drops reports whether the query parameter is to be removed.
func (e *Edits) Drops(name string) bool {
	for _, c := range e.list {
		if c.op == 'q' && c.name == name {
			return true
		}
	}
	return false
}

// Len is the number of changes so far; give it to Truncate to take back what came later.
func (e *Edits) Len() int { return len(e.list) }

// Truncate forgets all changes but the first n.
func (e *Edits) Truncate(n int) { e.list = e.list[:n] }

// keepEdits is how many changes Clear keeps memory for.
const keepEdits = 64

// Clear forgets all changes, and keeps the memory for those of another exchange unless it is much.
func (e *Edits) Clear() {
	if cap(e.list) > keepEdits {
		e.list = nil
		return
	}
	e.list = e.list[:cap(e.list)] // what Truncate has left behind too
	clear(e.list)
	e.list = e.list[:0]
}

// Apply carries the changes out on h, in order.
func (e *Edits) Apply(h http.Header) {
	values := make([]string, len(e.list)) // one piece of memory for all fields that are set
	for i, c := range e.list {
		switch c.op {
		case 's':
			values[i] = c.value
			h[http.CanonicalHeaderKey(c.name)] = values[i : i+1 : i+1] // no room: adding copies
		case 'a':
			h.Add(c.name, c.value)
		case 'd':
			h.Del(c.name)
		}
	}
}
