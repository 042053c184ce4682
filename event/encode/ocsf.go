package encode

import (
	"net/netip"
	"strings"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// OCSFVersion is the version of the Open Cybersecurity Schema Framework that is written. The tests validate against it.
const OCSFVersion = "1.8.0"

// Classes of OCSF.
const (
	detectionFinding    = 2004
	dataSecurityFinding = 2006
	authentication      = 3002
	httpActivity        = 4002
	apiActivity         = 6003
)

var classNames = map[int]string{detectionFinding: "Detection Finding", dataSecurityFinding: "Data Security Finding", authentication: "Authentication", httpActivity: "HTTP Activity", apiActivity: "API Activity"}

// ocsf writes one class for each kind of record: who could not be identified is Authentication; what leaked or was masked is a Data
// Security Finding; what inspection found is a Detection Finding; other exchanges are API Activity, or HTTP Activity where
// nothing of the API matched. See ocsf_event.go for events.
func ocsf(b []byte, i Item) []byte {
	if i.Event != nil {
		return appendJSON(b, ocsfOfEvent(i.Event))
	}
	return appendJSON(b, ocsfOf(i.Record))
}

func classOf(r *exchange.Record) int {
	switch guard, _, _ := strings.Cut(r.Guard, "."); {
	case r.Refused && guard == "identity":
		return authentication
	case r.Code == exchange.Leak.Code || found(r, "inspect.response", "protect.mask", "protect.filter"):
		return dataSecurityFinding
	case r.Refused && guard == "inspect" || len(r.Findings) > 0:
		return detectionFinding
	case r.Operation == "":
		return httpActivity
	}
	return apiActivity
}

func found(r *exchange.Record, guards ...string) bool {
	for i := range r.Findings {
		for _, g := range guards {
			if r.Findings[i].Guard == g {
				return true
			}
		}
	}
	return false
}

func ocsfOf(r *exchange.Record) *ocsfEvent {
	class := classOf(r)
	e := newOCSF(class, activityOf(class, r), r.ID, r.Time, Severity(r))
	e.Duration = r.Took.Milliseconds()
	e.EndTime = r.Time.Add(r.Took).UnixMilli()
	e.verdict(r)
	e.Unmapped = extrasOf(r)
	switch class {
	case detectionFinding:
		e.finding(r)
		e.Evidences = []ocsfEvidence{{Actor: actorOf(r), API: apiOf(r), Request: requestOf(r), Response: responseOf(r), Source: sourceOf(r), Destination: destinationOf(r)}}
	case dataSecurityFinding:
		e.finding(r)
		e.Actor, e.Source, e.Destination = actorOf(r), sourceOf(r), destinationOf(r)
	case authentication:
		e.User, e.Service = &ocsfUser{Name: "unknown", Type: "Unknown"}, &ocsfEntity{Name: r.API}
		e.Request, e.Response, e.Source, e.Destination = requestOf(r), responseOf(r), sourceOf(r), destinationOf(r)
	case httpActivity:
		e.Request, e.Response, e.Source, e.Destination = requestOf(r), responseOf(r), sourceOf(r), destinationOf(r)
	default:
		e.Actor, e.API = actorOf(r), apiOf(r)
		e.Request, e.Response, e.Source, e.Destination = requestOf(r), responseOf(r), sourceOf(r), destinationOf(r)
	}
	return e
}

// activity is an activity_id with its caption.
type activity struct {
	id   int
	name string
}

var (
	apiActivities  = map[string]activity{"POST": {1, "Create"}, "GET": {2, "Read"}, "HEAD": {2, "Read"}, "PUT": {3, "Update"}, "PATCH": {3, "Update"}, "DELETE": {4, "Delete"}}
	httpActivities = map[string]activity{"CONNECT": {1, "Connect"}, "DELETE": {2, "Delete"}, "GET": {3, "Get"}, "HEAD": {4, "Head"}, "OPTIONS": {5, "Options"}, "POST": {6, "Post"}, "PUT": {7, "Put"}, "TRACE": {8, "Trace"}, "PATCH": {9, "Patch"}}
	other          = activity{99, "Other"}
)

func activityOf(class int, r *exchange.Record) activity {
	known := apiActivities
	switch class {
	case detectionFinding, dataSecurityFinding:
		return activity{1, "Create"}
	case authentication:
		return activity{1, "Logon"}
	case httpActivity:
		known = httpActivities
	}
	if a, ok := known[r.Method]; ok {
		return a
	}
	return other
}

var ocsfSeverities = map[exchange.Severity]activity{exchange.Info: {1, "Informational"}, exchange.Low: {2, "Low"}, exchange.Medium: {3, "Medium"}, exchange.High: {4, "High"}, exchange.Critical: {5, "Critical"}}

func newOCSF(class int, a activity, id string, at time.Time, s exchange.Severity) *ocsfEvent {
	severity := ocsfSeverities[s]
	return &ocsfEvent{ActivityID: a.id, ActivityName: a.name, CategoryUID: class / 1000, ClassUID: class, ClassName: classNames[class], TypeUID: class*100 + a.id, TypeName: classNames[class] + ": " + a.name,
		Time: at.UnixMilli(), SeverityID: severity.id, Severity: severity.name,
		Metadata: ocsfMetadata{Version: OCSFVersion, UID: id, Product: ocsfProduct{Name: "Sallyport", VendorName: "Sallyport"}, Profiles: []string{"security_control"}}}
}

// verdict says what the gateway did, in the words of the security control profile.
func (e *ocsfEvent) verdict(r *exchange.Record) {
	finding := e.CategoryUID == 2
	e.ActionID, e.Action, e.DispositionID, e.Disposition = 1, "Allowed", 1, "Allowed"
	if !finding {
		e.StatusID, e.Status = 1, "Success"
	}
	if !r.Refused {
		if finding {
			e.StatusID, e.Status, e.DispositionID, e.Disposition, e.ActionID, e.Action = 1, "New", 15, "Detected", 3, "Observed"
		}
		return
	}
	e.ActionID, e.Action, e.DispositionID, e.Disposition = 2, "Denied", 2, "Blocked"
	if e.StatusID, e.Status = 2, "Failure"; finding {
		e.StatusID, e.Status = 1, "New"
	}
	e.StatusCode, e.StatusDetail = r.Code, r.Detail
	e.Policy = &ocsfEntity{Name: r.Guard, UID: r.Code}
	if reason := exchange.Lookup(r.Code); reason != nil {
		e.Message = reason.Help
	}
}

// finding describes what was found: the refusal, or the worst finding.
func (e *ocsfEvent) finding(r *exchange.Record) {
	info := &ocsfFinding{UID: r.ID, Title: r.Code, Desc: r.Detail, Types: []string{}}
	if reason := exchange.Lookup(r.Code); reason != nil {
		info.Title, info.Types = reason.Help, append(info.Types, r.Code)
	}
	if f := worst(r.Findings); f != nil {
		info.Analytic = &ocsfAnalytic{UID: f.Rule, Name: f.Guard, TypeID: 1, Type: "Rule"}
		if !r.Refused {
			info.Title, info.Types = f.Message, append(info.Types, f.Rule)
		}
	}
	e.FindingInfo = info
	e.IsAlert = new(rank(Severity(r)) >= rank(exchange.Medium))
}

func worst(list []exchange.Finding) (f *exchange.Finding) {
	for i := range list {
		if f == nil || rank(list[i].Severity) > rank(f.Severity) {
			f = &list[i]
		}
	}
	return f
}

func actorOf(r *exchange.Record) *ocsfActor {
	p := r.Principal
	if p == nil {
		return &ocsfActor{User: &ocsfUser{Name: "anonymous", Type: "Unknown"}}
	}
	user := &ocsfUser{UID: p.Subject, TypeID: 1, Type: "User"}
	if p.Subject == "" { // dropped, or erased
		user.Name = "withheld"
	}
	for _, role := range p.Roles {
		user.Groups = append(user.Groups, ocsfEntity{Name: role})
	}
	a := &ocsfActor{User: user, IDP: &ocsfIDP{Name: p.Issuer, Protocol: p.Kind, Tenant: p.Tenant}}
	if p.Issuer == "" {
		a.IDP = nil
	}
	return a
}

func apiOf(r *exchange.Record) *ocsfAPI {
	operation := r.Operation
	if operation == "" {
		operation = "unknown"
	}
	return &ocsfAPI{Operation: operation, Service: &ocsfEntity{Name: r.API}, Request: &ocsfUID{UID: r.ID}}
}

func requestOf(r *exchange.Record) *ocsfRequest {
	q := &ocsfRequest{UID: r.ID, UserAgent: r.UserAgent, Version: r.Proto, BodyLength: r.BytesIn}
	if _, ok := httpActivities[r.Method]; ok {
		q.Method = r.Method
	}
	if r.Path != "" {
		q.URL = &ocsfURL{Hostname: r.Host, Path: r.Path, Query: r.Query}
	}
	return q
}

func responseOf(r *exchange.Record) *ocsfResponse {
	return &ocsfResponse{Code: r.Status, BodyLength: r.BytesOut, Latency: r.Took.Milliseconds()}
}

// sourceOf is the client; an address that is a pseudonym is a name and no address.
func sourceOf(r *exchange.Record) *ocsfEndpoint {
	e := &ocsfEndpoint{}
	if _, err := netip.ParseAddr(r.Client); err == nil {
		e.IP = r.Client
	} else if e.UID = r.Client; e.UID == "" {
		e.Name = "withheld"
	}
	return e
}

func destinationOf(r *exchange.Record) *ocsfEndpoint {
	e := &ocsfEndpoint{Hostname: r.Host, Service: r.API}
	if r.Host == "" && r.API == "" {
		e.Name = "sallyport"
	}
	return e
}
