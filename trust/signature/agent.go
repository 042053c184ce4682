package signature

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// Agent is the Signature-Agent that the signature covers, as an origin ("https://agent.example"): whose keys it says are to verify
// it (draft-ietf-webbotauth-httpsig-protocol-00, Signature-Agent). The field is a dictionary of URLs, of which the signature covers the
// member with its own label, or only one; or, from signers of earlier drafts, one string.
func (s *Signature) Agent(h http.Header) (string, error) {
	key, whole, err := s.agentMember()
	if err != nil {
		return "", err
	}
	text := strings.Join(h["Signature-Agent"], ", ")
	if len(text) > MaxField {
		return "", errors.New("Signature-Agent is too long")
	}
	if whole {
		text = key + "=" + text // the one string, as what it would be today
	}
	members, err := parseDictionary(text)
	if err != nil {
		return "", errors.New("Signature-Agent: " + err.Error())
	}
	for _, m := range members {
		if m.key == key && (!whole || len(members) == 1) {
			return m.agent()
		}
	}
	return "", errors.New("Signature-Agent has no member " + key)
}

// agentMember is the key of the member of Signature-Agent that is covered; or whole, where all of it is.
func (s *Signature) agentMember() (key string, whole bool, err error) {
	n := 0
	for _, c := range s.covered {
		if c.value != "signature-agent" {
			continue
		}
		if len(c.params) == 0 {
			return s.Label, true, nil
		}
		of, _ := c.params[0].value.(string)
		if of == s.Label {
			return of, false, nil
		}
		key = of
		n++
	}
	if n != 1 {
		return "", false, errors.New("it covers no Signature-Agent of its own")
	}
	return key, false, nil
}

// agent is the origin that a member names. Other ways to find keys than the directory of an origin are not understood.
func (m member) agent() (string, error) {
	text, ok := m.value.(string)
	if !ok || m.inner {
		return "", errors.New("Signature-Agent is no string")
	}
	for _, p := range m.params {
		if p.key == "type" && p.value != token("directory") {
			return "", errors.New("the type of Signature-Agent is not understood")
		}
	}
	return Origin(text)
}

// Origin is the one way to write the origin of an https URL that has nothing else.
func Origin(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return "", errors.New("not the origin of an https URL")
	}
	return "https://" + strings.TrimSuffix(strings.ToLower(u.Host), ":443"), nil
}
