// Package rules compiles attack rules (SecLang, read by package seclang) into a [Program] that looks at each value a
// constant number of times, whatever the number of rules.
//
// At build time rules are linked with their defaults and changes; what configuration alone decides is decided and
// disappears (fold.go); the conditions that remain are grouped by the transformations that they ask for (lanes.go). Of
// each condition the literals or bytes are known without which it cannot hold.
//
// At run time one pass over each value finds the literals of all conditions at once (candidates.go). Values in which
// nothing is to be decoded are not transformed. What is left are few pairs of a rule and a value; only they are evaluated,
// in the order and by the semantics of the language (run.go): chains, captures, counters, removals.
package rules
