package alert

import (
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	dto "github.com/prometheus/client_model/go"
)

// A metric is an expression over the gateway's own metrics: metric(name) is the sum of a metric's series now, least(name) the
// smallest, increase(name) how much the sum has grown within the rule's span; now is the time in Unix seconds. A second argument narrows them to series with these labels:
// increase("sallyport_refusals_total", {"reason": "limit.rate"}).
type metric struct {
	prg cel.Program
	at  *reading // what the functions read while the expression is evaluated; by one goroutine
}

// reading is the metrics of one moment, with what they were before.
type reading struct {
	now      time.Time
	within   time.Duration
	families map[string]*dto.MetricFamily
	past     map[string][]sample // by metric and labels
	last     float64             // what a function returned last, for the summary
}

type sample struct {
	at    time.Time
	value float64
}

func newMetric(src string) (*metric, error) {
	m := &metric{at: &reading{past: map[string][]sample{}}}
	labels := cel.MapType(cel.StringType, cel.StringType)
	overloads := func(name string, f func(key string, values []float64) float64) cel.EnvOption {
		return cel.Function(name,
			cel.Overload(name+"_all", []*cel.Type{cel.StringType}, cel.DoubleType, cel.UnaryBinding(func(a ref.Val) ref.Val { return m.at.read(f, a, nil) })),
			cel.Overload(name+"_labels", []*cel.Type{cel.StringType, labels}, cel.DoubleType, cel.BinaryBinding(func(a, b ref.Val) ref.Val { return m.at.read(f, a, b) })))
	}
	env, err := cel.NewEnv(cel.Variable("now", cel.DoubleType),
		overloads("metric", func(_ string, values []float64) float64 { return sum(values) }),
		overloads("least", func(_ string, values []float64) float64 { return least(values) }),
		overloads("increase", func(key string, values []float64) float64 { return m.at.increase(key, sum(values)) }))
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(src)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		return nil, fmt.Errorf("metric: line %d, column %d: %s", first.Location.Line(), first.Location.Column()+1, first.Message)
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		return nil, fmt.Errorf("metric: the result is %s, expected bool", ast.OutputType())
	}
	m.prg, err = env.Program(ast, cel.CostLimit(costLimit))
	return m, err
}

// read applies a function to the series of a metric that have the labels.
func (r *reading) read(f func(string, []float64) float64, name, labels ref.Val) ref.Val {
	key := name.Value().(string)
	want := map[string]string{}
	if m, ok := labels.(traits.Mapper); ok {
		for it := m.Iterator(); it.HasNext() == types.True; {
			k := it.Next()
			want[k.Value().(string)] = m.Get(k).Value().(string)
		}
	}
	var values []float64
	for _, s := range r.families[key].GetMetric() {
		if labelled(s, want) {
			values = append(values, valueOf(s))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		key += "\x00" + k + "\x00" + want[k]
	}
	r.last = f(key, values)
	return types.Double(r.last)
}

func sum(values []float64) (n float64) {
	for _, v := range values {
		n += v
	}
	return n
}

// least is the smallest value, or +Inf where there is none.
func least(values []float64) float64 {
	n := math.Inf(1)
	for _, v := range values {
		n = min(n, v)
	}
	return n
}

func labelled(m *dto.Metric, want map[string]string) bool {
	found := 0
	for _, l := range m.GetLabel() {
		if v, ok := want[l.GetName()]; ok {
			if v != l.GetValue() {
				return false
			}
			found++
		}
	}
	return found == len(want)
}

// valueOf is a counter's or a gauge's value, and how much a histogram has counted.
func valueOf(m *dto.Metric) float64 {
	switch {
	case m.Counter != nil:
		return m.Counter.GetValue()
	case m.Gauge != nil:
		return m.Gauge.GetValue()
	case m.Histogram != nil:
		return float64(m.Histogram.GetSampleCount())
	}
	return m.GetUntyped().GetValue()
}

// increase is how much a value has grown within the span. A counter that fell has begun anew.
func (r *reading) increase(key string, value float64) float64 {
	list := r.past[key]
	for len(list) > 1 && !list[1].at.After(r.now.Add(-r.within)) {
		list = list[1:]
	}
	grown := 0.0
	for i := range list {
		next := value
		if i+1 < len(list) {
			next = list[i+1].value
		}
		if next >= list[i].value {
			grown += next - list[i].value
		} else {
			grown += next
		}
	}
	r.past[key] = append(list, sample{r.now, value})
	return grown
}

// measure asks the metrics for every rule over them.
func (a *Alerts) measure(now time.Time) {
	if a.o.Metrics == nil || !slices.ContainsFunc(a.rules, func(r *rule) bool { return r.metric != nil }) {
		return
	}
	gathered, err := a.o.Metrics.Gather()
	if err != nil {
		slog.Error("couldn't read the metrics for alerts", "error", err)
	}
	families := make(map[string]*dto.MetricFamily, len(gathered))
	for _, f := range gathered {
		families[f.GetName()] = f
	}
	for _, r := range a.rules {
		if r.metric != nil {
			a.settle(r, families, now)
		}
	}
}

func (a *Alerts) settle(r *rule, families map[string]*dto.MetricFamily, now time.Time) {
	at := r.metric.at
	at.now, at.within, at.families = now, r.within, families
	out, _, err := r.metric.prg.Eval(map[string]any{"now": float64(now.Unix())})
	at.families = nil
	if err != nil {
		slog.Error("a rule over metrics fails", "rule", r.Name, "error", strings.TrimSpace(err.Error()))
		return
	}
	k := key{r.Name, ""}
	if out == types.True {
		a.raise(r, "", 0, at.last, now)
		return
	}
	a.mu.Lock()
	alert := a.raised[k]
	delete(a.raised, k)
	a.mu.Unlock()
	if alert != nil {
		a.resolve(alert, now)
	}
}
