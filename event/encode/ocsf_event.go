package encode

import (
	"strings"

	"github.com/sallyport/sallyport/exchange"
)

// event writes sign-ins as Authentication, what goes wrong as a Detection Finding that is opened or closed, and what
// somebody did as API Activity.
func (e *ocsfDocument) event(v *exchange.Event) {
	switch v.Kind {
	case exchange.AdminSignedIn.Name, exchange.AdminRefused.Name:
		e.signIn(v)
	case exchange.SinkFailing.Name, exchange.Dropped.Name, exchange.ControlFailing.Name, exchange.AlertRaised.Name, exchange.ConfigRefused.Name:
		e.trouble(v, activity{1, "Create"}, activity{1, "New"})
	case exchange.SinkRecovered.Name, exchange.ControlHealthy.Name, exchange.AlertResolved.Name:
		e.trouble(v, activity{3, "Close"}, activity{4, "Resolved"})
	default:
		e.act(v)
	}
	e.unmapped(&extras{Object: v.Object, Subject: v.Subject, Data: v.Data})
}

// about is what all classes of events have.
func (e *ocsfDocument) about(v *exchange.Event, class int, a, status activity) {
	e.head(class, a, v.Time, v.Severity)
	e.choice(status, "status_id", "status")
	e.text("message", v.Detail)
	e.metadata(v.ID)
}

func (e *ocsfDocument) signIn(v *exchange.Event) {
	status := activity{1, "Success"}
	if v.Kind == exchange.AdminRefused.Name {
		status = activity{2, "Failure"}
		defer e.text("status_detail", v.Detail)
	}
	e.about(v, authentication, activity{1, "Logon"}, status)
	e.whoever(v.Actor)
	e.entity("service", "sallyport admin")
}

func (e *ocsfDocument) act(v *exchange.Event) {
	e.about(v, apiActivity, actOf(v.Kind), activity{1, "Success"})
	e.object("actor")
	e.whoever(v.Actor)
	e.end()
	e.call(v.Kind, "sallyport", v.ID)
	e.object("src_endpoint")
	e.always("svc_name", "sallyport")
	e.end()
}

func (e *ocsfDocument) trouble(v *exchange.Event, a, status activity) {
	e.about(v, detectionFinding, a, status)
	// What opens and what closes a finding have its id in common.
	kind, _, _ := strings.Cut(v.Kind, ".")
	e.object("finding_info")
	e.always("uid", strings.Trim(kind+"/"+v.Object, "/"))
	e.always("title", v.Kind)
	e.text("desc", v.Detail)
	e.texts("types", v.Kind)
	e.end()
}

func (e *ocsfDocument) whoever(actor string) {
	if actor == "" {
		e.user("sallyport", "", 3, "System")
		return
	}
	e.user(actor, "", 2, "Admin")
}

func actOf(kind string) activity {
	switch kind {
	case exchange.KeyCreated.Name:
		return activity{1, "Create"}
	case exchange.KeyRevoked.Name, exchange.Erased.Name:
		return activity{4, "Delete"}
	case exchange.ConfigApplied.Name, exchange.KeyRotated.Name, exchange.AdminAct.Name:
		return activity{3, "Update"}
	}
	return other
}
