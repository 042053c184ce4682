package main

import "github.com/sallyport/sallyport/limit"

// observeQuotas adds what is used of plans to the metrics. Plans, windows and APIs are the config's.
func (v *service) observeQuotas() {
	stats := func() limit.QuotaStats { return v.parts.Limiter.QuotaStats() }
	m := v.metrics
	m.Gauge("sallyport_quota_accounts", "Callers, tenants and upstreams whose use is counted this month.", func() float64 { return float64(stats().Accounts) })
	m.Gauge("sallyport_quota_unwritten", "Accounts whose use waits to be written into the store.", func() float64 { return float64(stats().Waiting) })
	m.Counter("sallyport_quota_write_failures_total", "Attempts to write use into the store that failed; it is tried again.", func() float64 { return float64(stats().Failures) })
	m.Counter("sallyport_quota_spilled_total", "Requests that were counted in a shared account, because all accounts were in use.", func() float64 { return float64(stats().Spilled) })
	m.CounterOf("sallyport_quota_refusals_total", "Requests that were refused because a quota was used up.", []string{"plan", "window"}, func(add func(float64, ...string)) {
		for at, n := range stats().Refused {
			add(float64(n), at[0], at[1])
		}
	})
	m.CounterOf("sallyport_quota_requests_total", "Requests that were let through under a plan.", []string{"plan"}, func(add func(float64, ...string)) {
		for plan, n := range stats().Passed {
			add(float64(n), plan)
		}
	})
	m.GaugeBy("sallyport_upstream_spent", "What was spent on the upstream of an API in its window.", "api", func(add func(string, float64)) {
		for api, n := range stats().Spent {
			add(api, n)
		}
	})
	m.GaugeBy("sallyport_upstream_spend_cap", "What may be spent on the upstream of an API in its window.", "api", func(add func(string, float64)) {
		for api, n := range stats().Caps {
			add(api, n)
		}
	})
}
