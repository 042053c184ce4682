package alert

import (
	"time"

	"github.com/sallyport/sallyport/config"
)

// defaults ship switched on. A rule of the config with the same name takes the place of one.
var defaults = []config.AlertRule{
	{Name: "control-failing", On: "events", Where: `event.kind == "control.failing"`, By: `event.object`, Severity: "high",
		Summary: "A control cannot do its work", Hint: "The event says which; what it should judge is refused, or not judged, until it works again."},
	{Name: "records-lost", On: "events", Where: `event.kind == "event.dropped"`, By: `event.object`, Severity: "high",
		Summary: "Records or events were lost", Hint: "The sink or the disk takes less than is recorded: sallyport_sink_* and the free space."},
	{Name: "sink-failing", On: "events", Where: `event.kind == "sink.failing"`, By: `event.object`, Severity: "medium",
		Summary: "A sink takes nothing", Hint: "What is meant for it waits in the spool until it is full."},
	{Name: "config-refused", On: "events", Where: `event.kind == "config.refused"`, Severity: "medium",
		Summary: "A new configuration is not used", Hint: "sallyport check names the mistakes; the old one is served."},
	{Name: "admin-refused", On: "events", Where: `event.kind == "admin.refused"`, Count: 5, Within: config.Duration(10 * time.Minute), Severity: "high",
		Summary: "Somebody tries to get into the admin listener"},
	{Name: "credential-guessing", Where: `record.refused && record.code.startsWith("identity.") && record.code != "identity.missing" && record.code != "identity.token_expired" && record.code != "identity.keys_unavailable"`,
		By: `record.client`, Count: 30, Within: config.Duration(5 * time.Minute), Severity: "high",
		Summary: "A client guesses credentials", Hint: "apis[].refusals turns it away; is one account its target, or many?"},
	{Name: "object-enumeration", Where: `record.code == "policy.not_owner"`, By: `has(record.principal) ? record.principal.subject : record.client`, Count: 20, Within: config.Duration(5 * time.Minute), Severity: "high",
		Summary: "Somebody asks for many objects of others", Hint: "API1 of the OWASP list: revoke the key or the session if it is no mistake of a client."},
	{Name: "attack-burst", Where: `record.refused && record.code.startsWith("inspect.") && record.code != "inspect.leak"`, By: `record.client`, Count: 20, Within: config.Duration(5 * time.Minute), Severity: "medium",
		Summary: "A client sends attacks"},
	{Name: "leak-stopped", Where: `record.code == "inspect.leak"`, By: `record.operation`, Severity: "high",
		Summary: "An answer that carries internals was stopped", Hint: "The service behind the operation shows stack traces or errors of its database."},
	{Name: "service-drifts", Where: `record.code == "validate.response" || record.code == "validate.response_status"`, By: `record.operation`, Count: 10, Within: config.Duration(10 * time.Minute), Severity: "medium",
		Summary: "A service answers what the spec does not declare"},
	{Name: "guard-panics", Metric: `increase("sallyport_guard_panics_total") > 0.0`, Within: config.Duration(15 * time.Minute), Severity: "critical",
		Summary: "A guard panicked; its exchanges were refused", Hint: "The log has the stack."},
	{Name: "certificate-expires", Metric: `least("sallyport_tls_certificate_expiry_timestamp_seconds") - now < 7.0 * 86400.0`, Severity: "high",
		Summary: "A certificate of a listener runs out within a week"},
}
