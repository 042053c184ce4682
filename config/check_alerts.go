package config

import "fmt"

// alerts checks names and what is missing. Expressions, URLs and secrets are for those who use them.
func (c *checker) alerts(a Alerts) {
	rules, routes := map[string]bool{}, map[string]bool{}
	for i, r := range a.Routes {
		at := fmt.Sprintf("alerts.routes[%d]", i)
		c.name(r.Name, at, routes)
		ways := 0
		for _, there := range []bool{r.Webhook != nil, r.Slack != nil, r.PagerDuty != nil, r.Email != nil} {
			if there {
				ways++
			}
		}
		if ways != 1 {
			c.fail(at, "a route is exactly one of webhook, slack, pagerduty and email", "slack: { url: \"${SLACK_URL}\" }")
		}
	}
	for i, r := range a.Rules {
		at := fmt.Sprintf("alerts.rules[%d]", i)
		c.name(r.Name, at, rules)
		for j, name := range r.Routes {
			if !routes[name] {
				c.fail(fmt.Sprintf("%s.routes[%d]", at, j), fmt.Sprintf("there is no route %q", name), "alerts.routes lists them")
			}
		}
	}
}
