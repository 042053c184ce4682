package lab

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

var authRoutes = []route{
	{"GET /v1/status", public, getStatus},
	{"POST /v1/auth/login", public, login},
	{"POST /v1/auth/password-reset", public, requestReset},
	{"POST /v1/auth/password-reset/confirm", public, confirmReset},
	{"POST /v1/auth/phone-verification", signedIn, sendPhoneCode},
}

func getStatus(c *call) {
	c.w.Header().Set("Cache-Control", "public, max-age=30")
	c.json(http.StatusOK, map[string]any{"status": "open", "version": "1.14.0", "message": "Free shipping on orders over €99 this week"})
}

// login answers with a token.
// flaw AUTH-1: wrong passwords cost nothing, however many there are.
func login(c *call) {
	var in struct{ Email, Password string }
	if !c.read(&in) {
		return
	}
	who := c.s.byEmail(strings.ToLower(in.Email))
	if who == nil || who.password != in.Password {
		c.problem(http.StatusUnauthorized, "E-mail address or password is wrong")
		return
	}
	if who.Status == "blocked" {
		c.problem(http.StatusForbidden, "This account is blocked; please call us")
		return
	}
	now := time.Now()
	token := c.l.keys.sign(claims{
		Issuer: Issuer, Subject: who.ID, Audience: Audience, ClientID: "web", ID: randomID(), Issued: now.Unix(),
		Expires: now.Add(8 * time.Hour).Unix(), Tenant: who.Tenant, Roles: []string{who.Role}, Scope: scopesOf(who.Role),
	})
	c.w.Header().Set("Cache-Control", "no-store")
	c.json(http.StatusOK, map[string]any{"accessToken": token, "tokenType": "Bearer", "expiresIn": 8 * 60 * 60})
}

// requestReset sends a code.
// flaw AUTH-4: codes are counted up, so that whoever gets one knows the next.
// flaw AUTH-8: the link in the mail is built from a header that the client sends.
func requestReset(c *call) {
	var in struct{ Email string }
	if !c.read(&in) {
		return
	}
	if who := c.s.byEmail(strings.ToLower(in.Email)); who != nil {
		code := fmt.Sprintf("%06d", 418200+c.s.next("reset")*7)
		c.s.codes[who.Email] = code
		host := c.r.Header.Get("X-Forwarded-Host")
		if host == "" {
			host = "www.harborgoods.example"
		}
		c.s.outbox = append(c.s.outbox, mail{who.Email, "Your new password", "Your code is " + code + ". Or follow https://" + host + "/reset?code=" + code})
	}
	c.w.WriteHeader(http.StatusAccepted)
}

func confirmReset(c *call) {
	var in struct{ Email, Code, NewPassword string }
	if !c.read(&in) {
		return
	}
	who := c.s.byEmail(strings.ToLower(in.Email))
	if who == nil || in.Code == "" || c.s.codes[who.Email] != in.Code {
		c.problem(http.StatusBadRequest, "The code is wrong or too old")
		return
	}
	delete(c.s.codes, who.Email)
	who.password = in.NewPassword
	c.w.WriteHeader(http.StatusNoContent)
}

// sendPhoneCode sends an SMS.
// flaw DOS-5: every call costs the shop an SMS.
func sendPhoneCode(c *call) {
	who := c.s.customers[c.me.ID]
	if who == nil || who.Phone == "" {
		c.missing("telephone number")
		return
	}
	who.texts++
	c.json(http.StatusAccepted, map[string]any{"phone": "…" + who.Phone[len(who.Phone)-3:], "expiresAt": c.s.clock.Add(10 * time.Minute).Format(time.RFC3339)})
}
