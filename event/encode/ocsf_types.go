package encode

import "github.com/sallyport/sallyport/exchange"

// ocsfEvent has what we say of the classes that we write. What a class does not have stays empty, and is left out.
type ocsfEvent struct {
	ActivityID    int            `json:"activity_id"`
	ActivityName  string         `json:"activity_name"`
	CategoryUID   int            `json:"category_uid"`
	ClassUID      int            `json:"class_uid"`
	ClassName     string         `json:"class_name"`
	TypeUID       int            `json:"type_uid"`
	TypeName      string         `json:"type_name"`
	Time          int64          `json:"time"` // milliseconds
	EndTime       int64          `json:"end_time,omitempty"`
	Duration      int64          `json:"duration,omitempty"` // milliseconds
	SeverityID    int            `json:"severity_id"`
	Severity      string         `json:"severity"`
	StatusID      int            `json:"status_id,omitempty"`
	Status        string         `json:"status,omitempty"`
	StatusCode    string         `json:"status_code,omitempty"`
	StatusDetail  string         `json:"status_detail,omitempty"`
	Message       string         `json:"message,omitempty"`
	Metadata      ocsfMetadata   `json:"metadata"`
	ActionID      int            `json:"action_id,omitempty"`
	Action        string         `json:"action,omitempty"`
	DispositionID int            `json:"disposition_id,omitempty"`
	Disposition   string         `json:"disposition,omitempty"`
	IsAlert       *bool          `json:"is_alert,omitempty"`
	Policy        *ocsfEntity    `json:"policy,omitempty"`
	FindingInfo   *ocsfFinding   `json:"finding_info,omitempty"`
	Actor         *ocsfActor     `json:"actor,omitempty"`
	User          *ocsfUser      `json:"user,omitempty"`
	Service       *ocsfEntity    `json:"service,omitempty"`
	API           *ocsfAPI       `json:"api,omitempty"`
	Request       *ocsfRequest   `json:"http_request,omitempty"`
	Response      *ocsfResponse  `json:"http_response,omitempty"`
	Source        *ocsfEndpoint  `json:"src_endpoint,omitempty"`
	Destination   *ocsfEndpoint  `json:"dst_endpoint,omitempty"`
	Evidences     []ocsfEvidence `json:"evidences,omitempty"`
	Unmapped      *extras        `json:"unmapped,omitempty"`
}

type ocsfMetadata struct {
	Version  string      `json:"version"`
	UID      string      `json:"uid"`
	Product  ocsfProduct `json:"product"`
	Profiles []string    `json:"profiles"`
}

type ocsfProduct struct {
	Name       string `json:"name"`
	VendorName string `json:"vendor_name"`
}

type ocsfEntity struct {
	Name string `json:"name,omitempty"`
	UID  string `json:"uid,omitempty"`
}

type ocsfUID struct {
	UID string `json:"uid"`
}

type ocsfUser struct {
	Name   string       `json:"name,omitempty"`
	UID    string       `json:"uid,omitempty"`
	TypeID int          `json:"type_id"`
	Type   string       `json:"type"`
	Groups []ocsfEntity `json:"groups,omitempty"`
}

type ocsfActor struct {
	User *ocsfUser `json:"user,omitempty"`
	IDP  *ocsfIDP  `json:"idp,omitempty"`
}

type ocsfIDP struct {
	Name     string `json:"name"`
	Protocol string `json:"protocol_name,omitempty"`
	Tenant   string `json:"tenant_uid,omitempty"`
}

type ocsfAPI struct {
	Operation string      `json:"operation"`
	Service   *ocsfEntity `json:"service,omitempty"`
	Request   *ocsfUID    `json:"request,omitempty"`
}

type ocsfRequest struct {
	UID        string   `json:"uid"`
	Method     string   `json:"http_method,omitempty"`
	URL        *ocsfURL `json:"url,omitempty"`
	UserAgent  string   `json:"user_agent,omitempty"`
	Version    string   `json:"version,omitempty"`
	BodyLength int64    `json:"body_length,omitempty"`
}

type ocsfURL struct {
	Hostname string `json:"hostname,omitempty"`
	Path     string `json:"path"`
	Query    string `json:"query_string,omitempty"`
}

type ocsfResponse struct {
	Code       int   `json:"code"`
	BodyLength int64 `json:"body_length,omitempty"`
	Latency    int64 `json:"latency,omitempty"` // milliseconds
}

type ocsfEndpoint struct {
	IP       string `json:"ip,omitempty"`
	UID      string `json:"uid,omitempty"`
	Name     string `json:"name,omitempty"`
	Hostname string `json:"hostname,omitempty"`
	Service  string `json:"svc_name,omitempty"`
}

type ocsfFinding struct {
	UID      string        `json:"uid"`
	Title    string        `json:"title"`
	Desc     string        `json:"desc,omitempty"`
	Types    []string      `json:"types,omitempty"`
	Analytic *ocsfAnalytic `json:"analytic,omitempty"`
}

type ocsfAnalytic struct {
	UID    string `json:"uid"`
	Name   string `json:"name"`
	TypeID int    `json:"type_id"`
	Type   string `json:"type"`
}

type ocsfEvidence struct {
	Actor       *ocsfActor    `json:"actor,omitempty"`
	API         *ocsfAPI      `json:"api,omitempty"`
	Request     *ocsfRequest  `json:"http_request,omitempty"`
	Response    *ocsfResponse `json:"http_response,omitempty"`
	Source      *ocsfEndpoint `json:"src_endpoint,omitempty"`
	Destination *ocsfEndpoint `json:"dst_endpoint,omitempty"`
}

// extras are what the languages of others have no words for; the names are ours.
type extras struct {
	OWASP       string                   `json:"owasp,omitempty"`
	CWE         int                      `json:"cwe,omitempty"`
	Setting     string                   `json:"setting,omitempty"`
	WouldRefuse []string                 `json:"would_refuse,omitempty"` // by guards in monitor mode
	Fields      []exchange.Field         `json:"fields,omitempty"`
	Findings    []exchange.Finding       `json:"findings,omitempty"`
	Peer        string                   `json:"peer,omitempty"` // the proxy that the client came through
	JA4         string                   `json:"ja4,omitempty"`
	Upstream    *exchange.RecordUpstream `json:"upstream,omitempty"`
	Object      string                   `json:"object,omitempty"` // of events
	Subject     string                   `json:"subject,omitempty"`
	Data        map[string]string        `json:"data,omitempty"`
}

func extrasOf(r *exchange.Record) *extras {
	x := &extras{OWASP: r.OWASP, Setting: r.Setting, Fields: r.Fields, Findings: r.Findings, Peer: r.Peer, JA4: r.JA4, Upstream: r.Upstream}
	if reason := exchange.Lookup(r.Code); reason != nil {
		x.CWE = reason.CWE
	}
	for i := range r.Steps {
		if s := &r.Steps[i]; s.Code != "" && s.Mode == "monitor" {
			x.WouldRefuse = append(x.WouldRefuse, s.Code)
		}
	}
	return x
}
