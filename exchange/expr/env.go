package expr

import (
	"net/netip"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

var (
	principalType = cel.ObjectType("principal")
	clientType    = cel.ObjectType("client")
	operationType = cel.ObjectType("operation")
)

// registry adds the record types to CEL's own: it tells the checker their fields and the interpreter how to read them.
type registry struct{ *types.Registry }

var adapter = func() registry {
	r, err := types.NewRegistry()
	if err != nil {
		panic(err) // without arguments there is nothing to fail on
	}
	return registry{r}
}()

func (r registry) FindStructType(name string) (*types.Type, bool) {
	if _, ok := records[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return r.Registry.FindStructType(name)
}

func (r registry) FindStructFieldType(name, member string) (*types.FieldType, bool) {
	fields, ok := records[name]
	if !ok {
		return r.Registry.FindStructFieldType(name, member)
	}
	f, ok := fields[member]
	if !ok {
		return nil, false
	}
	return &types.FieldType{Type: f.typ, IsSet: f.set, GetFrom: ref.FieldGetter(f.get)}, true
}

func (r registry) NativeToValue(v any) ref.Val {
	switch v := v.(type) {
	case ref.Val:
		return v
	case *exchange.Principal:
		return record{principalType, v}
	case *exchange.Client:
		return record{clientType, v}
	case *openapi.Operation:
		return record{operationType, v}
	case map[string]any:
		return types.NewStringInterfaceMap(r, v) // with this adapter, also for what is inside
	}
	return r.Registry.NativeToValue(v)
}

// base is the environment without body, value and response. Comprehensions may be nested twice; cost bounds the rest.
var base = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.CustomTypeAdapter(adapter),
		cel.CustomTypeProvider(adapter),
		cel.Variable("principal", principalType),
		cel.Variable("params", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("client", clientType),
		cel.Variable("operation", operationType),
		cel.Variable("now", cel.TimestampType),
		cel.Function("inCIDR", cel.MemberOverload("string_in_cidr", []*cel.Type{cel.StringType, cel.StringType},
			cel.BoolType, cel.BinaryBinding(inCIDR))),
		cel.Function("lowerAscii", cel.MemberOverload("string_lower_ascii", []*cel.Type{cel.StringType},
			cel.StringType, cel.UnaryBinding(lowerASCII))),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(MaxSize),
		cel.ParserRecursionLimit(64),
		cel.ExpressionNodeLimit(2000),
		cel.RegexProgramSizeLimit(1000),
		cel.ASTValidators(
			cel.ValidateRegexLiterals(),
			cel.ValidateTimestampLiterals(),
			cel.ValidateDurationLiterals(),
			cel.ValidateComprehensionNestingLimit(2),
		),
		cel.EagerlyValidateDeclarations(true),
	)
})

// environment returns the environment of a scope.
func environment(s Scope, value bool) (*cel.Env, error) {
	env, err := base()
	if err != nil {
		return nil, err
	}
	var extra []cel.EnvOption
	for name, known := range map[string]bool{"body": s.Body, "response": s.Response, "value": value} {
		if known {
			extra = append(extra, cel.Variable(name, cel.DynType))
		}
	}
	if extra == nil {
		return env, nil
	}
	return env.Extend(extra...)
}

func inCIDR(addr, network ref.Val) ref.Val {
	a, errA := netip.ParseAddr(string(addr.(types.String)))
	p, errP := netip.ParsePrefix(string(network.(types.String)))
	if errA != nil || errP != nil {
		return types.NewErr("inCIDR: not an address and a network")
	}
	return types.Bool(p.Contains(a.Unmap().WithZone("")))
}

// lowerASCII folds A to Z only: what a Unicode fold makes equal, an upstream may tell apart.
func lowerASCII(v ref.Val) ref.Val {
	return types.String(strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, string(v.(types.String))))
}
