package encode

import (
	"net/netip"
	"strings"

	"github.com/sallyport/sallyport/exchange"
)

// ECSVersion is the version of the Elastic Common Schema that is written.
const ECSVersion = "9.4.0"

type ecsEvent struct {
	Timestamp string        `json:"@timestamp"`
	Message   string        `json:"message,omitempty"`
	ECS       ecsVersion    `json:"ecs"`
	Event     ecsMeta       `json:"event"`
	Observer  ecsObserver   `json:"observer"`
	Service   *ecsName      `json:"service,omitempty"`
	Client    *ecsAddress   `json:"client,omitempty"`
	Source    *ecsAddress   `json:"source,omitempty"`
	User      *ecsUser      `json:"user,omitempty"`
	HTTP      *ecsHTTP      `json:"http,omitempty"`
	URL       *ecsURL       `json:"url,omitempty"`
	UserAgent *ecsUserAgent `json:"user_agent,omitempty"`
	Rule      *ecsRule      `json:"rule,omitempty"`
	Trace     *ecsID        `json:"trace,omitempty"`
	Sallyport *extras       `json:"sallyport,omitempty"` // what ECS has no words for; custom fields begin with the product's name
}

type ecsVersion struct {
	Version string `json:"version"`
}

type ecsMeta struct {
	ID       string   `json:"id"`
	Kind     string   `json:"kind"`
	Category []string `json:"category"`
	Type     []string `json:"type"`
	Action   string   `json:"action,omitempty"`
	Outcome  string   `json:"outcome,omitempty"`
	Code     string   `json:"code,omitempty"`
	Reason   string   `json:"reason,omitempty"`
	Module   string   `json:"module"`
	Severity int      `json:"severity"`
	Duration int64    `json:"duration,omitempty"` // nanoseconds
}

type ecsObserver struct {
	Vendor  string `json:"vendor"`
	Product string `json:"product"`
	Type    string `json:"type"`
}

type ecsName struct {
	Name string `json:"name"`
}

type ecsID struct {
	ID string `json:"id"`
}

type ecsAddress struct {
	Address string `json:"address"`
	IP      string `json:"ip,omitempty"`
}

type ecsUser struct {
	ID    string   `json:"id,omitempty"`
	Name  string   `json:"name,omitempty"`
	Roles []string `json:"roles,omitempty"`
}

type ecsHTTP struct {
	Version  string     `json:"version,omitempty"`
	Request  ecsMessage `json:"request"`
	Response ecsMessage `json:"response"`
}

type ecsMessage struct {
	ID     string   `json:"id,omitempty"`
	Method string   `json:"method,omitempty"`
	Status int      `json:"status_code,omitempty"`
	Body   *ecsBody `json:"body,omitempty"`
}

type ecsBody struct {
	Bytes int64 `json:"bytes"`
}

type ecsURL struct {
	Domain string `json:"domain,omitempty"`
	Path   string `json:"path,omitempty"`
	Query  string `json:"query,omitempty"`
}

type ecsUserAgent struct {
	Original string `json:"original"`
}

type ecsRule struct {
	ID       string `json:"id,omitempty"`
	Name     string `json:"name,omitempty"`
	Category string `json:"category,omitempty"`
}

const ecsTime = "2006-01-02T15:04:05.000Z07:00"

func ecs(b []byte, i Item) []byte {
	if i.Event != nil {
		return appendJSON(b, ecsOfEvent(i.Event))
	}
	return appendJSON(b, ecsOf(i.Record))
}

func ecsOf(r *exchange.Record) *ecsEvent {
	e := &ecsEvent{Timestamp: r.Time.UTC().Format(ecsTime), ECS: ecsVersion{ECSVersion}, Observer: ecsObserver{"Sallyport", "Sallyport", "api-gateway"},
		Event: ecsMeta{ID: r.ID, Kind: "event", Category: []string{"web", "api"}, Type: []string{"access", "allowed"}, Action: r.Operation, Outcome: "success", Module: "sallyport", Severity: number(Severity(r)), Duration: r.Took.Nanoseconds()},
		HTTP:  &ecsHTTP{Version: strings.TrimPrefix(r.Proto, "HTTP/"), Request: ecsMessage{ID: r.ID, Method: r.Method, Body: &ecsBody{r.BytesIn}}, Response: ecsMessage{Status: r.Status, Body: &ecsBody{r.BytesOut}}},
		URL:   &ecsURL{r.Host, r.Path, r.Query}, Sallyport: new(extrasOf(r))}
	if r.API != "" {
		e.Service = &ecsName{r.API}
	}
	if r.Refused {
		e.refused(r)
	}
	if f := worst(r.Findings); f != nil {
		e.Event.Kind, e.Rule = "alert", &ecsRule{ID: f.Rule, Name: f.Message, Category: f.Guard}
	}
	if r.Client != "" {
		e.Client = addressOf(r.Client)
		e.Source = e.Client
	}
	if p := r.Principal; p != nil {
		e.User = &ecsUser{ID: p.Subject, Roles: p.Roles}
	}
	if r.UserAgent != "" {
		e.UserAgent = &ecsUserAgent{r.UserAgent}
	}
	if r.Trace != "" {
		e.Trace = &ecsID{r.Trace}
	}
	return e
}

func (e *ecsEvent) refused(r *exchange.Record) {
	e.Event.Type, e.Event.Outcome, e.Event.Code, e.Event.Reason = []string{"access", "denied"}, "failure", r.Code, r.Detail
	if guard, _, _ := strings.Cut(r.Guard, "."); guard == "identity" {
		e.Event.Category = append(e.Event.Category, "authentication")
	}
	if reason := exchange.Lookup(r.Code); reason != nil {
		e.Message = reason.Help
	}
}

func ecsOfEvent(v *exchange.Event) *ecsEvent {
	e := &ecsEvent{Timestamp: v.Time.UTC().Format(ecsTime), Message: v.Detail, ECS: ecsVersion{ECSVersion}, Observer: ecsObserver{"Sallyport", "Sallyport", "api-gateway"},
		Event:     ecsMeta{ID: v.ID, Kind: "event", Category: []string{"configuration"}, Type: []string{"change"}, Action: v.Kind, Module: "sallyport", Severity: number(v.Severity)},
		Sallyport: &extras{Object: v.Object, Subject: v.Subject, Data: v.Data}}
	if v.Actor != "" {
		e.User = &ecsUser{Name: v.Actor}
	}
	switch kind, _, _ := strings.Cut(v.Kind, "."); {
	case v.Kind == exchange.AdminSignedIn.Name:
		e.Event.Category, e.Event.Type, e.Event.Outcome = []string{"authentication"}, []string{"start"}, "success"
	case v.Kind == exchange.AdminRefused.Name:
		e.Event.Category, e.Event.Type, e.Event.Outcome = []string{"authentication"}, []string{"info"}, "failure"
	case kind == "sink" || kind == "event" || kind == "control" || kind == "alert":
		e.Event.Kind, e.Event.Category, e.Event.Type = "alert", []string{"host"}, []string{"info"}
	}
	return e
}

// addressOf has the address, and says that it is one where it is no pseudonym.
func addressOf(address string) *ecsAddress {
	a := &ecsAddress{Address: address}
	if _, err := netip.ParseAddr(address); err == nil {
		a.IP = address
	}
	return a
}

// number is a severity from 0 to 10, as CEF has it.
func number(s exchange.Severity) int { return []int{1, 3, 5, 8, 10}[max(rank(s), 0)] }
