package deploy

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/testkit"
)

// The Compose file is one that compose-go, the reader of Docker Compose, takes, with the files that docs/deploy.md makes.
func TestCompose(t *testing.T) {
	all(t)
	dir := composed(t)
	var project struct {
		Services map[string]struct {
			Image    string
			ReadOnly bool     `json:"read_only"`
			CapDrop  []string `json:"cap_drop"`
			Volumes  []struct{ Type, Source string }
		}
		Secrets map[string]struct{ File string }
	}
	text, err := os.ReadFile(filepath.Join(dir, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "compose.yaml"), strings.ReplaceAll(string(text), "${UPSTREAM:?the URL of your API}", "http://api.example"), 0o644) // this tool has no environment
	if err := json.Unmarshal([]byte(compose.do(t, dir, "-format", "json", "compose.yaml")), &project); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sallyport", "postgres", "valkey", "prometheus", "grafana"} {
		s := project.Services[name]
		if tag := s.Image[strings.LastIndex(s.Image, "/")+1:]; !strings.Contains(tag, ":") {
			t.Errorf("%s: the image %q has no tag", name, s.Image)
		}
		for _, v := range s.Volumes {
			if _, err := os.Stat(v.Source); v.Type == "bind" && err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for _, s := range project.Secrets {
		if _, err := os.Stat(s.File); err != nil {
			t.Error(err)
		}
	}
	if s := project.Services["sallyport"]; !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) {
		t.Errorf("the gateway is not confined: %+v", s)
	}
}

// composed is a copy of the folder, with the secrets that the documentation makes.
func composed(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "deploy/compose")
	if err := os.CopyFS(dir, os.DirFS("compose")); err != nil {
		t.Fatal(err)
	}
	do(t, filepath.Join(dir, "../.."), "sh", "-ec", strings.Split(documented(t, "cd deploy/compose"), "UPSTREAM=")[0])
	return dir
}

// Prometheus itself scrapes a gateway by the stack's config, both over the certificate that the documentation makes, and
// answers every query of the dashboard: each metric in it exists, with its labels.
func TestDashboard(t *testing.T) {
	all(t)
	installed(t, "prometheus", "prometheus")
	dir := composed(t)
	g := watched(t, dir)
	at := testkit.FreeAddress(t)
	text, err := os.ReadFile(filepath.Join(dir, "prometheus.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	config := strings.NewReplacer("/run/secrets", filepath.Join(dir, "secrets"), "sallyport:9901", g.admin, "15s", "1s").Replace(string(text))
	write(t, filepath.Join(dir, "prometheus.yaml"), config, 0o644)
	p := start(t, exec.Command("prometheus", "--config.file="+filepath.Join(dir, "prometheus.yaml"), "--storage.tsdb.path="+t.TempDir(), "--web.listen-address="+at))
	for expression, legend := range queries(t) {
		g.traffic()
		await(t, expression+"\n"+p.log.String(), func() bool {
			series := asked(t, at, expression)
			return len(series) > 0 && !slices.ContainsFunc(labels(legend), func(l string) bool { return series[0][l] == "" })
		})
	}
}

var label = regexp.MustCompile(`{{(\w+)}}`)

func labels(legend string) (names []string) {
	for _, m := range label.FindAllStringSubmatch(legend, -1) {
		names = append(names, m[1])
	}
	return names
}

// queries are those of the dashboard, with their legends.
func queries(t *testing.T) map[string]string {
	t.Helper()
	board := read[struct {
		Panels []struct {
			Targets []struct{ Expr, LegendFormat string }
		}
	}](t, "compose/grafana/sallyport.json")
	list := map[string]string{}
	for _, p := range board.Panels {
		for _, q := range p.Targets {
			list[strings.ReplaceAll(q.Expr, "$__rate_interval", "5s")] = q.LegendFormat
		}
	}
	if len(list) < 15 {
		t.Fatalf("%d queries", len(list))
	}
	return list
}

// asked is the labels of each series of the answer.
func asked(t *testing.T, at, expression string) (series []map[string]string) {
	t.Helper()
	answer, err := http.Get("http://" + at + "/api/v1/query?query=" + url.QueryEscape(expression))
	if err != nil {
		return nil // it starts
	}
	defer answer.Body.Close()
	var got struct {
		Error string
		Data  struct {
			Result []struct{ Metric map[string]string }
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		return nil // likewise
	}
	if got.Error != "" && answer.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("%s: %s", expression, got.Error)
	}
	for _, r := range got.Data.Result {
		series = append(series, r.Metric)
	}
	return series
}

// observed is a gateway with something to tell of everything.
type observed struct {
	gate, admin string
	client      *http.Client
}

// watched starts the gateway by the stack's config, without what is outside this machine: the database and the upstream.
func watched(t *testing.T, dir string) observed {
	t.Helper()
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "{}") }))
	t.Cleanup(up.Close)
	data, err := os.ReadFile(filepath.Join(dir, "gateway/sallyport.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text, gate, admin := addresses(t, string(data), "0.0.0.0:8443", "0.0.0.0:9901")
	text = regexp.MustCompile(`(?m)^  (url|counters|counters_key|processes): .*\n`).ReplaceAllString(text, "")
	text = strings.NewReplacer("/run/secrets", filepath.Join(dir, "secrets"), "/var/lib/sallyport", filepath.Join(dir, "state"), "${UPSTREAM}", up.URL).Replace(text)
	// A second API watches only, and has an issuer.
	text += `  - { name: watched, hosts: [watched.example], upstream: "` + up.URL + `", unknown: inspect, modes: { inspect: monitor, identity: off } }
identity: [ { name: corp, jwt: { issuer: "https://idp.example/", jwks: "file:` + filepath.Join(dir, "keys.json") + `", audience: [api] } } ]
`
	key, err := json.Marshal(map[string]any{"keys": []any{testkit.NewKey(t, "one", "ES256").Public()}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "keys.json"), string(key), 0o600)
	file := filepath.Join(dir, "gateway/sallyport.yaml")
	write(t, file, text, 0o600)
	cmd := exec.Command(gateway(t), "run", "--config", file)
	p := start(t, cmd)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	await(t, "the gateway", func() bool {
		return status(client, "https://"+admin+"/readyz") == http.StatusOK
	})
	if p.ProcessState != nil {
		t.Fatal(p.log)
	}
	return observed{gate, admin, client}
}

// traffic is a good request, an attack that is refused, one that is only seen, and a connection that is cut.
func (o observed) traffic() {
	_ = status(o.client, "http://"+o.gate) // no handshake
	for _, host := range []string{"api.example", "watched.example"} {
		for _, target := range []string{"/orders", "/orders?q=" + url.QueryEscape("1' OR '1'='1' UNION SELECT password FROM users --")} {
			r, err := http.NewRequest(http.MethodGet, "https://"+o.gate+target, nil)
			if err != nil {
				panic(err)
			}
			r.Host = host
			if answer, err := o.client.Do(r); err == nil {
				answer.Body.Close()
			}
		}
	}
}
