// Package differential holds what a gateway judged against what servers behind it read. It is help for tests only.
//
// An [Upstream] is a real server, started by the test with a configuration of the test: Go's net/http, nginx, HAProxy,
// Apache httpd, Node, Python's http.server, and a recorder of raw bytes. Each tells every request that it reads, as a
// [Reading], in order; a second request where one was judged shows as a second Reading. A server that is a proxy tells by
// what it sends on to a raw recorder of ours behind it, and in fields of its own by which path it would have routed.
//
// Messages come from corpora, which are readable files, and from a grammar ([Generate]); a [Client] sends them as bytes.
// The gateway itself is not known here: who tests it brings it along, and asks [Reading.Differs].
package differential
