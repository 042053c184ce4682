package expr

import (
	"fmt"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/sallyport/sallyport/content"
)

// owns compares the result of an owner binding with the value that it binds.
func owns(out ref.Val, n *content.Node) (bool, error) {
	if b, ok := out.(types.Bool); ok {
		return bool(b), nil
	}
	if n != nil && n.Kind == content.Array {
		return ownsAll(out, n)
	}
	list, ok := out.(traits.Lister)
	if !ok {
		return ownsOne(out, n)
	}
	size, _ := list.Size().(types.Int)
	for i := types.Int(0); i < size; i++ {
		if mine, err := ownsOne(list.Get(i), n); mine || err != nil {
			return mine, err
		}
	}
	return false, nil
}

func ownsAll(out ref.Val, n *content.Node) (bool, error) {
	for i := range n.Children {
		c := &n.Children[i]
		if c.Kind == content.Array {
			return false, nil
		}
		if mine, err := owns(out, c); !mine || err != nil {
			return false, err
		}
	}
	return true, nil
}

func ownsOne(out ref.Val, n *content.Node) (bool, error) {
	switch v := out.(type) {
	case types.String:
		return ownsText(string(v), n), nil
	case types.Int, types.Uint, types.Double:
		return ownsNumber(v, n), nil
	}
	return false, fmt.Errorf("the owner is %s, not a string, a list of strings or a bool", out.Type().TypeName())
}

// ownsText is the comparison of strings: what the value says in the message, byte for byte.
func ownsText(want string, n *content.Node) bool {
	if want == "" || n == nil {
		return false
	}
	switch n.Kind {
	case content.String, content.Number:
		return n.Text == want
	case content.Array:
		for i := range n.Children {
			if c := &n.Children[i]; c.Kind == content.Array || !ownsText(want, c) {
				return false
			}
		}
		return true
	}
	return false
}

// exact is where integers begin to share a float64 with their neighbours.
const exact = 1 << 53

// ownsNumber compares numbers: claims come as float64 from most decoders, so beyond 2^53 two ids could be taken for one.
func ownsNumber(want ref.Val, n *content.Node) bool {
	if n == nil || n.Kind != content.Number {
		return false
	}
	if d, ok := want.(types.Double); ok && (d >= exact || d <= -exact) {
		return false
	}
	return want.Equal(number(n.Text)) == types.True
}
