package agent

import (
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/trust/signature"
)

// Bounds of signatures. Signatures are made for the request that is sent: an old one is somebody else's, whatever its end is.
const (
	tag          = "web-bot-auth"
	longest      = 5 * time.Minute  // from created on
	skew         = 30 * time.Second // of clocks
	mostJudged   = 2                // signatures of a request
	mostUsed     = 250_000          // in longest, of all signers together
	mostLifetime = 24 * time.Hour   // between created and expires
)

// Error is a setting of agents that cannot be used. Setting is its key in the config.
type Error struct {
	Setting string
	Err     error
}

func (e *Error) Error() string { return e.Setting + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// A signer is somebody who signs, with the keys that it has published.
type signer struct {
	origin string
	agent  *exchange.Agent
	keys   *directory
}

func (a *Agents) addSigners(list []config.Signer) error {
	var errs []error
	for i, c := range list {
		at := fmt.Sprintf("abuse.agents.signers[%d]", i)
		origin, err := signature.Origin(c.URL)
		if err != nil {
			errs = append(errs, &Error{at + ".url", fmt.Errorf("%q is %w", c.URL, err)})
			continue
		}
		if a.signers[origin] != nil {
			errs = append(errs, &Error{at + ".url", errors.New(origin + " is listed before")})
			continue
		}
		keys, err := a.memory.directory(origin, c)
		if err != nil {
			errs = append(errs, &Error{at + ".keys", err})
			continue
		}
		a.signers[origin] = &signer{origin, &exchange.Agent{Name: c.Name, How: "signature"}, keys}
	}
	return errors.Join(errs...)
}

// signed sets the agent that has signed the request, or notes why its signatures prove nothing. Signatures with another tag are
// for somebody else.
func (a *Agents) signed(e *exchange.Exchange) {
	list, err := signature.Parse(e.Request.Header)
	if err != nil {
		note(e, "unread", exchange.Info, err)
		return
	}
	judged := 0
	for i := range list {
		s := &list[i]
		if s.Tag != tag || judged == mostJudged {
			continue
		}
		judged++
		who, err := a.judge(e, s)
		if err == nil {
			e.Agent = who.agent
			return
		}
		if unknown := (*unknownError)(nil); errors.As(err, &unknown) {
			note(e, "unknown", exchange.Info, err)
			continue
		}
		note(e, "invalid", exchange.Low, err)
	}
}

// unknownError is that of a signature of which nobody can say whether it is good.
type unknownError struct{ text string }

func (e *unknownError) Error() string { return e.text }

// judge verifies a signature: by the keys of the signer whose URL it covers, and by no others (Validating Message Signature).
func (a *Agents) judge(e *exchange.Exchange, s *signature.Signature) (*signer, error) {
	origin, err := s.Agent(e.Request.Header)
	if err != nil {
		return nil, err
	}
	who := a.signers[origin]
	if who == nil {
		return nil, &unknownError{origin + " is none of abuse.agents.signers"}
	}
	if !s.Covers("@authority") && !s.Covers("@target-uri") {
		return nil, errors.New("it does not say for which host it is")
	}
	now := a.memory.now()
	if err := fresh(s, now); err != nil {
		return nil, err
	}
	ring := who.keys.ring(now)
	if ring == nil {
		return nil, &unknownError{"the keys of " + origin + " could not be fetched"}
	}
	key := ring.Key(s.KeyID, now)
	if key == nil {
		who.keys.hurry()
		return nil, &unknownError{origin + " has no such key now"}
	}
	base, err := s.Base(message(e))
	if err != nil {
		return nil, err
	}
	if err := s.Verify(base, key); err != nil {
		return nil, err
	}
	return who, a.memory.used.Use(e.Request.Context(), now, s.KeyID, unique(s, base))
}

// unique is what a signer may use only once: a nonce, or, where it has none, what it has signed.
func unique(s *signature.Signature, base string) string {
	if s.Nonce != "" {
		return s.Nonce
	}
	return base
}

// fresh judges the times of a signature.
func fresh(s *signature.Signature, now time.Time) error {
	created, expires := time.Unix(s.Created, 0), time.Unix(s.Expires, 0)
	switch {
	case s.Created <= 0 || s.Expires <= 0:
		return errors.New("it does not say from when until when it holds")
	case expires.Before(created) || expires.Sub(created) > mostLifetime:
		return errors.New("it holds for less than nothing, or for more than a day")
	case created.After(now.Add(skew)):
		return errors.New("it is from the future")
	case now.After(expires.Add(skew)) || now.After(created.Add(longest+skew)):
		return errors.New("it is over, or was made more than five minutes ago")
	}
	return nil
}

// message is what was signed. A target in absolute form has no path of its own, and so verifies nothing that covers it.
func message(e *exchange.Exchange) *signature.Message {
	m := &signature.Message{Method: e.Request.Method, Scheme: "http", Authority: e.Request.Host, Target: e.Request.RequestURI, Header: e.Request.Header}
	if e.Client.TLS {
		m.Scheme = "https"
	}
	return m
}

func note(e *exchange.Exchange, rule string, s exchange.Severity, err error) {
	e.Findings = append(e.Findings, exchange.Finding{Guard: guard, Rule: "signature." + rule, Message: "The signature of an agent proves nothing: " + err.Error(), Field: "header.signature", Severity: s})
}
