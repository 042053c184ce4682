package exchange

// Severity grades reasons and findings, in words that OCSF shares.
type Severity string

// The severities.
const (
	Info     Severity = "info"
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// A Reason is one entry of the catalogue: everything that can be said about a refusal without knowing the exchange.
type Reason struct {
	Code     string   `json:"code"`            // stable: "validate.body"
	Status   int      `json:"status"`          // HTTP status of the refusal
	Title    string   `json:"title"`           // for the client
	Severity Severity `json:"severity"`        //
	OWASP    string   `json:"owasp,omitempty"` // OWASP API Security Top 10 (2023) class: "API1"; "" when none fits
	CWE      int      `json:"cwe,omitempty"`   // 0 when none fits
	Help     string   `json:"help"`            // for the operator: what it means and what to do
}

// Catalogue lists every reason, in the order of the pipeline.
func Catalogue() []*Reason { return catalogue }

// Lookup returns the reason with the code, or nil.
func Lookup(code string) *Reason { return byCode[code] }

var (
	catalogue []*Reason
	byCode    = map[string]*Reason{}
)

func reason(code string, status int, title string, s Severity, owasp string, cwe int, help string) *Reason {
	r := &Reason{code, status, title, s, owasp, cwe, help}
	catalogue = append(catalogue, r)
	byCode[code] = r
	return r
}

// The message itself: refused whatever the modes are, because it has no single meaning or no bounded cost.
var (
	BadTarget    = reason("protocol.target", 400, "The request target is not acceptable", Medium, "API8", 436, "The path or query can be read in more than one way: dot segments, encoded separators, bad escapes, ';', fragments, opaque targets. The detail says which; no setting allows it. Send such values in the query or the body.")
	BadHeader    = reason("protocol.header", 400, "A request header is not acceptable", Medium, "API8", 444, "A header is duplicated, malformed or could be read differently by the upstream.")
	HeadTooLarge = reason("protocol.header_size", 431, "The request's header is too large", Low, "API4", 770, "Request line and header are larger than listen[].max_header; the connection was closed.")
	BadFraming   = reason("protocol.framing", 400, "The request's framing is not acceptable", High, "API8", 444, "Content-Length and Transfer-Encoding are in conflict or malformed; the connection was closed.")
	BadMethod    = reason("protocol.method", 501, "This method is not supported", Low, "API8", 650, "CONNECT, TRACE and unknown methods are never forwarded.")
	BadUpgrade   = reason("protocol.upgrade", 400, "This operation does not upgrade", Low, "API8", 441, "Upgrade is accepted only on operations that declare streaming: websocket.")
	PlainHTTP    = reason("protocol.plain", 400, "This port speaks HTTPS only", Low, "API8", 319, "The client spoke plain HTTP to a listener with tls; the connection was closed.")
	Internal     = reason("gateway.internal", 500, "The gateway could not judge this request", Critical, "", 703, "A guard failed or panicked; the exchange was refused. The log has the cause.")
	NotReady     = reason("gateway.not_ready", 503, "The gateway is not ready", Medium, "", 0, "The gateway is starting or draining.")
	UnknownHost  = reason("gateway.host", 421, "This host is not served here", Low, "API9", 0, "No API of the config has this host.")
)

// Matching.
var (
	UnknownOperation = reason("openapi.unknown_operation", 404, "There is no such resource", Low, "API9", 1059, "No operation of the spec matches the path. Add it to the spec, or set apis[].unknown: inspect.")
	MethodNotAllowed = reason("openapi.method", 405, "This method is not allowed here", Low, "API5", 650, "The path exists, the method does not.")
)

// Admission and limits.
var (
	AdmissionRefused  = reason("limit.admit", 429, "Too many refused requests", Medium, "API4", 307, "This client caused too many refusals lately; see apis[].refusals.")
	Banned            = reason("limit.banned", 429, "This client is shut out for a while", Medium, "API4", 307, "The client went on after it was turned away, or was banned by an administrator; see abuse.bans and sallyport bans.")
	Overloaded        = reason("limit.overload", 503, "The service is overloaded", Medium, "API4", 770, "The gateway has more work than its processors can do, and refuses strangers first: clients from whose address nobody was authenticated lately; see abuse.overload.")
	Listed            = reason("limit.listed", 403, "Requests from this address are not accepted", Medium, "API4", 284, "The client's address is on a list of abuse.lists with action deny; the detail has the entry, its reason and its end. A list with action allow goes before it.")
	BotRefused        = reason("limit.bot", 403, "Requests of this client are not accepted", Medium, "API6", 799, "The client is rated as a bot, and the API refuses its rating; the detail has the reasons. See apis[].bots and docs/bots.md. A caller with a verified credential is not refused.")
	ChallengeUnsolved = reason("limit.challenge", 403, "A proof of work is asked for", Low, "API4", 799, "The client is asked to prove work, and has not, or its answer was wrong, over, another client's, or given before; the detail says which. See apis[].challenge and docs/challenge.md.")
	RateExceeded      = reason("limit.rate", 429, "Too many requests", Medium, "API4", 770, "The rate limit of this operation or API is exhausted.")
	TooManyFailures   = reason("limit.failures", 429, "Too many failed attempts", High, "API2", 307, "Too many failed credentials for this client or account.")
	QuotaExceeded     = reason("limit.quota", 429, "The quota is used up", Medium, "API4", 770, "The daily or monthly quota of the caller's plan is used up until the window ends; see plans. GET /api/v1/quotas tells who has used how much.")
	PlanUnknown       = reason("limit.plan", 503, "The plan of the caller is not known", High, "API4", 0, "The credential names a plan that the config does not have. Add it under plans, or correct the key or token.")
	SpendExceeded     = reason("limit.spent", 503, "The service is not available now", High, "API4", 770, "What may be spent on the upstream in this window is spent; see apis[].spend.")
	Uncountable       = reason("limit.key", 400, "The request cannot be counted", Low, "API4", 770, "The key expression of a rate could not be evaluated for this request, mostly because a value that it reads is missing. Test for it with has(), or count by principal or client.")
	Concurrency       = reason("limit.concurrency", 503, "Too many requests at once", Medium, "API4", 770, "The concurrency limit of this client or upstream is reached.")
)

// Identity.
var (
	CredentialsMissing   = reason("identity.missing", 401, "Authentication is required", Low, "API2", 306, "The operation declares security and the request carries no credential for it.")
	CredentialsAmbiguous = reason("identity.ambiguous", 400, "More than one credential of the same kind", Medium, "API2", 287, "Credentials are repeated, malformed, or in a place where they are not allowed (query).")
	TokenMalformed       = reason("identity.token_malformed", 401, "The token is not acceptable", Medium, "API2", 347, "The token is not a compact JWS, is too large, or has fields of the wrong kind.")
	TokenAlgorithm       = reason("identity.token_algorithm", 401, "The token is not acceptable", High, "API2", 327, "The token's algorithm is not the one that belongs to its key.")
	TokenKey             = reason("identity.token_key", 401, "The token is not acceptable", Medium, "API2", 347, "No key of the issuer matches the token's kid.")
	TokenSignature       = reason("identity.token_signature", 401, "The token is not acceptable", High, "API2", 347, "The signature does not verify.")
	TokenExpired         = reason("identity.token_expired", 401, "The token has expired", Low, "API2", 613, "exp lies in the past.")
	TokenNotYet          = reason("identity.token_not_yet", 401, "The token is not valid yet", Low, "API2", 613, "nbf or iat lies in the future.")
	TokenIssuer          = reason("identity.token_issuer", 401, "The token is not acceptable", Medium, "API2", 346, "iss is not an issuer that this operation trusts.")
	TokenAudience        = reason("identity.token_audience", 401, "The token is not acceptable", Medium, "API2", 346, "aud does not name this API.")
	TokenType            = reason("identity.token_type", 401, "The token is not acceptable", Medium, "API2", 345, "typ is not that of an access token.")
	TokenClaims          = reason("identity.token_claims", 401, "The token is not acceptable", Medium, "API2", 345, "A required claim is missing or of the wrong kind.")
	KeyInvalid           = reason("identity.key_invalid", 401, "The API key is not acceptable", Medium, "API2", 798, "The API key is malformed, unknown, expired or revoked.")
	CertificateInvalid   = reason("identity.certificate", 401, "The client certificate is not acceptable", Medium, "API2", 295, "The certificate that the client showed in the TLS handshake has run out, was revoked, is not one of the identity's authorities, or does not say who it is for.")
	TokenBinding         = reason("identity.token_binding", 401, "The token is not acceptable", High, "API2", 287, "The token is bound to a client certificate (RFC 8705), and the client did not show that certificate.")
	KeysUnavailable      = reason("identity.keys_unavailable", 503, "Credentials cannot be checked now", High, "API2", 0, "The issuer's key set could not be fetched yet.")
)

// Policy.
var (
	RoleMissing  = reason("policy.role", 403, "This is not allowed for you", Medium, "API5", 285, "The principal has none of the roles that the operation asks for.")
	ScopeMissing = reason("policy.scope", 403, "The token's scope does not cover this", Medium, "API5", 285, "The token lacks a scope that the operation's security asks for.")
	RuleDenied   = reason("policy.rule", 403, "This is not allowed for you", Medium, "API5", 863, "The operation's allow rule is false for this request.")
	NotOwner     = reason("policy.not_owner", 404, "There is no such resource", High, "API1", 639, "An owner binding does not hold: the object belongs to somebody else.")
)

// Validation of requests and bodies.
var (
	BodyTooLarge       = reason("content.too_large", 413, "The body is too large", Medium, "API4", 770, "The body is larger than max_body, or decompresses beyond the allowed ratio.")
	BodyTooComplex     = reason("content.too_complex", 400, "The body is too complex", Medium, "API4", 770, "The body is nested too deeply or has too many values, parts or names that are too long.")
	BodyEncoding       = reason("content.encoding", 415, "This content encoding is not supported", Low, "API8", 436, "One of gzip, deflate, br, zstd or none.")
	BodyMalformed      = reason("content.malformed", 400, "The body is not well-formed", Low, "API8", 20, "The body does not parse as its media type.")
	BodyAmbiguous      = reason("content.ambiguous", 400, "The body can be read in more than one way", High, "API8", 436, "Duplicate names, invalid UTF-8, lone surrogates or the like: two parsers could disagree.")
	BodyIncomplete     = reason("content.incomplete", 400, "The body ended early", Low, "API8", 20, "The client closed or stalled before the body was whole.")
	MediaUnsupported   = reason("validate.media_type", 415, "This media type is not supported here", Low, "API8", 436, "The operation's requestBody does not list this Content-Type.")
	NotAcceptable      = reason("validate.accept", 406, "None of the acceptable media types is offered", Low, "", 0, "The Accept header excludes every media type that the operation declares.")
	ParamsInvalid      = reason("validate.params", 400, "A parameter is not valid", Low, "API8", 20, "A parameter is missing, undeclared or does not fit its schema.")
	BodyInvalid        = reason("validate.body", 400, "The body is not valid", Low, "API8", 20, "The body does not fit the schema of the operation.")
	UndeclaredField    = reason("validate.undeclared", 400, "The body has fields that are not declared", Medium, "API3", 915, "Properties that the schema does not declare (mass assignment). Set validate.undeclared: strip or log, or additionalProperties: true in the schema.")
	BodyMissing        = reason("validate.body_missing", 400, "A body is required", Low, "", 20, "The operation requires a body.")
	BodyUnexpected     = reason("validate.body_unexpected", 400, "No body is expected here", Low, "API8", 20, "The operation declares no body.")
	ResponseUndeclared = reason("validate.response_status", 502, "The service's answer is not part of this API", Medium, "API9", 1059, "The upstream answered with a status that the operation does not declare. A redirect or failure keeps its status and loses its body. Declare the status, 4XX or default in the spec, or set validate.undeclared_status: allow.")
	ResponseInvalid    = reason("validate.response", 502, "The service answered in an unexpected way", Medium, "API10", 20, "The upstream's answer does not fit what the spec declares.")
)

// Inspection.
var (
	Attack      = reason("inspect.attack", 403, "The request was refused", High, "API8", 74, "The anomaly score of the Core Rule Set reached the threshold.")
	SQLi        = reason("inspect.sqli", 403, "The request was refused", High, "API8", 89, "SQL injection.")
	XSS         = reason("inspect.xss", 403, "The request was refused", High, "API8", 79, "Cross-site scripting.")
	RCE         = reason("inspect.rce", 403, "The request was refused", Critical, "API8", 78, "Command or code injection.")
	LFI         = reason("inspect.lfi", 403, "The request was refused", High, "API8", 22, "Path traversal or local file inclusion.")
	Protocol    = reason("inspect.protocol", 403, "The request was refused", Medium, "API8", 444, "Protocol attack: smuggling, splitting, evasion.")
	SSRF        = reason("inspect.ssrf", 400, "A URL in the request points to an address that is not allowed", High, "API7", 918, "A URL field points to a private, loopback, link-local or metadata address. Set inspect.urls.allow for the host.")
	Leak        = reason("inspect.leak", 502, "The service answered in an unexpected way", High, "API8", 209, "The answer carries what looks like a leak: stack trace, SQL error, source code.")
	TooMuchText = reason("inspect.too_large", 413, "The request carries too much text", Medium, "API4", 770, "More text than the rules look at in one request. Set inspect.max_bytes.")

	InspectionBusy = reason("inspect.busy", 503, "The gateway is busy", Medium, "API4", 770, "Large messages take the rules seconds, so few are judged at once, and this one's time was over before its turn came, or before it was judged to the end. Small messages never wait.")
)

// Upstream and protection of the answer.
var (
	UpstreamUnreachable = reason("forward.unreachable", 502, "The service cannot be reached", High, "", 0, "No target of the upstream accepted the request.")
	UpstreamTimeout     = reason("forward.timeout", 504, "The service did not answer in time", Medium, "API4", 0, "The upstream exceeded the operation's timeout.")
	UpstreamBusy        = reason("forward.busy", 503, "The service is busy", Medium, "API4", 770, "The upstream's answers take twice as long as usual, so it is sent no more requests at once than it answers in time; see apis[].upstream.adaptive. Authenticated callers are refused last.")
	UpstreamOpen        = reason("forward.breaker_open", 503, "The service is not available now", High, "", 0, "The circuit breaker is open, or no target is healthy.")
	UpstreamBroken      = reason("forward.broken", 502, "The service answered in an unexpected way", Medium, "API10", 0, "The upstream's answer was not valid HTTP, too large or ended early.")
	UpstreamError       = reason("protect.error", 502, "The service failed", Low, "API8", 209, "The upstream answered 5xx; its body was replaced because it may carry internals.")
	CORSRefused         = reason("protect.cors", 403, "This origin is not allowed", Low, "API8", 942, "The preflight's origin, method or header is not in the CORS settings.")
)
