package inspect

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/openapi/schema"
)

// secret.go finds what no attack rule should judge: passwords and keys. A good one is a row of random characters, which
// rules take for SQL or a shell's line often enough, and whoever is refused for it chooses a worse one. It does no harm
// unseen: a service hashes or compares a secret and has no reason to store it in clear, show it or put it into a query.

// secrets are the values of a request body that its schema calls secrets, among those that it marks. A value is one by its place in the schema
// alone, so nobody can bring an attack past the rules in another field.
func secrets(marked []schema.Mark) map[*content.Node]bool {
	var found map[*content.Node]bool
	for _, m := range marked {
		if m.Node.Kind != content.String || !m.Property.Secret() {
			continue
		}
		if found == nil {
			found = map[*content.Node]bool{}
		}
		found[m.Node] = true
	}
	return found
}

// without returns the bytes of a form body without the values of its secrets, for the rules that read it as a whole. Of
// a field whose text is a JSON document with a secret in it nothing is left: its members have no bytes of their own
// here, and are judged one by one.
func without(secrets map[*content.Node]bool, data []byte) string {
	if len(secrets) == 0 {
		return string(data)
	}
	list := slices.SortedFunc(maps.Keys(secrets), func(a, b *content.Node) int { return cmp.Compare(a.Start, b.Start) })
	kept, at := make([]byte, 0, len(data)), uint32(0)
	for _, n := range list {
		if n.Start >= at {
			kept, at = append(kept, data[at:n.Start]...), n.End
		}
	}
	return string(append(kept, data[at:]...))
}
