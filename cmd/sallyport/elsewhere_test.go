package main

// elsewhereTested names the reasons that no story tells yet, with the test file that produces their verdict.
func elsewhereTested() map[string]string {
	return map[string]string{
		"protocol.framing":          "listen/check_test.go",
		"gateway.internal":          "gateway/failclosed_test.go",
		"gateway.not_ready":         "gateway/failclosed_test.go",
		"limit.admit":               "limit/rules_test.go",
		"limit.key":                 "limit/rules_test.go",
		"limit.concurrency":         "limit/rules_test.go",
		"identity.keys_unavailable": "identity/keyset_test.go",
		"content.incomplete":        "content/body_test.go",
		"inspect.attack":            "inspect/guard_test.go",
		"inspect.too_large":         "inspect/guard_test.go",
		"forward.timeout":           "forward/roundtrip_test.go",
		"forward.breaker_open":      "forward/roundtrip_test.go",
		"forward.broken":            "forward/roundtrip_test.go",
	}
}
