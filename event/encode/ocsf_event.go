package encode

import (
	"strings"

	"github.com/sallyport/sallyport/exchange"
)

// ocsfOfEvent writes sign-ins as Authentication, what goes wrong as a Detection Finding that is opened or closed, and what
// somebody did as API Activity.
func ocsfOfEvent(e *exchange.Event) *ocsfEvent {
	switch e.Kind {
	case exchange.AdminSignedIn.Name, exchange.AdminRefused.Name:
		o := eventOf(e, authentication, activity{1, "Logon"})
		o.User, o.Service = userOf(e.Actor), &ocsfEntity{Name: "sallyport admin"}
		if o.StatusID, o.Status = 1, "Success"; e.Kind == exchange.AdminRefused.Name {
			o.StatusID, o.Status, o.StatusDetail = 2, "Failure", e.Detail
		}
		return o
	case exchange.SinkFailing.Name, exchange.Dropped.Name, exchange.ControlFailing.Name, exchange.AlertRaised.Name, exchange.ConfigRefused.Name:
		return trouble(e, activity{1, "Create"}, 1, "New")
	case exchange.SinkRecovered.Name, exchange.ControlHealthy.Name, exchange.AlertResolved.Name:
		return trouble(e, activity{3, "Close"}, 4, "Resolved")
	}
	o := eventOf(e, apiActivity, actOf(e.Kind))
	o.API, o.Actor = &ocsfAPI{Operation: e.Kind, Service: &ocsfEntity{Name: "sallyport"}, Request: &ocsfUID{UID: e.ID}}, &ocsfActor{User: userOf(e.Actor)}
	o.Source, o.StatusID, o.Status = &ocsfEndpoint{Service: "sallyport"}, 1, "Success"
	return o
}

func eventOf(e *exchange.Event, class int, a activity) *ocsfEvent {
	o := newOCSF(class, a, e.ID, e.Time, e.Severity)
	o.Metadata.Profiles = []string{}
	o.Message = e.Detail
	o.Unmapped = &extras{Object: e.Object, Subject: e.Subject, Data: e.Data}
	return o
}

func trouble(e *exchange.Event, a activity, status int, name string) *ocsfEvent {
	o := eventOf(e, detectionFinding, a)
	o.StatusID, o.Status = status, name
	// What opens and what closes a finding have its id in common.
	kind, _, _ := strings.Cut(e.Kind, ".")
	o.FindingInfo = &ocsfFinding{UID: strings.Trim(kind+"/"+e.Object, "/"), Title: e.Kind, Desc: e.Detail, Types: []string{e.Kind}}
	return o
}

func userOf(actor string) *ocsfUser {
	if actor == "" {
		return &ocsfUser{Name: "sallyport", TypeID: 3, Type: "System"}
	}
	return &ocsfUser{Name: actor, TypeID: 2, Type: "Admin"}
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
