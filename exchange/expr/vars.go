package expr

import (
	"errors"
	"reflect"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

var (
	nobody      = &exchange.Principal{}
	noOperation = &openapi.Operation{}
	errNative   = errors.New("no conversion to a Go value")
)

func caller(e *exchange.Exchange) *exchange.Principal {
	if e.Principal == nil {
		return nobody
	}
	return e.Principal
}

// vars resolves the variables of one evaluation, each when it is asked for.
type vars struct {
	e     *exchange.Exchange
	value *content.Node
}

var pool = sync.Pool{New: func() any { return new(vars) }}

func (v *vars) Parent() cel.Activation { return nil }

func (v *vars) ResolveName(name string) (any, bool) {
	switch name {
	case "principal":
		return caller(v.e), true
	case "params":
		return parameters{&v.e.Params}, true
	case "client":
		return &v.e.Client, true
	case "operation":
		if v.e.Operation == nil {
			return noOperation, true
		}
		return v.e.Operation, true
	case "now":
		return types.Timestamp{Time: v.e.Start}, true
	case "value":
		return val(v.value), true
	case "body":
		return tree(v.e.Body), true
	case "response":
		if v.e.Response == nil {
			return types.NullValue, true
		}
		return tree(v.e.Response.Body), true
	}
	return nil, false
}

func tree(b *content.Body) ref.Val {
	if b == nil {
		return types.NullValue
	}
	n, err := b.Tree()
	if err != nil {
		return types.WrapErr(err)
	}
	return val(n)
}

// getter reads a field of a record; it is given what ResolveName answered.
type getter func(any) (any, error)

// a field of a record type: its CEL type, how it is read, and whether it is set, for has().
type field struct {
	typ *cel.Type
	get getter
	set func(any) bool
}

func of[T any](t *cel.Type, get func(*T) any, set func(*T) bool) field {
	return field{t,
		func(o any) (any, error) {
			if r, ok := o.(*T); ok {
				return get(r), nil
			}
			return nil, errNative
		},
		func(o any) bool { r, ok := o.(*T); return ok && set(r) },
	}
}

func text[T any](get func(*T) string) field {
	return of(cel.StringType, func(o *T) any { return get(o) }, func(o *T) bool { return get(o) != "" })
}

func words[T any](get func(*T) []string) field {
	return of(cel.ListType(cel.StringType), func(o *T) any { return get(o) }, func(o *T) bool { return len(get(o)) > 0 })
}

func flag[T any](get func(*T) bool) field {
	return of(cel.BoolType, func(o *T) any { return get(o) }, func(*T) bool { return true })
}

// plain are the fields of principal that have a fast path: an expression that is nothing but one of them needs no CEL.
var plain = map[string]func(*exchange.Principal) string{
	"subject":   func(p *exchange.Principal) string { return p.Subject },
	"issuer":    func(p *exchange.Principal) string { return p.Issuer },
	"kind":      func(p *exchange.Principal) string { return p.Kind },
	"client_id": func(p *exchange.Principal) string { return p.ClientID },
	"tenant":    func(p *exchange.Principal) string { return p.Tenant },
}

var claimsType = cel.MapType(cel.StringType, cel.DynType)

// records are the object types, by name.
var records = map[string]map[string]field{
	principalType.TypeName(): {
		"subject":       text(plain["subject"]),
		"issuer":        text(plain["issuer"]),
		"kind":          text(plain["kind"]),
		"client_id":     text(plain["client_id"]),
		"tenant":        text(plain["tenant"]),
		"roles":         words(func(p *exchange.Principal) []string { return p.Roles }),
		"scopes":        words(func(p *exchange.Principal) []string { return p.Scopes }),
		"authenticated": flag(func(p *exchange.Principal) bool { return p != nobody }),
		"claims": of(claimsType, func(p *exchange.Principal) any { return p.Claims },
			func(p *exchange.Principal) bool { return len(p.Claims) > 0 }),
	},
	clientType.TypeName(): {
		"addr": text(func(c *exchange.Client) string { return c.Addr.Unmap().WithZone("").String() }),
		"tls":  flag(func(c *exchange.Client) bool { return c.TLS }),
		"ja4":  text(func(c *exchange.Client) string { return c.JA4 }),
	},
	operationType.TypeName(): {
		"id":     text(func(o *openapi.Operation) string { return o.ID }),
		"method": text(func(o *openapi.Operation) string { return o.Method }),
		"path":   text(func(o *openapi.Operation) string { return o.Path }),
		"tags":   words(func(o *openapi.Operation) []string { return o.Tags }),
	},
}

// record is a whole principal, client or operation as a value. There is nothing to do with it but to select a field.
type record struct {
	typ *types.Type
	of  any
}

func (r record) Type() ref.Type                            { return r.typ }
func (r record) Value() any                                { return r.of }
func (r record) Equal(o ref.Val) ref.Val                   { return types.Bool(o.Value() == r.of) }
func (r record) ConvertToNative(reflect.Type) (any, error) { return nil, errNative }
func (r record) ConvertToType(t ref.Type) ref.Val          { return convert(r, t) }
