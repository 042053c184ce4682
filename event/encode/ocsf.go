package encode

import (
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
// nothing of the API matched. See ocsf_event.go for events, and ocsf_objects.go for what classes have in common.
func ocsf(b []byte, i Item) []byte {
	e := ocsfDocument{document{append(b, '{')}}
	if i.Event != nil {
		e.event(i.Event)
	} else {
		e.record(i.Record)
	}
	e.end()
	return e.b
}

type ocsfDocument struct{ document }

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

func (e *ocsfDocument) record(r *exchange.Record) {
	class, severity := classOf(r), Severity(r)
	e.head(class, activityOf(class, r), r.Time, severity)
	e.number("end_time", r.Time.Add(r.Took).UnixMilli())
	e.number("duration", r.Took.Milliseconds())
	e.metadata(r.ID, "security_control")
	e.verdict(class, r)
	switch class {
	case detectionFinding:
		e.finding(r, severity)
		e.name("evidences")
		e.b = append(e.b, '[', '{')
		e.actor(r)
		e.api(r)
		e.traffic(r)
		e.b = append(e.b, '}', ']')
	case dataSecurityFinding:
		e.finding(r, severity)
		e.actor(r)
		e.source(r)
		e.destination(r)
	case authentication:
		e.user("unknown", "", 0, "Unknown")
		e.entity("service", r.API)
		e.traffic(r)
	case httpActivity:
		e.traffic(r)
	default:
		e.actor(r)
		e.api(r)
		e.traffic(r)
	}
	x := extrasOf(r)
	e.unmapped(&x)
}

func (e *ocsfDocument) unmapped(x *extras) {
	e.object("unmapped")
	x.members(&e.document)
	e.end()
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

// head says what it is, when, and how bad.
func (e *ocsfDocument) head(class int, a activity, at time.Time, s exchange.Severity) {
	e.choice(a, "activity_id", "activity_name")
	e.count("category_uid", int64(class/1000))
	e.choice(activity{class, classNames[class]}, "class_uid", "class_name")
	e.choice(activity{class*100 + a.id, classNames[class] + ": " + a.name}, "type_uid", "type_name")
	e.count("time", at.UnixMilli())
	e.choice(ocsfSeverities[s], "severity_id", "severity")
}

// verdict says what the gateway did, in the words of the security control profile.
func (e *ocsfDocument) verdict(class int, r *exchange.Record) {
	action, disposition, status := activity{1, "Allowed"}, activity{1, "Allowed"}, activity{1, "Success"}
	finding := class/1000 == 2
	switch {
	case r.Refused:
		action, disposition, status = activity{2, "Denied"}, activity{2, "Blocked"}, activity{2, "Failure"}
	case finding:
		action, disposition = activity{3, "Observed"}, activity{15, "Detected"}
	}
	if finding {
		status = activity{1, "New"}
	}
	e.choice(status, "status_id", "status")
	e.choice(action, "action_id", "action")
	e.choice(disposition, "disposition_id", "disposition")
	if !r.Refused {
		return
	}
	e.text("status_code", r.Code)
	e.text("status_detail", r.Detail)
	e.object("policy")
	e.text("name", r.Guard)
	e.text("uid", r.Code)
	e.end()
	if reason := exchange.Lookup(r.Code); reason != nil {
		e.text("message", reason.Help)
	}
}
