package alert

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"

	"github.com/sallyport/sallyport/exchange"
)

// A condition is an expression over a record or an event.
type condition struct {
	name string // of the variable
	prg  cel.Program
}

// costLimit bounds what one expression may cost for one occurrence, in CEL's units: some microseconds.
const costLimit = 10_000

// maxKey bounds a key, in bytes.
const maxKey = 256

// environments are made once: of records, whose fields have the names that they have in JSON, and of events.
var environments = sync.OnceValues(func() (map[string]*cel.Env, error) {
	out := map[string]*cel.Env{}
	for name, value := range map[string]any{"record": exchange.Record{}, "event": exchange.Event{}} {
		t := reflect.TypeOf(value)
		env, err := cel.NewEnv(ext.NativeTypes(ext.ParseStructTag("json"), t), ext.Strings(),
			cel.Variable(name, cel.ObjectType(strings.ReplaceAll(t.String(), "*", ""))))
		if err != nil {
			return nil, err
		}
		out[name] = env
	}
	return out, nil
})

// newCondition compiles an expression for what a rule looks at: events, or else records. It is a rule that is true or
// false, or a key, which is text.
func newCondition(on, src string, truth bool) (*condition, error) {
	name := "record"
	if on == "events" {
		name = "event"
	}
	envs, err := environments()
	if err != nil {
		return nil, err
	}
	ast, issues := envs[name].Compile(src)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		return nil, fmt.Errorf("line %d, column %d: %s", first.Location.Line(), first.Location.Column()+1, first.Message)
	}
	want := cel.StringType
	if truth {
		want = cel.BoolType
	}
	if !ast.OutputType().IsExactType(want) {
		return nil, fmt.Errorf("the result is %s, expected %s", ast.OutputType(), want)
	}
	prg, err := envs[name].Program(ast, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(costLimit))
	if err != nil {
		return nil, err
	}
	return &condition{name, prg}, nil
}

var errKind = errors.New("an occurrence of another kind")

func (c *condition) eval(o occurrence) (any, error) {
	var value any = o.record
	if o.record == nil {
		value = o.event
	}
	if (c.name == "record") != (o.record != nil) {
		return nil, errKind
	}
	out, _, err := c.prg.Eval(map[string]any{c.name: value})
	if err != nil {
		return nil, err
	}
	return out.Value(), nil
}

// holds is false also where the expression fails: it mostly asks for what is not there, as the principal of nobody.
func (c *condition) holds(o occurrence) bool {
	v, err := c.eval(o)
	return err == nil && v == true
}

// key is false where there is none.
func (c *condition) key(o occurrence) (string, bool) {
	v, err := c.eval(o)
	text, ok := v.(string)
	if err != nil || !ok || text == "" {
		return "", false
	}
	if len(text) > maxKey {
		text = strings.ToValidUTF8(text[:maxKey], "") + "…"
	}
	return text, true
}
