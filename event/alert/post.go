package alert

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event/sink"
	"github.com/sallyport/sallyport/exchange"
)

// webhook posts the alerts of a group in one message: {"type": "alerts", "timestamp": …, "data": [ … ]}, signed as Standard
// Webhooks (version 1) has it.
type webhook struct {
	*endpoint
	secret []byte
}

func newWebhook(c config.AlertWebhook, o Options) (route, error) {
	e, err := newEndpoint(c.URL, c.AllowPrivate, o)
	if err != nil {
		return nil, err
	}
	text, err := config.Secret(c.Secret)
	if err != nil {
		return nil, err
	}
	key, err := sink.WebhookSecret(text)
	return &webhook{e, key}, err
}

func (w *webhook) send(ctx context.Context, list []Alert) error {
	now := time.Now()
	body := struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      []Alert   `json:"data"`
	}{"alerts", now.UTC(), list}
	return w.post(ctx, body, func(h http.Header, text []byte) { sink.Sign(h, w.secret, "msg_"+rand.Text(), now, text) })
}

// slack posts one text.
type slack struct{ *endpoint }

func newSlack(c config.AlertURL, o Options) (route, error) {
	e, err := newEndpoint(c.URL, c.AllowPrivate, o)
	return &slack{e}, err
}

// slackEscapes are the three that Slack asks for, so that no text becomes a mention of everybody.
var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (s *slack) send(ctx context.Context, list []Alert) error {
	return s.post(ctx, map[string]string{"text": slackEscapes.Replace(textOf(list))}, nil)
}

// textOf lists alerts for people.
func textOf(list []Alert) string {
	var b strings.Builder
	for i, a := range list {
		if i == 20 {
			fmt.Fprintf(&b, "and %d more\n", len(list)-i)
			break
		}
		state := string(a.Severity)
		if !a.Resolved.IsZero() {
			state = "resolved"
		}
		fmt.Fprintf(&b, "[%s] %s\n", state, a.Summary)
		if a.Hint != "" && a.Resolved.IsZero() {
			fmt.Fprintf(&b, "    %s\n", a.Hint)
		}
		if len(a.Examples) > 0 && a.Resolved.IsZero() {
			fmt.Fprintf(&b, "    sallyport explain %s\n", a.Examples[len(a.Examples)-1])
		}
	}
	return b.String()
}

// pagerDuty sends each alert as an event of the Events API v2: trigger and resolve, told apart by rule and key.
type pagerDuty struct {
	*endpoint
	key string
}

func newPagerDuty(c config.AlertPagerDuty, o Options) (route, error) {
	where := c.URL
	if where == "" {
		where = "https://events.pagerduty.com/v2/enqueue"
	}
	e, err := newEndpoint(where, c.AllowPrivate, o)
	if err != nil {
		return nil, err
	}
	key, err := config.Secret(c.RoutingKey)
	if err == nil && key == "" {
		err = errors.New("pagerduty needs a routing_key")
	}
	return &pagerDuty{e, key}, err
}

// pagerGrades are our severities in its words.
var pagerGrades = map[exchange.Severity]string{exchange.Info: "info", exchange.Low: "info", exchange.Medium: "warning", exchange.High: "error", exchange.Critical: "critical"}

func (p *pagerDuty) send(ctx context.Context, list []Alert) error {
	for _, a := range list {
		sum := sha256.Sum256([]byte(a.Rule + "\x00" + a.Key))
		body := map[string]any{"routing_key": p.key, "event_action": "trigger", "dedup_key": "sallyport-" + base64.RawURLEncoding.EncodeToString(sum[:12])}
		if !a.Resolved.IsZero() {
			body["event_action"] = "resolve"
		} else {
			body["payload"] = map[string]any{"summary": first(a.Summary, 1024), "source": "sallyport", "severity": pagerGrades[a.Severity],
				"timestamp": a.Since.UTC().Format(time.RFC3339), "class": a.Rule, "custom_details": a}
		}
		if err := p.post(ctx, body, nil); err != nil {
			return err
		}
	}
	return nil
}

func first(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
