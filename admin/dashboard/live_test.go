package dashboard

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
)

// watch opens the stream as an analyst does.
func watch(t *testing.T, o Options, query string) *http.Response {
	t.Helper()
	h := New(o)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(WithViewer(r.Context(), Viewer{"ann", RoleAnalyst, "t"})))
	}))
	t.Cleanup(srv.Close)
	resp, err := http.Get(srv.URL + "/live/stream" + query)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestStreamShowsWhatIsAskedFor(t *testing.T) {
	o := options(keep(t))
	resp := watch(t, o, "?outcome=refused&client=192.0.2.11")
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "text/event-stream" {
		t.Fatal(resp.StatusCode, got)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Scan() // it is watched from here on
	list := traffic(12)
	for _, r := range list { // of these the last alone is refused and of that client
		o.Live.Record(r)
	}
	var seen []string
	for lines.Scan() {
		seen = append(seen, lines.Text())
		if strings.HasSuffix(lines.Text(), "</tr>") {
			break
		}
	}
	text := strings.Join(seen, "\n")
	if !strings.Contains(text, "event: exchange\ndata: <tr>") || !strings.Contains(text, list[11].ID) || strings.Count(text, "<tr>") != 1 {
		t.Error(text)
	}
}

func TestStreamIsOneLineEach(t *testing.T) {
	o := options(keep(t))
	resp := watch(t, o, "")
	lines := bufio.NewScanner(resp.Body)
	lines.Scan()
	o.Live.Record(poisoned("a\n\nevent: lost\ndata: 99\r\rdata: x"))
	for lines.Scan() {
		text := lines.Text()
		if text != "" && text != "event: exchange" && !strings.HasPrefix(text, "data: ") {
			t.Fatalf("%q", text)
		}
		if strings.HasSuffix(text, "</tr>") {
			return
		}
	}
	t.Error("the row did not end")
}

func TestNobodyWhoWatchesHoldsTheGatewayUp(t *testing.T) {
	l := NewLive()
	r := traffic(1)[0]
	l.Record(r) // nobody watches
	all := l.watch(anything)
	for range watcherQueue + 7 {
		l.Record(r)
	}
	if got := all.lost.Load(); got != 7 {
		t.Errorf("%d lost", got)
	}
	w := httptest.NewRecorder()
	if err := all.flush(w); err != nil {
		t.Fatal(err)
	}
	if body := w.Body.String(); strings.Count(body, "event: exchange") != mostAtOnce || !strings.Contains(body, "event: lost\ndata: 213\n") {
		t.Errorf("%d rows, %.300s", strings.Count(body, "event: exchange"), body[max(0, len(body)-100):])
	}
	l.leave(all)
	if l.watching.Load() != 0 {
		t.Error("somebody still watches")
	}
}

func TestWatchersAreBounded(t *testing.T) {
	o := options(keep(t))
	for range mostWatchers {
		o.Live.watch(anything)
	}
	if resp := watch(t, o, ""); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Error(resp.StatusCode)
	}
}

func TestReadersWhoLeaveAreForgotten(t *testing.T) {
	o := options(keep(t))
	resp := watch(t, o, "")
	bufio.NewReader(resp.Body).ReadString('\n')
	resp.Body.Close()
	for range 1000 {
		if o.Live.watching.Load() == 0 {
			return
		}
		o.Live.Record(traffic(1)[0]) // what is sent tells that the reader has gone
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the reader is still served")
}

func TestFiltersOfTheStreamAreThoseOfTheArchive(t *testing.T) {
	kept := traffic(200)
	archive := keep(t, kept...)
	for _, f := range []event.Filter{{}, {Outcome: refused}, {Outcome: monitored}, {Outcome: passed}, {Code: "inspect.sqli"}, {Code: "validate.response"}, {OWASP: "API1"}, {OWASP: "API10"},
		{Guard: "policy.object"}, {Guard: "validate.response"}, {Rule: "942100"}, {Rule: "validate.response"}, {Operation: "GET /orders"}, {Client: "192.0.2.4"}, {Subject: "user-3"}, {Rating: "hostile"}, {Rating: "likely_human"}, {Rating: "verified", Outcome: refused}, {API: "shop", Subject: "user-3", Outcome: refused}, {API: "none"}} {
		f.Limit, f.From, f.To = 1000, now.AddDate(0, 0, -2), now
		list, err := archive.Select(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range kept {
			if selects(f, r) {
				n++
			}
		}
		if n != len(list) {
			t.Errorf("%+v: the stream shows %d, the archive %d", f, n, len(list))
		}
	}
}

func anything(*exchange.Record) bool { return true }
