package config

// Alerts tells people what needs them.
type Alerts struct {
	// Defaults: off leaves out the rules that ship with the product. Default on; a rule with the name of one of them takes its place.
	Defaults string `yaml:"defaults" enum:"on,off"`
	// Rules besides the defaults.
	Rules []AlertRule `yaml:"rules"`
	// Routes say where alerts are sent. Without one they are events, and on the dashboard.
	Routes []AlertRoute `yaml:"routes"`
	// Silences keep alerts from being sent until they expire.
	Silences []Silence `yaml:"silences"`
	// Wait is how long an alert waits for others that go the same way. Default 10s.
	Wait Duration `yaml:"wait"`
	// Repeat is after what time an alert that is still true is sent again. Default 4h.
	Repeat Duration `yaml:"repeat"`
}

// AlertRule is one rule: where, count and within, or a metric.
type AlertRule struct {
	// Name of the rule.
	Name string `yaml:"name"`
	// Off: true switches a rule of the defaults off.
	Off bool `yaml:"off"`
	// On is what where looks at: refusals (records of refusals, of what would have been refused, and of findings; the default), all (every record), or events.
	On string `yaml:"on" enum:"refusals,all,events"`
	// Where is a CEL expression over record (or event, on events), whose fields have the names that they have in JSON: record.code == "inspect.sqli".
	Where string `yaml:"where"`
	// By is a CEL expression of text: there is one alert for each value, such as record.client.
	By string `yaml:"by"`
	// Count is how often it must happen within the span. Default 1.
	Count int `yaml:"count"`
	// Within is the span. Default 5m.
	Within Duration `yaml:"within"`
	// Metric is a CEL expression over the gateway's own metrics: increase("sallyport_refusals_total", {"reason": "limit.rate"}) > 100.0, metric("sallyport_http_requests_in_flight") > 900.0.
	Metric string `yaml:"metric"`
	// Severity of the alert. Default medium.
	Severity string `yaml:"severity" enum:"info,low,medium,high,critical"`
	// Summary is a sentence for people. Default the name.
	Summary string `yaml:"summary"`
	// Hint says what to do.
	Hint string `yaml:"hint"`
	// Routes by which it is sent. Default all; an empty list: none.
	Routes []string `yaml:"routes"`
}

// AlertRoute is one way to people: exactly one of webhook, slack, pagerduty and email is set.
type AlertRoute struct {
	// Name by which rules refer to it.
	Name string `yaml:"name"`
	// Least is the severity from which alerts take this route. Default info.
	Least string `yaml:"least" enum:"info,low,medium,high,critical"`
	// Webhook posts JSON, signed as Standard Webhooks has it.
	Webhook *AlertWebhook `yaml:"webhook"`
	// Slack posts {"text": …} as incoming webhooks of Slack, Mattermost and others take it.
	Slack *AlertURL `yaml:"slack"`
	// PagerDuty sends events of PagerDuty's Events API v2, which others understand as well.
	PagerDuty *AlertPagerDuty `yaml:"pagerduty"`
	// Email sends mail.
	Email *AlertEmail `yaml:"email"`
}

// AlertURL is where something is posted.
type AlertURL struct {
	// URL, as a secret reference where it is one.
	URL string `yaml:"url" secret:"true"`
	// AllowPrivate: true lets the URL be http, or lead to a private address.
	AllowPrivate bool `yaml:"allow_private"`
}

// AlertWebhook is a webhook.
type AlertWebhook struct {
	// URL, as a secret reference where it is one.
	URL string `yaml:"url" secret:"true"`
	// Secret signs what is sent, as a secret reference; whsec_ and base64, or any text.
	Secret string `yaml:"secret" secret:"true"`
	// AllowPrivate: true lets the URL be http, or lead to a private address.
	AllowPrivate bool `yaml:"allow_private"`
}

// AlertPagerDuty is an integration of PagerDuty.
type AlertPagerDuty struct {
	// RoutingKey of the integration, as a secret reference.
	RoutingKey string `yaml:"routing_key" secret:"true"`
	// URL of the events API. Default https://events.pagerduty.com/v2/enqueue.
	URL string `yaml:"url"`
	// AllowPrivate: true lets the URL be http, or lead to a private address.
	AllowPrivate bool `yaml:"allow_private"`
}

// AlertEmail is a mail server and who is written to.
type AlertEmail struct {
	// Server, host:port. Port 465 speaks TLS from the beginning; others must offer STARTTLS, unless insecure.
	Server string `yaml:"server"`
	// User and Password, as secret references, where the server asks for them.
	User string `yaml:"user"`
	// Password of the user.
	Password string `yaml:"password" secret:"true"`
	// From is the sender's address.
	From string `yaml:"from"`
	// To are the recipients.
	To []string `yaml:"to"`
	// Insecure: true sends without TLS, which is meant for a relay on the same machine.
	Insecure bool `yaml:"insecure"`
}

// Silence keeps the alerts of a rule from being sent.
type Silence struct {
	// Rule by name.
	Rule string `yaml:"rule"`
	// Key of the alert, such as an address. Default every one.
	Key string `yaml:"key"`
	// Until is the day or time at which it ends, RFC 3339.
	Until string `yaml:"until"`
	// Reason, for those who wonder.
	Reason string `yaml:"reason"`
}
