package alert

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// recording is a route that keeps what is sent, and fails as often as it is told to.
type recording struct {
	mu    sync.Mutex
	lists [][]Alert
	fails int
}

func (r *recording) send(_ context.Context, list []Alert) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fails--; r.fails >= 0 {
		return errors.New("not now")
	}
	r.lists = append(r.lists, list)
	return nil
}

var raised = Alert{Rule: "credential-guessing", Key: "203.0.113.7", Severity: exchange.High, Summary: "A client guesses credentials (203.0.113.7): <!channel> & more",
	Hint: "look", Since: time.Unix(1_800_000_000, 0), Count: 30, Examples: []string{"01KB"}}

func ended(a Alert) Alert { a.Resolved = a.Since.Add(time.Hour); return a }

// received is what was posted, with its header.
type received struct {
	header http.Header
	body   string
}

func posted(t *testing.T) (url string, got chan received) {
	got = make(chan received, 10)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- received{r.Header, string(body)}
	}))
	t.Cleanup(s.Close)
	return s.URL + "/secret-path", got
}

func TestRoutes(t *testing.T) {
	url, got := posted(t)
	for name, c := range map[string]struct {
		route config.AlertRoute
		list  []Alert
		want  []string // parts of each message
	}{
		"webhook":   {config.AlertRoute{Webhook: &config.AlertWebhook{URL: url, Secret: "whsec_c2VjcmV0", AllowPrivate: true}}, []Alert{raised}, []string{`"type":"alerts"`, `"rule":"credential-guessing"`, `"key":"203.0.113.7"`}},
		"slack":     {config.AlertRoute{Slack: &config.AlertURL{URL: url, AllowPrivate: true}}, []Alert{raised, ended(raised)}, []string{`[high] A client guesses credentials (203.0.113.7): \u0026lt;!channel\u0026gt; \u0026amp; more`, "sallyport explain 01KB", "[resolved]"}},
		"pagerduty": {config.AlertRoute{PagerDuty: &config.AlertPagerDuty{RoutingKey: "key", URL: url, AllowPrivate: true}}, []Alert{raised}, []string{`"event_action":"trigger"`, `"routing_key":"key"`, `"severity":"error"`, `"dedup_key":"sallyport-`}},
		"resolved":  {config.AlertRoute{PagerDuty: &config.AlertPagerDuty{RoutingKey: "key", URL: url, AllowPrivate: true}}, []Alert{ended(raised)}, []string{`"event_action":"resolve"`}},
	} {
		c.route.Name = name
		r, err := newRoute(c.route, Options{Version: "1"})
		if err != nil {
			t.Fatal(name, err)
		}
		if err := r.send(t.Context(), c.list); err != nil {
			t.Fatal(name, err)
		}
		m := <-got
		if !json.Valid([]byte(m.body)) || m.header.Get("User-Agent") != "sallyport/1" {
			t.Errorf("%s: %+v", name, m)
		}
		for _, part := range c.want {
			if !strings.Contains(m.body, part) {
				t.Errorf("%s: %s lacks %s", name, m.body, part)
			}
		}
		if signed := strings.HasPrefix(m.header.Get("Webhook-Signature"), "v1,"); signed != (name == "webhook") {
			t.Errorf("%s: signed %v", name, signed)
		}
	}
}

// What is secret in a URL stands in no error, and nobody is reached behind the gateway unless the config says so.
func TestRoutesAreCareful(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	url := gone.URL + "/secret-path"
	r, err := newRoute(config.AlertRoute{Name: "r", Slack: &config.AlertURL{URL: url, AllowPrivate: true}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.send(t.Context(), []Alert{raised}); err == nil || strings.Contains(err.Error(), "secret-path") {
		t.Error(err)
	}
	gone.Close()
	if err := r.send(t.Context(), []Alert{raised}); err == nil || strings.Contains(err.Error(), "secret-path") {
		t.Error(err)
	}
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	defer tls.Close()
	r, err = newRoute(config.AlertRoute{Name: "r", Slack: &config.AlertURL{URL: tls.URL}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.send(t.Context(), []Alert{raised}); err == nil || !strings.Contains(err.Error(), "prohibited") {
		t.Errorf("a private address was reached: %v", err)
	}
}

type mailbox struct{ got chan string }

func (m *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return m, nil }
func (m *mailbox) Mail(from string, _ *smtp.MailOptions) error { m.got <- from; return nil }
func (m *mailbox) Rcpt(to string, _ *smtp.RcptOptions) error   { m.got <- to; return nil }
func (m *mailbox) Data(r io.Reader) error                      { b, err := io.ReadAll(r); m.got <- string(b); return err }
func (m *mailbox) Reset()                                      {}
func (m *mailbox) Logout() error                               { return nil }

// A mail arrives at a real SMTP server, and its header cannot be written by whoever is alerted about.
func TestMail(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	box := &mailbox{make(chan string, 10)}
	s := smtp.NewServer(box)
	s.Domain = "mail.example"
	go func() { _ = s.Serve(l) }()
	defer s.Close()
	c := config.AlertEmail{Server: l.Addr().String(), From: "gate@example.org", To: []string{"ops@example.org"}, Insecure: true}
	r, err := newRoute(config.AlertRoute{Name: "m", Email: &c}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	hostile := raised
	hostile.Summary = "x\r\nBcc: thief@example.net\r\n\r\nhello"
	if err := r.send(t.Context(), []Alert{hostile, raised}); err != nil {
		t.Fatal(err)
	}
	if from, to, text := <-box.got, <-box.got, <-box.got; from != "gate@example.org" || to != "ops@example.org" || !strings.Contains(text, "sallyport explain 01KB") ||
		!strings.Contains(text, "Auto-Submitted: auto-generated") || strings.Contains(text[:strings.Index(text, "\r\n\r\n")], "\nBcc:") {
		t.Errorf("%s %s %s", from, to, text)
	}
	c.Insecure = false
	if r, err = newRoute(config.AlertRoute{Name: "m", Email: &c}, Options{}); err != nil {
		t.Fatal(err)
	}
	if err := r.send(t.Context(), []Alert{raised}); err == nil {
		t.Error("a mail went out without TLS")
	}
}

// What is raised together goes together, again only after a while, and what fails is tried again.
func TestGroups(t *testing.T) {
	sent := &recording{fails: 1}
	g := &group{name: "r", route: sent, least: exchange.Medium, wait: time.Millisecond, repeat: time.Hour, incoming: make(chan Alert, maxWaiting), sent: map[key]time.Time{}}
	quit, done := make(chan struct{}), make(chan struct{})
	low := raised
	low.Severity = exchange.Low
	g.add(low)
	for i := range 3 {
		a := raised
		a.Key = strings.Repeat("k", i+1)
		g.add(a)
	}
	go func() { g.run(quit); close(done) }()
	count := func() int {
		sent.mu.Lock()
		defer sent.mu.Unlock()
		n := 0
		for _, l := range sent.lists {
			n += len(l)
		}
		return n
	}
	for deadline := time.Now().Add(20 * time.Second); count() < 3; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d are sent", count())
		}
	}
	again := raised
	again.Key = "k"
	g.add(again)        // is true still, and was told
	g.add(ended(again)) // is told once more
	close(quit)
	<-done
	if n := count(); n != 4 {
		t.Errorf("%d are sent: %+v", n, sent.lists)
	}
}
