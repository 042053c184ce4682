// Package transform decodes and normalizes values as the t: actions of the rule language (SecLang) say: %uHHHH, entities,
// escapes of JavaScript, CSS and shells, comments, white space, paths.
//
// The functions do what Coraza and ModSecurity 3 do, byte for byte, because the rules are written for that. A text in
// which nothing is to be changed comes back as it is, without an allocation; [Function.Changes] tells that beforehand from
// the bytes that occur in it.
package transform
