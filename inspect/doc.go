// Package inspect asks of every message: does it attack, or give away what it should not?
//
// Requests are judged by the OWASP Core Rule Set over values that have been parsed already: query pairs, header lines,
// cookies, path parameters, the leaves of the body's tree. Every match becomes a [exchange.Finding] with the field's
// path and a masked fragment; a request is refused when the scores of its findings reach the threshold. Answers are
// judged by the leak rules of the same set and by detectors of our own. URLs that the service is going to fetch are
// judged by a check of their own, which needs no rules.
//
// The rules run behind one seam, [Engine]. Reading messages, exclusions, scores, masking and verdicts are on this side
// of it and do not change with the engine, which is compiled from the rules by package rules. Coraza is its oracle in tests.
//
// What is not looked at: the content of uploaded files and of bodies that are not text, and what the spec calls a
// secret (format: password, kind: secret). A request with more text than inspect.max_bytes is refused; of an answer the
// rules see the first max_bytes, which a finding says, and the detectors all of it.
//
// Large requests wait for a slot, of which there are half as many as cores, so that a flood of them leaves room for the
// others. A judgement that did not begin or end in time is a refusal (inspect.busy).
package inspect
