package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// Whoever pastes what the demo prints sees each of the ten risks leak from the bare shop and stop at the gateway.
func TestGreeting(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	d, lines := greeted(t)
	var setup, title string
	risks := 0
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "export "):
			setup += line + "\n"
		case strings.HasPrefix(line, "# "):
			title = line
		case strings.HasPrefix(line, "curl "):
			bare, gate := paste(t, setup+"BASE="+d.bare+"\n"+line), paste(t, setup+line)
			if bare.Code != "" {
				t.Errorf("%s: the bare shop answers %s", title, bare.Code)
			}
			if title == "" && gate.Code != "" {
				t.Errorf("%s: refused with %s", line, gate.Code)
			}
			if title == "" {
				continue
			}
			risks++
			if gate.Code == "" && !(strings.HasPrefix(title, "# API10 ") && leaksAccount(bare.text) && !leaksAccount(gate.text)) {
				t.Errorf("%s: the gateway passes %s", title, gate.text)
			}
		}
	}
	if risks != 10 {
		t.Errorf("%d risks shown", risks)
	}
}

// greeted is a serving demo on free ports, and the lines of its greeting.
func greeted(t *testing.T) (*demo, []string) {
	ctx, stop := context.WithCancel(t.Context())
	d, err := startDemo(ctx, &demoCmd{Listen: "127.0.0.1:0", Lab: "127.0.0.1:0", Admin: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- d.service.serve(ctx) }()
	t.Cleanup(func() { stop(); <-ended; d.close() })
	var b bytes.Buffer
	if err := d.greet(&b); err != nil {
		t.Fatal(err)
	}
	return d, strings.Split(b.String(), "\n")
}

// An answer is what curl printed, and the problem's code when it is one.
type answer struct {
	Code string
	text string
}

func paste(t *testing.T, script string) (a answer) {
	out, err := exec.CommandContext(t.Context(), "sh", "-c", script).Output()
	if err != nil {
		t.Fatalf("%s\n%v", script, err)
	}
	a.text = string(out)
	if strings.HasPrefix(a.text, "{") {
		if err := json.Unmarshal(out, &a); err != nil {
			t.Errorf("%s\n%v", out, err)
		}
	}
	return a
}

func leaksAccount(text string) bool { return strings.Contains(text, "4242424242424242") }
