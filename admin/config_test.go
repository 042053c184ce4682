package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/admin/change"
	"github.com/sallyport/sallyport/admin/people"
)

// shown is the config as the API shows it.
func (s *stand) shown() change.Text {
	s.t.Helper()
	w := s.asOperator("GET", "/api/v1/config")
	var text change.Text
	if err := json.Unmarshal(w.Body.Bytes(), &text); err != nil || w.Code != 200 || w.Header().Get("ETag") != text.ETag {
		s.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return text
}

func (s *stand) onDisk() string {
	s.t.Helper()
	data, err := os.ReadFile(s.file)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}

func body(fields ...string) string {
	m := map[string]string{}
	for i := 0; i+1 < len(fields); i += 2 {
		m[fields[i]] = fields[i+1]
	}
	data, _ := json.Marshal(m) // texts marshal
	return string(data)
}

func TestConfigIsShownWithoutSecrets(t *testing.T) {
	s := newStand(t)
	if text := s.shown(); strings.Contains(text.Text, "s3cret") || !strings.Contains(text.Text, "# the shop") {
		t.Errorf("%s", text.Text)
	}
	// What could not be masked is not shown.
	if err := os.WriteFile(s.file, []byte("admin:\n  token: |\n    s3cret-t0ken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if w := s.asOperator("GET", "/api/v1/config"); w.Code != 409 || strings.Contains(w.Body.String(), "s3cret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestConfigIsChanged(t *testing.T) {
	s := newStand(t)
	alice, bearer := "alice", ""
	s.user(alice, people.Operator)
	bearer, _, err := s.people.NewToken(t.Context(), alice, people.Operator, "", 3600e9)
	if err != nil {
		t.Fatal(err)
	}
	was := s.shown()
	next := strings.Replace(was.Text, "unknown: inspect", "unknown: inspect\n    timeout: 5s", 1)
	apply := func(target string, fields ...string) (int, change.Outcome, string) {
		w := s.serve(s.request("POST", target, body(fields...), "Authorization", "Bearer "+bearer))
		var out change.Outcome
		_ = json.Unmarshal(w.Body.Bytes(), &out) // or a problem
		return w.Code, out, w.Body.String()
	}
	if status, out, text := apply("/api/v1/config?dry_run=true", "text", next, "etag", was.ETag); status != 200 || out.Applied || !strings.Contains(out.Diff, "\n+    timeout: 5s\n") || s.onDisk() != standConfig {
		t.Errorf("a dry run: %d %s", status, text)
	}
	status, out, text := apply("/api/v1/config", "text", next, "etag", was.ETag, "note", "slow clients")
	want := strings.Replace(standConfig, "unknown: inspect", "unknown: inspect\n    timeout: 5s", 1)
	if status != 200 || !out.Applied || s.onDisk() != want || s.reloads != 1 {
		t.Fatalf("%d %s, %d reloads\n%s", status, text, s.reloads, s.onDisk())
	}
	if got := s.events(); !slices.Equal(got, []string{"admin.act admin:alice config"}) {
		t.Errorf("%v", got)
	}
	// Who has seen the one before does not overwrite it.
	if status, _, text := apply("/api/v1/config", "text", was.Text, "etag", was.ETag); status != 412 || s.onDisk() != want {
		t.Errorf("%d %s", status, text)
	}
	if status, _, text := apply("/api/v1/config", "text", was.Text); status != 428 || s.onDisk() != want {
		t.Errorf("%d %s", status, text)
	}
	// Back to how it was found: the history begins with that.
	var list []change.Version
	if err := json.Unmarshal(s.asOperator("GET", "/api/v1/config/versions").Body.Bytes(), &list); err != nil || len(list) != 2 || list[0].Actor != "admin:alice" || list[0].Note != "slow clients" || list[1].Actor != "" {
		t.Fatalf("%+v %v", list, err)
	}
	if w := s.asOperator("GET", "/api/v1/config/versions/"+list[1].ID); strings.Contains(w.Body.String(), "s3cret") || !strings.Contains(w.Body.String(), "secret of admin.token") {
		t.Errorf("%s", w.Body)
	}
	if status, _, text := apply("/api/v1/config/versions/"+list[1].ID+"/restore", "etag", out.ETag); status != 200 || s.onDisk() != standConfig {
		t.Errorf("%d %s\n%s", status, text, s.onDisk())
	}
	var kept int
	if err := s.store.DB().QueryRow(`SELECT count(*) FROM config_versions WHERE text LIKE '%s3cret%'`).Scan(&kept); err != nil || kept > 0 {
		t.Errorf("%d versions have the secret, %v", kept, err)
	}
}

// A change that cannot be used leaves file, gateway and history as they are, and all its problems are told at their places.
func TestBadConfigIsRefused(t *testing.T) {
	s := newStand(t)
	was := s.shown()
	bad := strings.Replace(was.Text, "version: 1", "version: 7\nnonsense: 1", 1)
	for _, target := range []string{"/api/v1/config", "/api/v1/config/check"} {
		w := s.send(target, body("text", bad, "etag", was.ETag))
		var p struct {
			Problems []struct{ Line, Column int }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || len(p.Problems) != 2 || p.Problems[0].Line != 1 || p.Problems[1].Line != 2 || p.Problems[1].Column != 1 {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
	s.reload = errors.New("a certificate cannot be read")
	if w := s.send("/api/v1/config", body("text", was.Text+"log: { access: off }\n", "etag", was.ETag)); w.Code < 400 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if s.onDisk() != standConfig {
		t.Errorf("%s", s.onDisk())
	}
	if w := s.asOperator("GET", "/api/v1/config/versions"); strings.Contains(w.Body.String(), "bootstrap") {
		t.Errorf("%s", w.Body)
	}
	s.reload, s.untold = nil, errStore
	if w := s.send("/api/v1/config", body("text", was.Text+"log: { access: off }\n", "etag", was.ETag)); w.Code != 503 || s.onDisk() != standConfig {
		t.Errorf("untold: %d %s", w.Code, w.Body)
	}
}

// Nobody has a secret shown by writing its place where texts are shown, nor takes it away unnoticed.
func TestSecretsStay(t *testing.T) {
	s := newStand(t)
	was := s.shown()
	for name, text := range map[string]string{
		"elsewhere": was.Text + "log: { access: \"(secret of admin.token)\" }\n",
		"no such":   strings.Replace(was.Text, "secret of admin.token", "secret of admin.none", 1),
	} {
		w := s.send("/api/v1/config/check", body("text", text))
		if strings.Contains(w.Body.String(), "s3cret") || name == "no such" && !strings.Contains(w.Body.String(), "config.secret") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestModeIsChanged(t *testing.T) {
	s := newStand(t)
	was := s.shown()
	ask := func(target string, fields ...string) int { return s.send(target, body(fields...)).Code }
	control := []string{"api", "shop", "guard", "inspect", "mode", "monitor", "etag", was.ETag}
	if got := ask("/api/v1/controls?dry_run=true", control...); got != 200 || s.onDisk() != standConfig {
		t.Error(got)
	}
	if got := ask("/api/v1/controls", control...); got != 200 || s.onDisk() != strings.Replace(standConfig, "# the shop\n", "# the shop\n    modes: { inspect: monitor }\n", 1) {
		t.Errorf("%d\n%s", got, s.onDisk())
	}
	if got := ask("/api/v1/controls", control...); got != 412 {
		t.Errorf("once more: %d", got)
	}
	now := s.shown().ETag
	for want, fields := range map[int][]string{
		422: {"api", "none", "guard", "inspect", "mode", "off", "etag", now},
		400: {"api", "shop", "guard", "inspect", "mode", "none", "etag", now},
		428: {"api", "shop", "guard", "inspect", "mode", "off"},
	} {
		if got := ask("/api/v1/controls", fields...); got != want {
			t.Errorf("%v: %d", fields, got)
		}
	}
}

func TestTwoPeople(t *testing.T) {
	s := newStand(t)
	s.changes(1)
	tokens := map[string]string{}
	for _, name := range []string{"alice", "bob"} {
		s.user(name, people.Operator)
		var err error
		if tokens[name], _, err = s.people.NewToken(t.Context(), name, people.Operator, "", 3600e9); err != nil {
			t.Fatal(err)
		}
	}
	as := func(name, target string, fields ...string) (int, string) {
		w := s.serve(s.request("POST", target, body(fields...), "Authorization", "Bearer "+tokens[name]))
		return w.Code, w.Body.String()
	}
	propose := func() string {
		t.Helper()
		was := s.shown()
		status, text := as("alice", "/api/v1/config", "text", was.Text+"log: { access: off }\n", "etag", was.ETag)
		var out change.Outcome
		if err := json.Unmarshal([]byte(text), &out); err != nil || status != http.StatusAccepted || out.Applied || out.Proposal == "" || s.onDisk() != standConfig {
			t.Fatalf("%d %s", status, text)
		}
		return out.Proposal
	}
	id := propose()
	if w := s.asOperator("GET", "/api/v1/proposals/"+id); w.Code != 200 || !strings.Contains(w.Body.String(), `+log: { access: off }`) || strings.Contains(w.Body.String(), "s3cret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if status, text := as("alice", "/api/v1/proposals/"+id+"/approve"); status != 403 || s.onDisk() != standConfig {
		t.Errorf("by the author: %d %s", status, text)
	}
	// It is bound to what it was proposed over, and to its bytes.
	other := strings.Replace(standConfig, "s3cret", "an0ther", 1)
	for name, text := range map[string]string{"another file": standConfig + "# x\n", "another secret": other} {
		_ = os.WriteFile(s.file, []byte(text), 0o600)
		if status, got := as("bob", "/api/v1/proposals/"+id+"/approve"); status != 412 || s.onDisk() != text {
			t.Errorf("%s: %d %s", name, status, got)
		}
	}
	_ = os.WriteFile(s.file, []byte(standConfig), 0o600)
	if _, err := s.store.DB().Exec(`UPDATE config_proposals SET text = replace(text, 'access: off', 'access: stdout')`); err != nil {
		t.Fatal(err)
	}
	if status, got := as("bob", "/api/v1/proposals/"+id+"/approve"); status != 412 || s.onDisk() != standConfig {
		t.Errorf("other bytes: %d %s", status, got)
	}
	if status, _ := as("alice", "/api/v1/proposals/"+id+"/reject"); status != 204 {
		t.Error(status)
	}
	id = propose()
	if _, err := s.store.DB().Exec(`UPDATE config_proposals SET expires = 1`); err != nil {
		t.Fatal(err)
	}
	if status, _ := as("bob", "/api/v1/proposals/"+id+"/approve"); status != 410 || s.onDisk() != standConfig {
		t.Errorf("expired: %d", status)
	}
	id = propose()
	s.events()
	if status, text := as("bob", "/api/v1/proposals/"+id+"/approve"); status != 200 || s.onDisk() != standConfig+"log: { access: off }\n" {
		t.Errorf("%d %s", status, text)
	}
	if got := s.events(); !slices.Equal(got, []string{"admin.act admin:bob config"}) {
		t.Errorf("%v", got)
	}
	if status, _ := as("bob", "/api/v1/proposals/"+id+"/approve"); status != 404 {
		t.Errorf("twice: %d", status)
	}
	// A secret may not wait in the store.
	was := s.shown()
	if status, text := as("alice", "/api/v1/config", "text", strings.Replace(was.Text, `"(secret of admin.token)"`, "another-s3cret", 1), "etag", was.ETag); status != 422 {
		t.Errorf("%d %s", status, text)
	}
}

func TestConfigByFlags(t *testing.T) {
	s := newStand(t)
	s.config = nil
	var err error
	if s.handler, err = New(s.options()); err != nil {
		t.Fatal(err)
	}
	if w := s.asOperator("GET", "/api/v1/config"); w.Code != 409 || code(t, w) != "admin.no_file" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestKeys(t *testing.T) {
	s := newStand(t)
	var made struct{ ID, Key, Subject string }
	w := s.send("/api/v1/keys", body("subject", "acme", "roles", "partner reader", "lifetime", "24h"))
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || w.Code != 201 || !strings.HasPrefix(made.Key, "sp_") || made.Subject != "acme" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	var next struct{ ID, Key string }
	if w := s.send("/api/v1/keys/"+made.ID+"/rotate", body("grace", "1h")); json.Unmarshal(w.Body.Bytes(), &next) != nil || w.Code != 201 || next.ID == made.ID {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if w := s.send("/api/v1/keys/"+next.ID+"/revoke", ""); w.Code != 204 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := s.send("/api/v1/keys/"+next.ID+"/rotate", ""); w.Code != 422 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := s.send("/api/v1/keys", body("subject", "a\x01b")); w.Code != 422 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := s.asOperator("GET", "/api/v1/keys"); w.Code != 200 || strings.Contains(w.Body.String(), made.Key) || strings.Count(w.Body.String(), `"id"`) != 2 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	got := s.events()
	if want := []string{"key.created admin:bootstrap acme", "key.rotated admin:bootstrap " + made.ID, "key.revoked admin:bootstrap " + next.ID, "key.rotated admin:bootstrap " + next.ID,
		"admin.refused admin:bootstrap " + next.ID, "key.created admin:bootstrap a\x01b", "admin.refused admin:bootstrap a\x01b"}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	for _, e := range s.told {
		if strings.Contains(fmt.Sprintf("%+v", *e), made.Key) {
			t.Errorf("%+v", *e)
		}
	}
}
