package transform

import (
	"math/rand/v2"
	"testing"
)

// What comes out of a function is in the image of what goes in, and made of nothing but what it is said to make.
func TestImage(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for i := range functions {
		f := &functions[i]
		for range 3000 {
			in := text(r)
			if r.IntN(3) == 0 {
				in = in[:min(len(in), r.IntN(4))]
			}
			out := apply(f.apply, in)
			before, after := BytesOf(in), BytesOf(out)
			if image := f.Image(&before); !after.Within(&image) {
				t.Fatalf("%s makes %q of %q: more than the image", f.name, out, in)
			}
			if f.makes != nil {
				either := before.AnyCase()
				if either = either.Union(f.makes); !after.Within(&either) {
					t.Fatalf("%s makes %q of %q: more than it is said to make", f.name, out, in)
				}
			}
			if instead, ok := f.Maps(&before); ok {
				want := []byte(in)
				for i, c := range want {
					if other, there := instead[c]; there {
						want[i] = other
					}
				}
				if out != string(want) {
					t.Fatalf("%s makes %q of %q, want %q", f.name, out, in, want)
				}
			}
		}
	}
}
