package admin

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/admin/people"
	"github.com/sallyport/sallyport/openapi"
)

// walks are a good request for each operation: target, body, and the status of its answer. A test that finds an
// operation without one fails, and so does one whose answer is not as described: answers are judged here.
var walks = map[string]struct {
	target, body string
	status       int
}{
	"signIn":          {"/api/v1/session", `{"token":"` + token + `"}`, 201},
	"whoAmI":          {"/api/v1/session", "", 200},
	"signOut":         {"/api/v1/session/end", `{"all":"false"}`, 204},
	"changePassword":  {"/api/v1/password", `{"old":"` + password + `","new":"another horse battery staple"}`, 403}, // the admin token has none
	"signInElsewhere": {"/signin/oidc?next=%2F", "", 404},
	"comeBack":        {"/signin/oidc/callback?state=x", "", 404},
	"listUsers":       {"/api/v1/users", "", 200},
	"addUser":         {"/api/v1/users", `{"name":"carol","role":"analyst","password":"` + password + `"}`, 204},
	"setRole":         {"/api/v1/users/walker/role", `{"role":"operator"}`, 204},
	"setPassword":     {"/api/v1/users/walker/password", `{"password":"` + password + `!"}`, 204},
	"endSessions":     {"/api/v1/users/walker/end", "", 204},
	"removeUser":      {"/api/v1/users/leaver/remove", "", 204},
	"listTokens":      {"/api/v1/tokens", "", 200},
	"createToken":     {"/api/v1/tokens", `{"role":"viewer","lifetime":"24h"}`, 404}, // nor can it have tokens
	"revokeToken":     {"/api/v1/tokens/01KB000/revoke", "", 404},
	"listKeys":        {"/api/v1/keys", "", 200},
	"createKey":       {"/api/v1/keys", `{"subject":"acme","roles":"partner reader","lifetime":"24h"}`, 201},
	"rotateKey":       {"/api/v1/keys/walked/rotate", `{"grace":"1h"}`, 404},
	"revokeKey":       {"/api/v1/keys/walked/revoke", "", 404},
	"getConfig":       {"/api/v1/config", "", 200},
	"checkConfig":     {"/api/v1/config/check", `{"text":"version: 2"}`, 200},
	"applyConfig":     {"/api/v1/config?dry_run=false", `{"text":"version: 1","etag":"\"0\""}`, 412},
	"listVersions":    {"/api/v1/config/versions", "", 200},
	"getVersion":      {"/api/v1/config/versions/01KB000", "", 404},
	"restoreVersion":  {"/api/v1/config/versions/01KB000/restore", "", 404},
	"setMode":         {"/api/v1/controls", `{"api":"shop","guard":"inspect","mode":"monitor"}`, 428},
	"previewMode":     {"/api/v1/controls/preview?guard=inspect&api=shop", "", 200},
	"listEvents":      {"/api/v1/events?kind=admin.act&limit=5", "", 200},
	"listFindings":    {"/api/v1/findings?from=2026-01-01T00:00:00Z", "", 200},
	"countBy":         {"/api/v1/top?field=subject", "", 200},
	"countOverTime":   {"/api/v1/histogram?span=1h", "", 200},
	"listProposals":   {"/api/v1/proposals", "", 200},
	"getProposal":     {"/api/v1/proposals/01KB000", "", 404},
	"approveProposal": {"/api/v1/proposals/01KB000/approve", "", 404},
	"rejectProposal":  {"/api/v1/proposals/01KB000/reject", "", 404},
	"listExchanges":   {"/api/v1/exchanges?limit=2", "", 200},
	"getExchange":     {"/api/v1/exchanges/01KB000", "", 200},
	"listAlerts":      {"/api/v1/alerts", "", 200},
	"listSilences":    {"/api/v1/silences", "", 200},
	"silence":         {"/api/v1/silences", `{"rule":"leak-stopped","reason":"a test of ours","lifetime":"2h"}`, 201},
	"endSilence":      {"/api/v1/silences/01KB000/end", "", 404},
	"listSinks":       {"/api/v1/sinks", "", 200},
	"replay":          {"/api/v1/replay", `{"since":"24h"}`, 200},
	"getReport":       {"/api/v1/report?framework=gdpr&since=720h", "", 200},
	"listBans":        {"/api/v1/bans", "", 200},
	"ban":             {"/api/v1/bans", `{"client":"2001:db8::7","reason":"tries cards","lifetime":"2h"}`, 201},
	"endBan":          {"/api/v1/bans/203.0.113.7/end", "", 404},
	"listQuotas":      {"/api/v1/quotas?plan=free&window=day&limit=5", "", 200},
	"suggestLimits":   {"/api/v1/limits/suggestions?since=24h&headroom=1.5&limit=5", "", 200},
	"getPosture":      {"/api/v1/posture", "", 200},
	"listReasons":     {"/api/v1/reasons", "", 200},
	"listKinds":       {"/api/v1/kinds", "", 200},
	"reload":          {"/api/v1/reload", "", 204},
	"getDocument":     {"/api/v1/openapi.yaml", "", 200},
}

// unused are operations whose walk above changes nothing; config_test.go has acts of theirs.
var unused = map[string]bool{"checkConfig": true, "applyConfig": true, "restoreVersion": true, "setMode": true, "approveProposal": true, "rejectProposal": true, "replay": true}

func walked(t *testing.T) []*openapi.Operation {
	t.Helper()
	doc, problems := openapi.Parse("openapi.yaml", description, openapi.Options{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return doc.Operations
}

func (s *stand) walk(op *openapi.Operation, header ...string) (int, string) {
	s.t.Helper()
	c, ok := walks[op.ID]
	if !ok {
		s.t.Fatalf("no walk for %s", op.ID)
	}
	w := s.serve(s.request(op.Method, c.target, c.body, header...))
	return w.Code, w.Body.String()
}

func TestEveryOperation(t *testing.T) {
	s := newStand(t)
	s.kept = records(3)
	s.user("walker", people.Analyst)
	s.user("leaver", people.Analyst)
	for _, op := range walked(t) {
		status, body := s.walk(op, "Authorization", "Bearer "+token)
		if status != walks[op.ID].status {
			t.Errorf("%s: %d %.300s", op.ID, status, body)
		}
		if events := s.events(); (op.Method == http.MethodGet) != (len(events) == 0) && !unused[op.ID] {
			t.Errorf("%s: an act is told of, a question is not: %v", op.ID, events)
		}
	}
}

// What is not described is refused before anything of ours sees it.
func TestNothingUndescribed(t *testing.T) {
	s := newStand(t)
	for _, op := range walked(t) {
		c := walks[op.ID]
		sep := "?"
		if strings.Contains(c.target, "?") {
			sep = "&"
		}
		for name, w := range map[string]*http.Request{
			"a parameter":   s.request(op.Method, c.target+sep+"undescribed=1", c.body),
			"a method":      s.request("PATCH", c.target, c.body),
			"a path":        s.request(op.Method, strings.Replace(strings.Replace(c.target, "v1", "v2", 1), "oidc", "odic", 1), c.body),
			"a property":    s.request(op.Method, c.target, strings.TrimSuffix(`{"undescribed":1,`+strings.TrimPrefix(c.body, "{"), ",")+strings.Repeat("}", 1-min(1, len(c.body)))),
			"a media type":  s.request(op.Method, c.target, "a,b", "Content-Type", "text/csv"),
			"a name twice":  s.request(op.Method, c.target, `{"next":"/","next":"/x"}`),
			"an odd escape": s.request(op.Method, strings.Replace(c.target, "/", "/%2e%2e/", 1), c.body),
		} {
			w.Header.Set("Authorization", "Bearer "+token)
			if got := s.serve(w); got.Code < 400 || got.Code >= 500 {
				t.Errorf("%s of %s: %d %.200s", name, op.ID, got.Code, got.Body)
			}
		}
		if events := slices.DeleteFunc(s.events(), func(e string) bool { return strings.HasPrefix(e, "admin.refused") }); len(events) > 0 || s.reloads > 0 {
			t.Fatalf("%s: %v, %d reloads", op.ID, events, s.reloads)
		}
	}
}

// Each operation asks for its role, and a weaker one does nothing but leave an event.
func TestRoles(t *testing.T) {
	s := newStand(t)
	s.kept = records(3)
	tokens := map[people.Role]string{}
	for _, role := range people.Roles {
		tokens[role] = s.bearer(role)
	}
	for _, op := range walked(t) {
		if open := op.Ext.Anonymous; open != nil && *open {
			continue
		}
		if len(op.Ext.Roles) != 1 {
			t.Fatalf("%s asks for the roles %v", op.ID, op.Ext.Roles)
		}
		s.events()
		if status, _ := s.walk(op); status != http.StatusUnauthorized {
			t.Errorf("%s for nobody: %d", op.ID, status)
		}
		if got := s.events(); len(got) != 1 || !strings.HasPrefix(got[0], "admin.refused") {
			t.Errorf("%s for nobody: %v", op.ID, got)
		}
		for _, role := range people.Roles {
			if role.At(people.Role(op.Ext.Roles[0])) {
				continue // TestEveryOperation
			}
			if status, body := s.walk(op, "Authorization", "Bearer "+tokens[role]); status != http.StatusForbidden || !strings.Contains(body, "policy.role") {
				t.Errorf("%s as %s: %d %s", op.ID, role, status, body)
			}
			if got := s.events(); len(got) != 1 || !strings.HasPrefix(got[0], "admin.refused admin:"+string(role)) {
				t.Errorf("%s as %s: %v", op.ID, role, got)
			}
		}
	}
}

// Where nobody can be told of an act, it does not happen.
func TestNoActUntold(t *testing.T) {
	s := newStand(t)
	s.user("walker", people.Analyst)
	s.user("leaver", people.Analyst)
	s.untold = errStore
	for _, op := range walked(t) {
		if op.Method == http.MethodGet || op.ID == "changePassword" || unused[op.ID] {
			continue
		}
		if status, body := s.walk(op, "Authorization", "Bearer "+token); status != http.StatusServiceUnavailable || strings.Contains(body, "secret") {
			t.Errorf("%s: %d %s", op.ID, status, body)
		}
	}
	list, err := s.people.List(t.Context())
	if err != nil || len(list) != 2 || list[0].Role != people.Analyst || s.reloads > 0 {
		t.Errorf("%v %v, %d reloads", list, err, s.reloads)
	}
}
