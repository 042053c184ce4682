// Package sallyport tells the packages of the gateway in the order in which a request meets them.
//
//	listen     sockets, TLS, the client's address, HTTP hardening
//	gateway    serves one exchange: the order of guards (pipeline.go), snapshots, refusals, the record
//	content    one canonical reading of target and body, parsed once, with byte offsets
//	openapi    what the spec calls this request: operations, parameters, schemas
//	limit      how much: admission, rates, concurrency
//	identity   who asks: every credential becomes a Principal
//	policy     may they: roles, scopes, CEL rules, ownership
//	validate   is it what the spec says, both ways
//	inspect    does it attack: the Core Rule Set, URLs that point inside, leaks
//	forward    to the upstream and back
//	protect    what leaves: field filter, masking, errors, headers, CORS
//	event      the record of every exchange, to whoever keeps it
//	audit      the log that cannot be changed unnoticed
//	telemetry  the record as access log, metrics and traces
//	admin      health, metrics and the admin API for operators
//
// trust says whose certificates listen and identity believe.
//
// Below them all stand exchange (the vocabulary: Exchange, Guard, Verdict, Reason, Record), config (the file) and
// store (where things are kept); lab is the vulnerable shop of the demo. docs/life-of-a-request.md follows one request
// through them; cmd/sallyport is the binary.
package sallyport
