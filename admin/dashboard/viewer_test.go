package dashboard

import (
	"context"
	"testing"
)

func TestRolesAreOrdered(t *testing.T) {
	for i, r := range ranks {
		for j, least := range ranks {
			if r.At(least) != (i >= j) {
				t.Errorf("%s at least %s: %v", r, least, r.At(least))
			}
		}
		if r.At("") || r.At("root") || Role("").At(r) || Role("root").At(r) {
			t.Errorf("%s compares with what is no role", r)
		}
	}
}

func TestViewerWithoutRoleIsNobody(t *testing.T) {
	if _, ok := ViewerOf(context.Background()); ok {
		t.Error("somebody without a viewer")
	}
	if _, ok := ViewerOf(WithViewer(context.Background(), Viewer{Name: "eve"})); ok {
		t.Error("a viewer without a role")
	}
	if v, ok := ViewerOf(WithViewer(context.Background(), Viewer{"ann", RoleAnalyst, "t"})); !ok || v.Name != "ann" || v.CSRF != "t" {
		t.Error(v, ok)
	}
}
