// Package seclang reads the rule language of ModSecurity and Coraza (SecLang), as the OWASP Core Rule Set writes it, into
// a syntax tree. It knows the words of the language, not their meaning: linking, folding and matching are the rule
// compiler's.
//
// Reading is strict. A directive, variable, operator, action, transformation or control that the language does not have
// is an error with file, line and a hint: a rule that is skipped silently protects nobody.
package seclang
