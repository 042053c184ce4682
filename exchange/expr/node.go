package expr

import (
	"reflect"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/openapi"
)

// val shows a node to CEL. Scalars are converted, objects and arrays are looked at in place.
func val(n *content.Node) ref.Val {
	if n == nil {
		return types.NullValue
	}
	switch n.Kind {
	case content.Null:
		return types.NullValue
	case content.Bool:
		return types.Bool(n.Text == "true")
	case content.Number:
		return number(n.Text)
	case content.String:
		return types.String(n.Text)
	case content.Array:
		return array{n}
	case content.Object:
		return object{n}
	case content.File:
		return file(n)
	}
	return types.NewErr("no value")
}

// number keeps integers exact: one that fits no integer type is an error, because a rounded id could be somebody else's.
func number(text string) ref.Val {
	if strings.ContainsAny(text, ".eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return types.NewErr("number out of range")
		}
		return types.Double(f)
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return types.Int(i)
	}
	if u, err := strconv.ParseUint(text, 10, 64); err == nil {
		return types.Uint(u)
	}
	return types.NewErr("integer out of range")
}

func file(n *content.Node) ref.Val {
	m := map[string]any{"size": len(n.Text)}
	if n.File != nil {
		m["filename"], m["content_type"] = n.File.Filename, n.File.ContentType
	}
	return adapter.NativeToValue(m)
}

// array is a list over the children of an Array. A struct of one pointer is stored in an interface without allocation.
type array struct{ n *content.Node }

func (a array) Type() ref.Type { return types.ListType }
func (a array) Value() any     { return a.n }
func (a array) Size() ref.Val  { return types.Int(len(a.n.Children)) }

func (a array) Get(index ref.Val) ref.Val {
	i, err := types.GetOrError(index)
	if err != nil {
		return types.WrapErr(err)
	}
	if i < 0 || i >= len(a.n.Children) {
		return types.NewErr("index out of bounds: %d", i)
	}
	return val(&a.n.Children[i])
}

func (a array) Contains(v ref.Val) ref.Val {
	for i := range a.n.Children {
		if types.Equal(val(&a.n.Children[i]), v) == types.True {
			return types.True
		}
	}
	return types.False
}

func (a array) Equal(other ref.Val) ref.Val {
	o, ok := other.(traits.Lister)
	if !ok || o.Size() != a.Size() {
		return types.False
	}
	for i := range a.n.Children {
		if types.Equal(val(&a.n.Children[i]), o.Get(types.Int(i))) != types.True {
			return types.False
		}
	}
	return types.True
}

func (a array) Iterator() traits.Iterator { return &iterator{n: a.n} }

// list copies the elements, for the rare operations that make a new list.
func (a array) list() traits.Lister {
	elems := make([]ref.Val, len(a.n.Children))
	for i := range elems {
		elems[i] = val(&a.n.Children[i])
	}
	return types.NewRefValList(adapter, elems)
}

func (a array) Add(other ref.Val) ref.Val                      { return a.list().Add(other) }
func (a array) ConvertToNative(t reflect.Type) (any, error)    { return a.list().ConvertToNative(t) }
func (a array) ConvertToType(t ref.Type) ref.Val               { return convert(a, t) }
func (o object) ConvertToType(t ref.Type) ref.Val              { return convert(o, t) }
func (o object) ConvertToNative(reflect.Type) (any, error)     { return nil, errNative }
func (p parameters) ConvertToType(t ref.Type) ref.Val          { return convert(p, t) }
func (p parameters) ConvertToNative(reflect.Type) (any, error) { return nil, errNative }

func convert(v ref.Val, t ref.Type) ref.Val {
	switch t {
	case v.Type():
		return v
	case types.TypeType:
		return v.Type().(ref.Val)
	}
	return types.NewErr("type conversion error from '%s' to '%s'", v.Type().TypeName(), t.TypeName())
}

// object is a map over the members of an Object.
type object struct{ n *content.Node }

func (o object) Type() ref.Type { return types.MapType }
func (o object) Value() any     { return o.n }
func (o object) Size() ref.Val  { return types.Int(len(o.n.Children)) }

func (o object) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	m := o.n.Get(string(name))
	if m == nil {
		return nil, false
	}
	return val(m), true
}

func (o object) Get(key ref.Val) ref.Val          { return get(o, key) }
func (o object) Contains(key ref.Val) ref.Val     { return contains(o, key) }
func (o object) Equal(other ref.Val) ref.Val      { return equalMaps(o, other) }
func (o object) Iterator() traits.Iterator        { return &iterator{n: o.n, names: true} }
func (p parameters) Get(key ref.Val) ref.Val      { return get(p, key) }
func (p parameters) Contains(key ref.Val) ref.Val { return contains(p, key) }
func (p parameters) Equal(other ref.Val) ref.Val  { return equalMaps(p, other) }
func get(m traits.Mapper, key ref.Val) ref.Val {
	v, found := m.Find(key)
	if !found {
		return types.NewErr("no such key: %v", key)
	}
	return v
}

func contains(m traits.Mapper, key ref.Val) ref.Val {
	_, found := m.Find(key)
	return types.Bool(found)
}

func equalMaps(m traits.Mapper, other ref.Val) ref.Val {
	o, ok := other.(traits.Mapper)
	if !ok || o.Size() != m.Size() {
		return types.False
	}
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		v, found := o.Find(key)
		if !found || types.Equal(get(m, key), v) != types.True {
			return types.False
		}
	}
	return types.True
}

// parameters is a map over the decoded path and query parameters.
type parameters struct{ p *openapi.Params }

func (p parameters) Type() ref.Type { return types.MapType }
func (p parameters) Value() any     { return p.p }

func (p parameters) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	v := p.p.Get("path", string(name))
	if v == nil {
		v = p.p.Get("query", string(name))
	}
	if v == nil || v.Node == nil {
		return nil, false
	}
	return val(v.Node), true
}

// names lists the keys: path parameters, then query parameters that no path parameter hides.
func (p parameters) names() []string {
	var out []string
	for i := range p.p.Values {
		v := &p.p.Values[i]
		shown := v.Param.In == "path" || v.Param.In == "query" && p.p.Get("path", v.Param.Name) == nil
		if shown && v.Node != nil {
			out = append(out, v.Param.Name)
		}
	}
	return out
}

func (p parameters) Size() ref.Val { return types.Int(len(p.names())) }

func (p parameters) Iterator() traits.Iterator {
	return types.NewStringList(adapter, p.names()).Iterator()
}

// iterator walks the elements of an Array or the names of an Object.
type iterator struct {
	n     *content.Node
	next  int
	names bool
}

func (it *iterator) HasNext() ref.Val { return types.Bool(it.next < len(it.n.Children)) }

func (it *iterator) Next() ref.Val {
	c := &it.n.Children[it.next]
	it.next++
	if it.names {
		return types.String(c.Name)
	}
	return val(c)
}

func (it *iterator) Type() ref.Type                            { return types.IteratorType }
func (it *iterator) Value() any                                { return nil }
func (it *iterator) Equal(ref.Val) ref.Val                     { return types.False }
func (it *iterator) ConvertToNative(reflect.Type) (any, error) { return nil, errNative }
func (it *iterator) ConvertToType(t ref.Type) ref.Val          { return convert(it, t) }
