package alert

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// bench is alerts with a clock of its own, which judge at once, and what they told.
type bench struct {
	*Alerts
	now  time.Time
	told []string
}

func newBench(t testing.TB, c config.Alerts, o Options) *bench {
	t.Helper()
	b := &bench{now: time.Unix(1_800_000_000, 0)}
	o.Now = func() time.Time { return b.now }
	o.Tell = func(e *exchange.Event) { b.told = append(b.told, e.Kind+" "+e.Object+" "+e.Subject) }
	a := &Alerts{o: o, queue: make(chan occurrence, queueSize), quit: make(chan struct{}), raised: map[key]*Alert{}}
	if err := a.compile(c); err != nil {
		t.Fatal(err)
	}
	b.Alerts = a
	return b
}

func (b *bench) refused(code, client, subject string) {
	r := &exchange.Record{ID: fmt.Sprint("01KB", len(b.told)), Refused: true, Code: code, Client: client, Operation: "GET /orders/{id}"}
	if subject != "" {
		r.Principal = &exchange.RecordPrincipal{Subject: subject}
	}
	b.judge(occurrence{record: r})
}

func (b *bench) tells(t *testing.T, want ...string) {
	t.Helper()
	if got := strings.Join(b.told, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("told\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	b.told = nil
}

// What ships is right, and is raised by what it is about.
func TestDefaults(t *testing.T) {
	b := newBench(t, config.Alerts{}, Options{})
	for range 29 {
		b.refused("identity.token_signature", "203.0.113.7", "")
	}
	b.refused("identity.token_signature", "203.0.113.8", "")
	b.tells(t)
	b.refused("identity.token_signature", "203.0.113.7", "")
	b.refused("identity.token_signature", "203.0.113.7", "")
	b.tells(t, "alert.raised credential-guessing 203.0.113.7")
	for range 20 {
		b.refused("policy.not_owner", "203.0.113.9", "ada")
		b.refused("policy.not_owner", "203.0.113.9", "")
	}
	b.tells(t, "alert.raised object-enumeration ada", "alert.raised object-enumeration 203.0.113.9")
	for kind, rule := range map[*exchange.Kind]string{exchange.ControlFailing: "control-failing", exchange.Dropped: "records-lost", exchange.SinkFailing: "sink-failing", exchange.ConfigRefused: "config-refused"} {
		b.judge(occurrence{event: exchange.NewEvent(kind, "")})
		if rule == "config-refused" {
			b.tells(t, "alert.raised config-refused ")
		}
		b.told = nil
	}
	if list := b.Active(); len(list) != 4 || list[0].Severity != exchange.High {
		t.Errorf("%+v", list) // events without an object have no key
	}
}

// An alert ends when its span is over, and not while things go on.
func TestSpansEnd(t *testing.T) {
	b := newBench(t, config.Alerts{Defaults: "off", Rules: []config.AlertRule{{Name: "r", Where: `record.code == "limit.rate"`, By: "record.client", Count: 3, Within: config.Duration(time.Minute)}}}, Options{})
	for range 3 {
		b.refused("limit.rate", "a", "")
		b.now = b.now.Add(20 * time.Second)
	}
	b.tells(t, "alert.raised r a")
	b.refused("limit.rate", "a", "")
	b.tick()
	b.tells(t)
	b.now = b.now.Add(40 * time.Second)
	b.tick()
	b.tells(t, "alert.resolved r a")
	b.now = b.now.Add(time.Hour)
	b.tick()
	if len(b.rules[0].counts) != 0 {
		t.Error("keys are not forgotten")
	}
}

// Thousands of keys take bounded memory, make no thousands of alerts, and do not make a busy key forgotten.
func TestKeysAreBounded(t *testing.T) {
	b := newBench(t, config.Alerts{Defaults: "off", Rules: []config.AlertRule{
		{Name: "once", Where: `record.refused`, By: "record.client"},
		{Name: "often", Where: `record.refused`, By: "record.client", Count: 3}}}, Options{})
	b.refused("x.y", "busy", "")
	b.refused("x.y", "busy", "")
	for i := range 3 * maxKeys {
		b.refused("x.y", fmt.Sprint("k", i), "")
	}
	b.refused("x.y", "busy", "")
	if n := len(b.rules[1].counts); n > maxKeys {
		t.Errorf("%d keys", n)
	}
	active := b.Active()
	if len(active) > maxRaised+2 {
		t.Errorf("%d alerts", len(active))
	}
	found := map[string]bool{}
	for _, a := range active {
		found[a.Rule+" "+a.Key] = true
	}
	if !found["once "+others] || !found["often "+others] {
		t.Error("what is beyond is not told of, or the busy key was forgotten")
	}
	b.refused("x.y", strings.Repeat("é", 1000)+"\x1b[2J\u202e", "")
	for _, a := range b.Active() {
		if strings.ContainsAny(a.Summary, "\x1b\u202e") || len(a.Key) > maxKey+4 {
			t.Errorf("%q", a.Summary)
		}
	}
}

// Nobody is sent what is silenced; it is raised all the same, and says why nobody was.
func TestSilences(t *testing.T) {
	made := []Silence{}
	b := newBench(t, config.Alerts{Defaults: "off", Rules: []config.AlertRule{{Name: "r", Where: `record.refused`, By: "record.client", Within: config.Duration(time.Second)}},
		Silences: []config.Silence{{Rule: "r", Key: "a", Until: "2027-01-16", Reason: "a test of ours"}}}, Options{Silences: func() []Silence { return made }})
	sent := &recording{}
	b.rules[0].groups = []*group{{route: sent, least: exchange.Info, incoming: make(chan Alert, 10), sent: map[key]time.Time{}}}
	b.now = time.Date(2027, 1, 15, 0, 0, 0, 0, time.UTC)
	b.refused("x.y", "a", "")
	b.refused("x.y", "b", "")
	if n := len(b.rules[0].groups[0].incoming); n != 1 {
		t.Errorf("%d are sent", n)
	}
	made = append(made, Silence{Rule: "r", Until: b.now.Add(time.Minute), Reason: "all of it"})
	for _, a := range b.Active() {
		if want := map[string]string{"a": "a test of ours", "b": "all of it"}[a.Key]; a.Silenced != want {
			t.Errorf("%s: %q", a.Key, a.Silenced)
		}
	}
	b.now = b.now.Add(48 * time.Hour)
	for _, a := range b.Active() {
		if a.Silenced != "" {
			t.Error("a silence does not end")
		}
	}
}

// Rules over metrics are true while the metric is what it should not be.
func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	lost := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lost_total"}, []string{"sink"})
	expiry := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sallyport_tls_certificate_expiry_timestamp_seconds"}, []string{"certificate"})
	registry.MustRegister(lost, expiry)
	lost.WithLabelValues("a").Add(100)
	b := newBench(t, config.Alerts{Rules: []config.AlertRule{
		{Name: "grows", Metric: `increase("lost_total", {"sink": "a"}) > 5.0`, Within: config.Duration(time.Minute)},
		{Name: "stands", Metric: `metric("lost_total") >= 110.0`}}}, Options{Metrics: registry})
	b.tick()
	b.tells(t)
	lost.WithLabelValues("b").Add(9)
	b.now = b.now.Add(tick)
	b.tick()
	b.tells(t)
	lost.WithLabelValues("a").Add(6)
	expiry.WithLabelValues("old").Set(float64(b.now.Add(3 * 24 * time.Hour).Unix()))
	b.now = b.now.Add(tick)
	b.tick()
	b.tells(t, "alert.raised grows ", "alert.raised stands ", "alert.raised certificate-expires ")
	b.now = b.now.Add(2 * time.Minute)
	expiry.Reset()
	b.tick()
	b.now = b.now.Add(tick)
	b.tick()
	b.tells(t, "alert.resolved grows ", "alert.resolved certificate-expires ")
}

// Mistakes are told all at once, each with its place.
func TestMistakes(t *testing.T) {
	_, err := New(config.Alerts{Rules: []config.AlertRule{
		{Name: "a", Where: `record.cod == "x"`}, {Name: "b", Where: `record.code`}, {Name: "c", Where: `record.refused`, By: `record.status`},
		{Name: "d"}, {Name: "e", Metric: `metric("x")`}, {Name: "f", Metric: `true`, Where: `true`}, {Name: "g", Where: `event.kind == "x"`},
		{Name: "h", Where: `true`, Routes: []string{"nowhere"}}, {Name: "h", Where: `true`}},
		Routes:   []config.AlertRoute{{Name: "r"}, {Name: "s", Slack: &config.AlertURL{URL: "http://example.com/x"}}, {Name: "m", Email: &config.AlertEmail{Server: "mail"}}},
		Silences: []config.Silence{{Rule: "nothing", Until: "2027-01-01", Reason: "x"}, {Rule: "a", Until: "soon", Reason: "x"}}}, Options{})
	got := map[string]bool{}
	for _, e := range config.Each(err) {
		if mistake, ok := e.(*Error); ok {
			got[mistake.Setting] = true
		} else {
			t.Errorf("%v has no place", e)
		}
	}
	for _, want := range []string{"alerts.rules[0]", "alerts.rules[1]", "alerts.rules[2]", "alerts.rules[3]", "alerts.rules[4]", "alerts.rules[5]", "alerts.rules[6]", "alerts.rules[7]",
		"alerts.rules[8].name", "alerts.routes[0]", "alerts.routes[1]", "alerts.routes[2]", "alerts.silences[0].rule", "alerts.silences[1]"} {
		if !got[want] {
			t.Errorf("%s is not told of: %v", want, err)
		}
	}
}

// A sink that cannot keep up costs nobody the answer.
func TestRecordNeverBlocks(t *testing.T) {
	a := &Alerts{queue: make(chan occurrence, 1)}
	for range 3 {
		a.Record(&exchange.Record{Refused: true})
	}
	a.Record(&exchange.Record{})
	if a.Missed() != 2 {
		t.Errorf("%d", a.Missed())
	}
}

func BenchmarkJudge(b *testing.B) {
	a := newBench(b, config.Alerts{}, Options{})
	o := occurrence{record: &exchange.Record{ID: "01KB", Refused: true, Code: "validate.body", Client: "203.0.113.7", Operation: "POST /orders"}}
	b.ReportAllocs()
	for b.Loop() {
		a.judge(o)
	}
}

var update = flag.Bool("update", false, "write generated files again")

// The table of the rules that ship is made from them.
func TestDefaultsAreDocumented(t *testing.T) {
	const file, begin, end = "../../docs/alerts.md", "<!-- defaults -->\n", "<!-- end of defaults -->"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(data), begin)
	_, after, _ := strings.Cut(rest, end)
	var b strings.Builder
	b.WriteString("| rule | raised when | severity |\n|---|---|---|\n")
	for _, r := range defaults {
		when := r.Summary
		if r.Count > 1 {
			when += fmt.Sprintf(", %d times within %s", r.Count, strings.TrimSuffix(r.Within.String(), "0s"))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.Name, when, r.Severity)
	}
	want := before + begin + b.String() + end + after
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(data) {
		t.Error("docs/alerts.md is not what the rules say: make golden")
	}
}
