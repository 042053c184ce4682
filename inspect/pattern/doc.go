// Package pattern matches the regular expressions of attack rules in time that is linear in the input, whatever the
// input: no backtracking, and memory within a budget that all patterns share.
//
// A [Pattern] is a deterministic automaton that is built lazily, state by state, as texts lead into it (Thompson 1968;
// Cox, "Regular Expression Matching in the Wild", 2010). Its alphabet is not bytes but the few classes of characters that
// the expression can tell apart. It decides as package regexp does, also on bytes that are no UTF-8; texts that match are
// rare, and only they are given to regexp for their captures.
//
// Most texts need no automaton. [Pattern.Required] lists literals of which every match contains one, and a [Scanner]
// finds the literals of many patterns in one pass.
package pattern
