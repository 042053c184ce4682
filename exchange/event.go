package exchange

import "time"

// An Event is something that happened beside the exchanges and that somebody will ask about: an act of an
// administrator, a change of the configuration or of a key, a loss, a control that fails, an alert. It carries no
// secret, is immutable, and may be kept by several sinks. Persons are named by Actor, Subject and Words alone: the rest is
// kept in clear, and for ever where there is an audit log.
type Event struct {
	ID       string            `json:"id"`
	Time     time.Time         `json:"time"`
	Kind     string            `json:"kind"` // of the list of kinds: "config.applied"
	Severity Severity          `json:"severity"`
	Actor    string            `json:"actor,omitempty"`   // who did it: "cli", "admin:alice"; "" is the gateway itself
	By       []byte            `json:"by,omitempty"`      // where events are kept: the actor, sealed, of what concerns somebody else
	Object   string            `json:"object,omitempty"`  // what it was done to: id of a key, name of a sink, of an API
	Subject  string            `json:"subject,omitempty"` // the person whom it concerns, as in [Principal]; of an administrator "admin:bob"
	Words    string            `json:"words,omitempty"`   // what somebody wrote with it; it may name anybody
	Detail   string            `json:"detail"`            // a sentence for people
	Data     map[string]string `json:"data,omitempty"`    // figures and hashes, by name
}

// NewEvent is an event of now. An unknown kind is a mistake in the program.
func NewEvent(k *Kind, detail string) *Event {
	now := time.Now().UTC()
	return &Event{ID: NewID(now), Time: now, Kind: k.Name, Severity: k.Severity, Detail: detail}
}

// A Kind is one entry of the list of events.
type Kind struct {
	Name     string   `json:"name"` // stable: "config.applied"
	Severity Severity `json:"severity"`
	Help     string   `json:"help"` // for the operator: what it means and what to do
}

// Kinds lists every kind of event.
func Kinds() []*Kind { return kinds }

var kinds []*Kind

func kind(name string, s Severity, help string) *Kind {
	k := &Kind{name, s, help}
	kinds = append(kinds, k)
	return k
}

// The gateway and its configuration.
var (
	GatewayStarted = kind("gateway.started", Info, "A process began to serve. Data has its version.")
	GatewayStopped = kind("gateway.stopped", Info, "A process stopped serving.")
	ConfigApplied  = kind("config.applied", Info, "A configuration was taken into use. Data has the hashes of config, specs and rules.")
	ConfigRefused  = kind("config.refused", Medium, "A new configuration has mistakes; the old one is served. The detail has the first of them.")
)

// What administrators do.
var (
	AdminAct      = kind("admin.act", Info, "Somebody changed something through the admin API or the dashboard.")
	AdminSignedIn = kind("admin.signed_in", Info, "Somebody signed in to the dashboard.")
	AdminRefused  = kind("admin.refused", Medium, "A sign-in, a token or an act was refused.")
	KeyCreated    = kind("key.created", Info, "An API key was created.")
	KeyRotated    = kind("key.rotated", Info, "An API key was replaced by a new one.")
	KeyRevoked    = kind("key.revoked", Info, "An API key was ended.")
	AuditPruned   = kind("audit.pruned", Info, "Leaves of the audit log that were older than audit.retention are deleted; their hashes stay. Data has the index of the first that is kept.")
	RootRotated   = kind("root.rotated", Info, "The root key of what is sealed in the store was replaced.")
	Erased        = kind("subject.erased", Info, "The key of a person's data was destroyed: what is kept about the person cannot be read any more.")
)

// Clients.
var (
	BanBegan  = kind("ban.began", Medium, "A client is shut out for a while: it went on after it was turned away, or somebody banned it. Data has until when, and how often it was banned before.")
	Condensed = kind("audit.condensed", Info, "So many clients were turned away at the door that not every refusal has a leaf of its own in the audit log. Data has how many; counts and metrics are whole.")
	BanEnded  = kind("ban.ended", Info, "Somebody ended the ban of a client before its time.")
)

// What goes wrong.
var (
	SinkFailing    = kind("sink.failing", High, "A sink takes nothing; what is meant for it waits in the spool.")
	SinkRecovered  = kind("sink.recovered", Info, "A sink takes again what is meant for it.")
	Dropped        = kind("event.dropped", High, "Records or events were lost. Data has how many, for which sink, and why.")
	ControlFailing = kind("control.failing", High, "A control cannot do its work: a key set that cannot be fetched, an upstream that is down, a store that takes nothing.")
	ControlHealthy = kind("control.healthy", Info, "A control that failed works again.")
	AlertRaised    = kind("alert.raised", High, "The condition of an alert is met.")
	AlertResolved  = kind("alert.resolved", Info, "The condition of an alert is no longer met.")
)
