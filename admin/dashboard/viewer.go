package dashboard

import (
	"context"
	"slices"
)

// Role is what somebody may do here. Each role may do what those before it may.
type Role string

// The roles, weakest first. The zero Role may do nothing.
const (
	RoleViewer   Role = "viewer"   // sees figures and modes, nothing of persons
	RoleAnalyst  Role = "analyst"  // sees exchanges, findings and principals
	RoleOperator Role = "operator" // changes modes, keys and the configuration
	RoleAdmin    Role = "admin"    // manages users
)

var ranks = []Role{RoleViewer, RoleAnalyst, RoleOperator, RoleAdmin}

// At reports whether r is at least the other role. It is false where one of them is no role.
func (r Role) At(least Role) bool {
	needed := slices.Index(ranks, least)
	return needed >= 0 && slices.Index(ranks, r) >= needed
}

// A Viewer is who looks at a page. Whoever mounts the handler authenticates; a request without a Viewer is led to the
// sign-in page.
type Viewer struct {
	Name string
	Role Role
	CSRF string // what every form sends back as csrf
}

type viewerKey struct{}

// WithViewer says who asks.
func WithViewer(ctx context.Context, v Viewer) context.Context {
	return context.WithValue(ctx, viewerKey{}, v)
}

// ViewerOf tells who asks; false for nobody.
func ViewerOf(ctx context.Context) (Viewer, bool) {
	v, ok := ctx.Value(viewerKey{}).(Viewer)
	return v, ok && v.Role.At(RoleViewer)
}
