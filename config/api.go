package config

// API is one protected API.
type API struct {
	// Name in logs, metrics and commands.
	Name string `yaml:"name"`
	// Spec is the OpenAPI document, 3.0 to 3.2, YAML or JSON. Without it, unknown must be inspect.
	Spec string `yaml:"spec"`
	// Overlays are files with OpenAPI Overlay documents (1.0 or 1.1) that are laid over the spec, in this order: for whoever would rather not touch the spec itself.
	Overlays []string `yaml:"overlays"`
	// RemoteRefs: true lets the spec's $ref fetch https URLs. Default: only files.
	RemoteRefs bool `yaml:"remote_refs"`
	// Upstream is the URL of the protected service, or a mapping with more settings.
	Upstream Upstream `yaml:"upstream"`
	// Hosts for which this API is served. Default: every host. Needed where there is more than one API, unless paths differ.
	Hosts []string `yaml:"hosts"`
	// Clients asks clients for certificates on connections that are made for the hosts of this API, in place of what the listener says. Needs hosts, each a name: the handshake knows an API by nothing else.
	Clients *Clients `yaml:"clients"`
	// BasePath in front of the paths of the spec. Default: the path of the spec's first server.
	BasePath *string `yaml:"base_path"`
	// Mode of all guards: enforce, monitor or off. Default enforce.
	Mode Mode `yaml:"mode"`
	// Modes by guard: a whole family (validate) or one guard (validate.response). The longer name wins.
	Modes map[string]Mode `yaml:"modes"`
	// Security maps the security schemes of the spec to the identities above. Without a spec the names are free, and each identity takes its credentials from its own header.
	Security map[string]string `yaml:"security"`
	// Unknown says what happens to an operation that the spec does not know: refuse (404) or inspect. Inspected ones pass without roles and owners, also undeclared methods of declared paths: for finding out what there is, not for good. They need no credential; one that is presented to an identity of security must be good. Default refuse.
	Unknown string `yaml:"unknown" enum:"refuse,inspect"`
	// Rate limits every operation of the API together, by principal, client, tenant or a CEL expression.
	Rate *Rate `yaml:"rate"`
	// Plan of callers whose credential and tenant have none, and of nobody in particular. Default: none, which has no quotas.
	Plan string `yaml:"plan"`
	// Spend caps what the upstream may cost, where requests to it are paid for.
	Spend *Spend `yaml:"spend"`
	// Refusals bounds how many refusals a client may cause before it is turned away at the door. Default 300 per 1m; off with limit: 0.
	Refusals *Rate `yaml:"refusals"`
	// Bots says what becomes of clients by what they seem to be.
	Bots Bots `yaml:"bots"`
	// Challenge gives out proofs of work to solve, for clients that are asked for one. Default: there is none.
	Challenge *Challenge `yaml:"challenge"`
	// Concurrency bounds requests in flight.
	Concurrency Concurrency `yaml:"concurrency"`
	// RateHeaders says which fields tell the client its budget: draft (RateLimit, RateLimit-Policy), legacy (X-RateLimit-*), both or off. Default draft.
	RateHeaders string `yaml:"rate_headers" enum:"draft,legacy,both,off"`
	// Validate tunes the validation of messages.
	Validate Validate `yaml:"validate"`
	// Inspect tunes the search for attacks.
	Inspect Inspect `yaml:"inspect"`
	// Protect tunes what leaves.
	Protect Protect `yaml:"protect"`
	// MaxBody bounds request bodies. Default 1 MiB.
	MaxBody Size `yaml:"max_body"`
	// MaxResponse bounds response bodies that are judged. Default 8 MiB.
	MaxResponse Size `yaml:"max_response"`
	// Timeout until the upstream's whole answer. Default 30s.
	Timeout Duration `yaml:"timeout"`
	// IdentityHeaders tell the upstream who asks; they are deleted from what the client sends in every alias form. Default subject: X-Sallyport-Subject, tenant, roles and scopes likewise.
	IdentityHeaders *IdentityHeaders `yaml:"identity_headers"`
	// ForwardCredentials: false removes the credential from what the upstream receives. Default true.
	ForwardCredentials *bool `yaml:"forward_credentials"`
	// Operations adds to, or overrides, the x-sallyport of single operations, by "METHOD /path".
	Operations map[string]Operation `yaml:"operations"`
}

// IdentityHeaders names the headers that tell the upstream who asks. An empty name is not sent.
type IdentityHeaders struct {
	// Subject header.
	Subject string `yaml:"subject"`
	// Tenant header.
	Tenant string `yaml:"tenant"`
	// Roles header, separated by commas.
	Roles string `yaml:"roles"`
	// Scopes header, separated by spaces.
	Scopes string `yaml:"scopes"`
}

// Upstream is the protected service. In YAML it is a URL, or a mapping.
type Upstream struct {
	// Targets are the URLs of the service; requests are balanced over the healthy ones by least requests in flight.
	Targets []string `yaml:"targets"`
	// CA is a PEM file with the only authorities that are trusted for these targets. Default: the system's.
	CA string `yaml:"ca"`
	// Cert and Key are the client certificate towards the targets.
	Cert string `yaml:"cert"`
	// Key of the client certificate.
	Key string `yaml:"key"`
	// ServerName is the name that the certificates of https targets must have, and that they are asked for (SNI). Default: the host of the target.
	ServerName string `yaml:"server_name"`
	// PinSHA256 are base64 SHA-256 digests of public keys (SubjectPublicKeyInfo), one of which must be in the chain of a target's certificate, besides all else that makes it valid.
	PinSHA256 []string `yaml:"pin_sha256"`
	// H2C: true speaks HTTP/2 without TLS to http targets (gRPC).
	H2C bool `yaml:"h2c"`
	// Host is sent as Host: client (as received) or target. Default client.
	Host string `yaml:"host" enum:"client,target"`
	// ConnectTimeout default 5s.
	ConnectTimeout Duration `yaml:"connect_timeout"`
	// HeaderTimeout until the response head. Default: the operation's timeout.
	HeaderTimeout Duration `yaml:"header_timeout"`
	// Retries of idempotent requests on another target, when nothing was answered. Default 1.
	Retries *int `yaml:"retries"`
	// Health probes the targets.
	Health Health `yaml:"health"`
	// Breaker opens after failures in a row and tries again after a pause.
	Breaker Breaker `yaml:"breaker"`
	// Adaptive is how many requests in flight the service is always trusted with. Beyond, answers that take twice as long as usual, and longer than 100 ms, bring the number down to what it answers in time, and further requests are refused (503) before they make it worse; the last fifth is for authenticated callers. Streams do not count. Default 32; -1 refuses none.
	Adaptive int `yaml:"adaptive"`
	// MaxIdle connections kept per target. Default 512.
	MaxIdle int `yaml:"max_idle"`
}

// Health probes targets actively.
type Health struct {
	// Path to GET; 2xx is healthy. Default: no active probes.
	Path string `yaml:"path"`
	// Every is the interval. Default 10s.
	Every Duration `yaml:"every"`
	// Timeout of a probe. Default 2s.
	Timeout Duration `yaml:"timeout"`
	// Failures in a row until a target is unhealthy, and successes until it is healthy again. Default 2.
	Failures int `yaml:"failures"`
}

// Breaker is a circuit breaker per target.
type Breaker struct {
	// Failures in a row (no connection, timeout, 502, 503, 504) that open it. Default 10; 0 means the default, -1 never.
	Failures int `yaml:"failures"`
	// Pause before one request is let through to try. Default 5s.
	Pause Duration `yaml:"pause"`
}

// Rate is a rate limit by GCRA: limit requests per period, evenly refilled, with a burst.
type Rate struct {
	// Limit is the number of requests (or cost units) per period.
	Limit int `yaml:"limit"`
	// Per is the period. Default 1m.
	Per Duration `yaml:"per"`
	// Burst allowed at once. Default: limit.
	Burst int `yaml:"burst"`
	// By is what is counted separately: principal (the client where nobody is known), client, tenant, or a CEL expression over principal, params, body, client, operation.
	By string `yaml:"by"`
	// Count is requests, or failures: only answers 401 and 403 (and refused credentials) are counted. Default requests.
	Count string `yaml:"count" enum:"requests,failures"`
}

// Concurrency bounds requests in flight. 0 is the default of an API and no bound of an operation; -1 is no bound.
type Concurrency struct {
	// Total towards the upstream; of all gateways with the same store.counters together, where it is set. Default 1024, of each gateway.
	Total int `yaml:"total"`
	// Client bounds one client address; at all gateways with the same store.counters together, where it is set. It is less while little of the total is free, so that a few clients cannot take it from all others. Default 256, at each gateway.
	Client int `yaml:"client"`
}

// Validate tunes validation.
type Validate struct {
	// Undeclared says what happens to request fields that a closed schema does not declare, and to read-only ones that are sent back: reject, strip or log. Default reject.
	Undeclared string `yaml:"undeclared" enum:"reject,strip,log"`
	// UndeclaredParams likewise for query parameters: reject, strip or log. Default reject.
	UndeclaredParams string `yaml:"undeclared_params" enum:"reject,strip,log"`
	// UndeclaredStatus says what happens to answers with a body whose status the spec declares neither itself nor by 4XX or default: refuse or allow. Refused, a success becomes 502, and a redirect or failure keeps its status with a problem in place of its body; 5xx are for protect.errors. Default refuse.
	UndeclaredStatus string `yaml:"undeclared_status" enum:"refuse,allow"`
}

// Inspect tunes the Core Rule Set.
type Inspect struct {
	// Paranoia level, 1 to 4. Default 1.
	Paranoia int `yaml:"paranoia"`
	// Threshold is the inbound anomaly score at which a request is refused. Default 5.
	Threshold int `yaml:"threshold"`
	// ResponseThreshold likewise for answers. Default 4.
	ResponseThreshold int `yaml:"response_threshold"`
	// MaxBytes bounds the text of one request that rules look at, as the cost of judging it: names and values together, what is repeated once, literals of numbers not at all, and 64 bytes more for each value of a body. More is refused; check tells which operations take larger bodies. Of answers, what lies beyond is looked at by the leak detectors only. Default 1MiB.
	MaxBytes Size `yaml:"max_bytes"`
	// Beyond says what becomes of a request with a body of more text than max_bytes: refuse, or pass, which inspects the first max_bytes of it, lets the rest through unread and leaves a finding inspect.partial. Default refuse.
	Beyond string `yaml:"beyond" enum:"refuse,pass"`
	// Secrets says what becomes of the values of a body that the spec calls secrets (format: password, kind: secret): skip or inspect. Rules take random characters for attacks; inspect is for services that put secrets into queries or pages. Default skip.
	Secrets string `yaml:"secrets" enum:"skip,inspect"`
	// CRS: off leaves the Core Rule Set out and judges by the rules of the operator alone. Default on.
	CRS string `yaml:"crs" enum:"on,off"`
	// Rules is a directory of the operator's own rules in the Core Rule Set's language: files *.conf, in the order of their names, after the Core Rule Set; those named *-config.conf and *-before.conf before it. Data files lie beside them.
	Rules string `yaml:"rules"`
	// Exclude rules, for a field or at all, with a reason.
	Exclude []Exclusion `yaml:"exclude"`
	// Monitor rules, for a field or at all: matches are recorded and add no score.
	Monitor []Exclusion `yaml:"monitor"`
	// URLs tunes the check of URL fields (format uri, iri, uri-reference or iri-reference, or kind: url).
	URLs URLs `yaml:"urls"`
}

// Extent says how much of a request's text is inspected, and what becomes of more.
type Extent struct {
	// MaxBytes instead of the API's inspect.max_bytes.
	MaxBytes Size `yaml:"max_bytes"`
	// Beyond instead of the API's inspect.beyond: refuse or pass.
	Beyond string `yaml:"beyond" enum:"refuse,pass"`
}

// Exclusion names a rule that is off, or monitored, and where.
type Exclusion struct {
	// Rule id ("942100"), or a tag ("attack-sqli").
	Rule string `yaml:"rule"`
	// Field to which it is confined: body.note, query.q, header.user-agent; items[*] for all elements. Default: everywhere.
	Field string `yaml:"field"`
	// Operation "METHOD /path" to which it is confined. Default: all.
	Operation string `yaml:"operation"`
	// Reason, for whoever reads this next.
	Reason string `yaml:"reason"`
	// Expires is the day from which it has no effect, YYYY-MM-DD.
	Expires string `yaml:"expires"`
}

// URLs tunes the check of URL fields.
type URLs struct {
	// Schemes that are allowed. Default https and http.
	Schemes []string `yaml:"schemes"`
	// Allow lists hosts that are allowed although their address is private. "*.example.com" covers all below.
	Allow []string `yaml:"allow"`
	// Only: when set, no other hosts are allowed.
	Only []string `yaml:"only"`
	// Resolve: true looks host names up and judges their addresses too. Default false.
	Resolve bool `yaml:"resolve"`
}

// Protect tunes what leaves.
type Protect struct {
	// Detect lists the kinds that are masked also in undeclared strings, wherever they are found. Default pan, iban, ssn, secret, password_hash; email, phone and jwt may be added.
	Detect []string `yaml:"detect"`
	// Errors says what happens to 5xx answers: rewrite or pass. Default rewrite.
	Errors string `yaml:"errors" enum:"rewrite,pass"`
	// CORS answers preflights and sets the fields; without it, CORS fields of the upstream are removed.
	CORS *CORS `yaml:"cors"`
	// Headers are set on every answer, besides the security headers.
	Headers map[string]string `yaml:"headers"`
}

// CORS says which origins may call from a browser.
type CORS struct {
	// Origins, exactly as browsers send them: https://app.example.com. "*" is accepted only without credentials.
	Origins []string `yaml:"origins"`
	// Headers that may be sent. Default Authorization, Content-Type, and the operation's declared header parameters.
	Headers []string `yaml:"headers"`
	// Expose lists response headers that scripts may read, besides those that the spec declares for the operation and those of the gateway: X-Request-Id, Retry-After and the ones of rate_headers.
	Expose []string `yaml:"expose"`
	// Credentials: true allows cookies and HTTP authentication.
	Credentials bool `yaml:"credentials"`
	// MaxAge that browsers may keep the answer to a preflight. Default 10m.
	MaxAge Duration `yaml:"max_age"`
}

// Operation is what x-sallyport can say on an operation, and what apis[].operations can say about it.
type Operation struct {
	// Anonymous: true lets the operation be called by nobody in particular.
	Anonymous *bool `yaml:"anonymous"`
	// Roles: one of these is needed.
	Roles []string `yaml:"roles"`
	// Scopes: all of these are needed. Default: those of the spec's security.
	Scopes []string `yaml:"scopes"`
	// Allow is a CEL rule over principal, params, body, client, operation and now; false refuses.
	Allow string `yaml:"allow"`
	// Rate limits this operation, besides the API's rate.
	Rate *Rate `yaml:"rate"`
	// Cost of one request in units of the API's rate, and of the units of plans. Default 1.
	Cost int `yaml:"cost"`
	// Price of one request towards the API's spend. Default: the price there.
	Price Amount `yaml:"price"`
	// Concurrency bounds requests in flight of this operation.
	Concurrency *Concurrency `yaml:"concurrency"`
	// MaxBody bounds the request body.
	MaxBody Size `yaml:"max_body"`
	// Inspect bounds inspection otherwise than the API does.
	Inspect Extent `yaml:"inspect"`
	// MaxResponse bounds the answer that is judged.
	MaxResponse Size `yaml:"max_response"`
	// Timeout until the upstream's whole answer.
	Timeout Duration `yaml:"timeout"`
	// Streaming passes bodies through without judging them: sse, websocket, grpc or body.
	Streaming string `yaml:"streaming" enum:"sse,websocket,grpc,body"`
	// Sensitive: true marks answers as personal: no-store, and never logged.
	Sensitive bool `yaml:"sensitive"`
	// Mode of all guards on this operation.
	Mode Mode `yaml:"mode"`
	// Modes by guard on this operation.
	Modes map[string]Mode `yaml:"modes"`
	// Owner binds values to the caller without touching the spec: "path.id", "query.customer", "body.customerId", "response.customerId" → CEL. An absent value is judged only where the schema requires it: list bound properties of answers under required.
	Owner map[string]string `yaml:"owner"`
	// Properties says of parameters and properties what their x-sallyport could: "path.id", "body.email", "response.items[*].email".
	Properties map[string]Property `yaml:"properties"`
	// CORS of this operation instead of the API's.
	CORS *CORS `yaml:"cors"`
}

// Property is what x-sallyport can say on a parameter or on a schema property.
type Property struct {
	// Owner is a CEL expression over principal, value, params, client and operation. A string must equal the value, a list must contain it, a bool must be true. In requests a mismatch refuses; in answers it hides the object.
	Owner string `yaml:"owner"`
	// Kind is the semantic type: email phone pan iban ssn name address dob health secret password_hash url id.
	Kind string `yaml:"kind" enum:"email,phone,pan,iban,ssn,name,address,dob,health,secret,password_hash,url,id"`
	// VisibleTo lists the roles that may see the property; for others it is removed.
	VisibleTo []string `yaml:"visible_to"`
	// Mask says how the value is shown: full, last4, partial, hash or remove. Default by kind; none for no masking.
	Mask string `yaml:"mask" enum:"none,full,last4,partial,hash,remove"`
}
