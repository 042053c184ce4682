package dashboard

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/admin/change"
	"github.com/sallyport/sallyport/admin/replay"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/gateway"
)

// summary is what a replay of some exchanges has to say.
func summary() *gateway.Summary {
	s := gateway.NewSummary()
	for i, r := range traffic(40) {
		d := gateway.Decision{Change: gateway.Same, API: "shop", Operation: r.Operation}
		switch {
		case i%4 == 0:
			d.Change, d.Would, d.Guard = gateway.NewlyRefused, exchange.BodyInvalid.Code, "validate.body"
		case i%7 == 0:
			d.Change, d.Guard, d.Why = gateway.Undecidable, "validate.params", "its settings are others, and what it judges was not recorded"
		}
		d.Unweighed = i < 30
		s.Add(r, d)
	}
	s.Sort()
	return s
}

// replaying is a gateway whose replays wait for the channel, and the questions that it was asked.
func replaying(t *testing.T, gate chan error) (Options, *[]replay.Question) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sallyport.yaml")
	if err := os.WriteFile(file, []byte("version: 1\napis:\n  - name: shop\n    mode: enforce\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	asked := &[]replay.Question{}
	o := options(keep(t))
	o.Config = change.New(change.Options{Path: file, DB: database(t), Check: func([]byte) config.Problems { return nil }})
	o.Replay = replay.New(func(ctx context.Context, q replay.Question, told func(int, time.Time)) (*gateway.Summary, error) {
		*asked = append(*asked, q)
		told(1234, q.From.Add(q.To.Sub(q.From)/2))
		if err := <-gate; err != nil {
			return nil, err
		}
		return summary(), nil
	})
	return o, asked
}

// served asks with a request of its own.
func served(o Options, r *http.Request, role Role) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	New(o).ServeHTTP(w, r.WithContext(WithViewer(r.Context(), Viewer{"ann", role, "csrf-token"})))
	return w
}

func upload(target, name, text string, fields url.Values) *http.Request {
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for k, v := range fields {
		_ = m.WriteField(k, v[0])
	}
	if name != "" {
		f, _ := m.CreateFormFile("file", name)
		_, _ = f.Write([]byte(text))
	}
	_ = m.Close()
	r := httptest.NewRequest("POST", target, &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	return r
}

func TestAReplayIsAskedForShownAndSent(t *testing.T) {
	gate := make(chan error)
	o, asked := replaying(t, gate)
	if body := page(t, o, "/replay?range=7d"); !strings.Contains(body, "Decide the exchanges of this time again") || strings.Contains(body, "By operation") {
		t.Error(body)
	}
	w := served(o, upload("/replay/run", "next.yaml", "version: 1\r\n", url.Values{"csrf": {"csrf-token"}, "range": {"7d"}, "text": {""}}), RoleOperator)
	at := w.Header().Get("Location")
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(at, "/replay?candidate=draft%3A") || !strings.HasSuffix(at, "&range=7d") {
		t.Fatalf("%d %s %s", w.Code, at, w.Body)
	}
	for !strings.Contains(page(t, o, at), "1,234 exchanges") {
		time.Sleep(time.Millisecond)
	}
	if body := page(t, o, at); !strings.Contains(body, `http-equiv="refresh"`) || !strings.Contains(body, `value="0.5"`) {
		t.Error("it does not show how far it is", body)
	}
	if w := served(o, upload("/replay/run", "", "", url.Values{"csrf": {"csrf-token"}}), RoleOperator); w.Code != http.StatusServiceUnavailable {
		t.Errorf("another one runs beside it: %d", w.Code)
	}
	if w := served(o, upload("/replay/run", "", "", url.Values{"csrf": {"csrf-token"}, "candidate": {"draft:" + strings.TrimSuffix(strings.TrimPrefix(at, "/replay?candidate=draft%3A"), "&range=7d")}, "range": {"7d"}}), RoleOperator); w.Header().Get("Location") != at {
		t.Errorf("the same one is not led to: %d %s", w.Code, w.Header())
	}
	gate <- nil
	for !strings.Contains(page(t, o, at), "By operation") {
		time.Sleep(time.Millisecond)
	}
	q := (*asked)[0]
	if q.Text != "version: 1\n" || !q.To.Equal(now) || q.To.Sub(q.From) != 7*24*time.Hour {
		t.Errorf("%+v", q)
	}
	body := page(t, o, at)
	for _, want := range []string{"newly refused", "undecidable", "validate.body", "By principal", "By rule", "user-4", "its settings are others"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	undecided := 0
	for _, g := range summary().Groups {
		if g.Change == gateway.Undecidable {
			undecided += g.Count
		}
	}
	why := ask(o, RoleOperator, at+"&format=csv&table=unsaid").Body.String()
	want := "guard,why,exchanges\nlimit.admit,abuse.bans or abuse.overload has other settings than then: whom those would refuse follows from load and from what else came; all else is decided,30\n" +
		"validate.params,\"its settings are others, and what it judges was not recorded\"," + strconv.Itoa(undecided) + "\n"
	if why = strings.ReplaceAll(why, "\r", ""); undecided == 0 || why != want || !strings.Contains(body, "Of which something cannot be said") {
		t.Errorf("%s, want %s", why, want)
	}
	rows, err := csv.NewReader(ask(o, RoleOperator, at+"&format=csv&tab=newly_refused").Body).ReadAll()
	if err != nil || len(rows) < 2 || rows[1][0] != "newly_refused" {
		t.Error(err, rows)
	}
	if found := links(t, body); len(found) < 10 {
		t.Errorf("sorted by %q only", found)
	}
	onlyOurs(t, "replay", body)
}

func TestReplaysOfWhatWaitsAndWhatWas(t *testing.T) {
	gate := make(chan error, 1)
	o, asked := replaying(t, gate)
	for candidate, want := range map[string]string{"promote&api=shop&guard=validate.body": "validate.body: enforce", "": ""} {
		form, err := url.ParseQuery("csrf=csrf-token&candidate=" + candidate)
		if err != nil {
			t.Fatal(err)
		}
		gate <- nil
		w := post(o, RoleOperator, "/replay/run", form)
		at := w.Header().Get("Location")
		if w.Code != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", candidate, w.Code, w.Body)
		}
		for !strings.Contains(page(t, o, at), "By operation") {
			time.Sleep(time.Millisecond)
		}
		if q := (*asked)[len(*asked)-1]; !strings.Contains(q.Text, want) || (q.Text == "") != (want == "") {
			t.Errorf("%s: %q", candidate, q.Text)
		}
		*asked = nil
	}
	for _, candidate := range []string{"version:01KB", "proposal:01KB", "draft:1234", "other", "promote&api=nothing&guard=x"} {
		if w := ask(o, RoleOperator, "/replay?candidate="+candidate); w.Code < 400 || w.Code >= 500 {
			t.Errorf("%s: %d", candidate, w.Code)
		}
	}
}

func TestReplaysThatFailSayWhy(t *testing.T) {
	gate := make(chan error, 1)
	o, _ := replaying(t, gate)
	for want, err := range map[string]error{
		"It was stopped": context.Canceled, "It took too long": context.DeadlineExceeded, "the disk is gone": errors.New("the disk is gone"),
		"no such key": &change.Invalid{Problems: config.Problems{{Line: 3, Column: 7, Severity: config.Error, Message: "no such key"}}},
	} {
		gate <- err
		for post(o, RoleOperator, "/replay/run", url.Values{"csrf": {"csrf-token"}, "range": {"1h"}}).Code != http.StatusSeeOther {
			time.Sleep(time.Millisecond)
		}
		for !strings.Contains(page(t, o, "/replay?range=1h"), want) {
			time.Sleep(time.Millisecond)
		}
	}
}

func TestReplaysAreForOperatorsOfTheSession(t *testing.T) {
	gate := make(chan error)
	o, asked := replaying(t, gate)
	form := url.Values{"csrf": {"csrf-token"}}
	for name, code := range map[string]int{
		"an analyst looks":              ask(o, RoleAnalyst, "/replay").Code,
		"an analyst asks":               post(o, RoleAnalyst, "/replay/run", form).Code,
		"an analyst stops":              post(o, RoleAnalyst, "/replay/stop", form).Code,
		"an analyst watches":            ask(o, RoleAnalyst, "/replay/progress").Code,
		"another session's form":        post(o, RoleOperator, "/replay/run", url.Values{"csrf": {"other"}}).Code,
		"another session's stop":        post(o, RoleOperator, "/replay/stop", url.Values{"csrf": {"other"}}).Code,
		"another session's uploaded":    served(o, upload("/replay/run", "x", "version: 1", url.Values{"csrf": {"other"}}), RoleOperator).Code,
		"a form without a token at all": post(o, RoleOperator, "/replay/run", url.Values{}).Code,
	} {
		if code != http.StatusForbidden {
			t.Errorf("%s: %d", name, code)
		}
	}
	if w := served(o, upload("/replay/run", "x", strings.Repeat("#", replay.MaxText+1), form), RoleOperator); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a text that is too long: %d", w.Code)
	}
	if w := served(o, upload("/replay/run", "x", strings.Repeat("#", 4*replay.MaxText), form), RoleOperator); w.Code != http.StatusBadRequest {
		t.Errorf("a form that is too long: %d", w.Code)
	}
	if len(*asked) > 0 {
		t.Error("somebody was answered")
	}
}

// stopping is somebody who stops what they watch once they have seen something of it.
type stopping struct {
	*httptest.ResponseRecorder
	stop func()
}

func (s *stopping) Write(p []byte) (int, error) {
	defer s.stop()
	return s.ResponseRecorder.Write(p)
}

func TestAReplayIsWatchedAndStopped(t *testing.T) {
	o, _ := replaying(t, nil)
	o.Replay = replay.New(func(ctx context.Context, q replay.Question, told func(int, time.Time)) (*gateway.Summary, error) {
		told(7, q.To)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	if w := post(o, RoleOperator, "/replay/run", url.Values{"csrf": {"csrf-token"}}); w.Code != http.StatusSeeOther {
		t.Fatal(w.Code, w.Body)
	}
	for !strings.Contains(page(t, o, "/replay"), "7 exchanges") {
		time.Sleep(time.Millisecond)
	}
	w := &stopping{httptest.NewRecorder(), func() { post(o, RoleOperator, "/replay/stop", url.Values{"csrf": {"csrf-token"}}) }}
	r := httptest.NewRequest("GET", "/replay/progress", nil)
	New(o).ServeHTTP(w, r.WithContext(WithViewer(r.Context(), Viewer{"ann", RoleOperator, "csrf-token"}))) // until it ends
	stream := w.Body.String()
	if !strings.HasPrefix(stream, "event: progress\ndata: 1.0000 7 exchanges, up to") || !strings.HasSuffix(stream, "event: end\ndata: \n\n") {
		t.Errorf("%q", stream)
	}
	if body := page(t, o, "/replay"); !strings.Contains(body, "It was stopped") {
		t.Error(body)
	}
}
