package exchange

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// What is parted holds nothing personal, and comes together again.
func TestPersonalFieldsArePartedAndRestored(t *testing.T) {
	r := &Record{ID: "01KB", Client: "203.0.113.7", Peer: "198.51.100.9", UserAgent: "agent-x", JA4: "t13d", Path: "/users/ada", Query: "q=***", Method: "GET",
		Detail: "path.id is not ada", Steps: []RecordStep{{Guard: "a"}, {Guard: "b", Detail: "of ada"}, {Guard: "c"}},
		Principal: &RecordPrincipal{Subject: "ada@example.org", Issuer: "corp"}}
	e := &Event{ID: "01KC", Actor: "admin:bob", Subject: "ada@example.org", Detail: "a key was made"}
	kept := *r.Principal
	record, ofRecord := r.Part()
	event, ofEvent := e.Part()
	said, _ := json.Marshal([]any{record, event})
	for _, personal := range []string{"203.0.113", "198.51", "agent-x", "t13d", "ada", "q=", "bob"} {
		if strings.Contains(string(said), personal) {
			t.Errorf("%s is in %s", personal, said)
		}
	}
	if !reflect.DeepEqual(*r.Principal, kept) || r.Steps[1].Detail != "of ada" {
		t.Error("the record was changed")
	}
	record.Restore(ofRecord)
	event.Restore(ofEvent)
	if !reflect.DeepEqual(&record, r) || !reflect.DeepEqual(&event, e) {
		t.Errorf("%+v %+v", record, event)
	}
	if r.Whose() != "ada@example.org" || e.Whose() != "ada@example.org" || (&Record{Client: "::1"}).Whose() != "::1" || (&Event{Actor: "cli"}).Whose() != "cli" {
		t.Error("whose")
	}
}

func TestKindsAreDistinctAndExplained(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Kinds() {
		if seen[k.Name] || !strings.Contains(k.Name, ".") || !strings.HasSuffix(k.Help, ".") || k.Severity == "" {
			t.Errorf("%+v", k)
		}
		seen[k.Name] = true
	}
	e := NewEvent(ConfigApplied, "x")
	if e.Kind != "config.applied" || e.ID == "" || time.Since(e.Time) > time.Minute {
		t.Errorf("%+v", e)
	}
}
