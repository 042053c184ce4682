package deploy

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/sallyport/sallyport/internal/testkit"
)

const chart = "helm/sallyport"

// everything turns every part of the chart on.
var everything = []string{"--set", "tls.secret=gate-tls,secret=gate,autoscaling.enabled=true,monitor.enabled=true,monitor.labels.release=prometheus,volume.class=fast,files.note\\.txt=hello",
	"--set-json", `network.from=[{"podSelector":{}}]`, "--set-file", "config=testdata/chart.yaml", "--set-json", `network.to=[{"ipBlock":{"cidr":"10.0.0.0/8"}}]`}

// The chart is linted and rendered by helm itself, with everything off and on; Kubernetes' own schemas know every field;
// the config in it is one that the gateway takes.
func TestChart(t *testing.T) {
	all(t)
	helm.do(t, ".", "lint", "--strict", chart)
	schemas := described(t)
	for name, values := range map[string][]string{"as it is": nil, "everything": everything} {
		rendered := helm.do(t, ".", append([]string{"template", "gate", chart, "--namespace", "edge"}, values...)...)
		file := filepath.Join(t.TempDir(), "rendered.yaml")
		write(t, file, rendered, 0o644)
		out := kubeconform.do(t, ".", "-strict", "-summary", "-schema-location", schemas+"/{{ .ResourceKind }}.json", "-skip", "ServiceMonitor", file) // of an operator's
		if !strings.Contains(out, "Invalid: 0, Errors: 0") {
			t.Errorf("%s: %s", name, out)
		}
		checkConfig(t, rendered)
		for _, pod := range resources(t, rendered, "StatefulSet") {
			checkPod(t, pod)
		}
	}
}

// Values that would leave something open, or do nothing, are refused by their schema.
func TestChartValues(t *testing.T) {
	all(t)
	for _, wrong := range []string{
		"replicas=0", "replicaCount=2", "image.repository=", "config.version=1", "config=version: 1", "volume.size=much", "service.type=HostPort", "monitor.enabled=true", "resources.limits=null", "files.a/b=text",
	} {
		if out, err := helm.try(t, ".", "template", "gate", chart, "--set", wrong); err == nil || !strings.Contains(out, "values") {
			t.Errorf("%s: %v\n%s", wrong, err, out)
		}
	}
}

// resources are the rendered ones of a kind.
func resources(t *testing.T, rendered, kind string) (list []map[string]any) {
	t.Helper()
	for text := range strings.SplitSeq(rendered, "\n---\n") {
		var r map[string]any
		if err := yaml.Unmarshal([]byte(text), &r); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if r["kind"] == kind {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		t.Fatalf("the chart has no %s", kind)
	}
	return list
}

// checkConfig asks the gateway whether it would start with the rendered config.
func checkConfig(t *testing.T, rendered string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range resources(t, rendered, "ConfigMap")[0]["data"].(map[string]any) {
		write(t, filepath.Join(dir, name), text.(string), 0o644)
	}
	pair := testkit.NewAuthority(t, "authority").Server("gate.example")
	write(t, filepath.Join(dir, "tls/tls.crt"), string(testkit.CertPEM(pair.Leaf)), 0o644)
	write(t, filepath.Join(dir, "tls/tls.key"), string(testkit.KeyPEM(t, pair)), 0o600)
	write(t, filepath.Join(dir, "admin-token"), "a token of thirty characters", 0o600)
	write(t, filepath.Join(dir, "counters-key"), "a key of more than thirty-two characters", 0o600)
	do(t, dir, gateway(t), "check", "--config", "sallyport.yaml")
}

// checkPod demands what Kubernetes calls restricted, by name, and that what is run is there.
func checkPod(t *testing.T, set map[string]any) {
	t.Helper()
	text, err := json.Marshal(set["spec"])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"runAsNonRoot":true`, `"readOnlyRootFilesystem":true`, `"allowPrivilegeEscalation":false`, `"drop":["ALL"]`,
		`"automountServiceAccountToken":false`, `"seccompProfile":{"type":"RuntimeDefault"}`, `"/usr/bin/sallyport","health"`, `"memory":"1Gi"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

// kinds are the definitions of what the chart renders.
var kinds = map[string]string{
	"configmap": "core.v1.ConfigMap", "service": "core.v1.Service", "serviceaccount": "core.v1.ServiceAccount", "statefulset": "apps.v1.StatefulSet",
	"networkpolicy": "networking.v1.NetworkPolicy", "poddisruptionbudget": "policy.v1.PodDisruptionBudget", "horizontalpodautoscaler": "autoscaling.v2.HorizontalPodAutoscaler",
}

// described lays the schemas of Kubernetes' API out as kubeconform wants them, from the description in its module, and
// closes them: a field that is not described is wrong.
func described(t *testing.T) (dir string) {
	t.Helper()
	var module struct{ Dir string }
	if err := json.Unmarshal([]byte(do(t, t.TempDir(), "go", "mod", "download", "-json", kubernetes)), &module); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(module.Dir, "api/openapi-spec/swagger.json"))
	if err != nil {
		t.Fatal(err)
	}
	var api struct{ Definitions map[string]map[string]any }
	if err := json.Unmarshal(data, &api); err != nil {
		t.Fatal(err)
	}
	for _, schema := range api.Definitions {
		if schema["properties"] != nil {
			schema["additionalProperties"] = false
		}
		if schema["format"] == "int-or-string" {
			schema["type"] = []string{"string", "integer"}
		}
	}
	dir = t.TempDir()
	for kind, name := range kinds {
		schema, found := api.Definitions["io.k8s.api."+name]
		if !found {
			t.Fatalf("%s has no %s", kubernetes, name)
		}
		schema = maps.Clone(schema)
		schema["definitions"] = api.Definitions
		text, err := json.Marshal(schema)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, kind+".json"), string(text), 0o644)
	}
	return dir
}
