package inspect

import (
	"errors"
	"slices"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/inspect/rules"
	"github.com/sallyport/sallyport/inspect/seclang"
)

// idleVariables are settings of the Core Rule Set's set-up that have no effect here, with what has.
var idleVariables = map[string]string{
	"early_blocking":                   "a request is refused by its head before its body is judged",
	"blocking_early":                   "a request is refused by its head before its body is judged",
	"inbound_anomaly_score_threshold":  "apis[].inspect.threshold",
	"outbound_anomaly_score_threshold": "apis[].inspect.response_threshold",
	"blocking_paranoia_level":          "apis[].inspect.paranoia",
	"detection_paranoia_level":         "apis[].inspect.paranoia",
	"paranoia_level":                   "apis[].inspect.paranoia",
	"executing_paranoia_level":         "apis[].inspect.paranoia",
	"reporting_level":                  "every match is in the record",
	"critical_anomaly_score":           "a severity adds 5, 4, 3 or 2",
	"error_anomaly_score":              "a severity adds 5, 4, 3 or 2",
	"warning_anomaly_score":            "a severity adds 5, 4, 3 or 2",
	"notice_anomaly_score":             "a severity adds 5, 4, 3 or 2",
	"combined_file_sizes":              "max_body bounds files",
}

// remarksOn lists what of the operator's rules is understood and has no effect: nobody should rely on it. A change or
// removal may find its rules in either program.
func remarksOn(list []seclang.Directive, request, answer *rules.Program, dir string) (out []*RuleError) {
	found := rules.Remarks(list, idleVariables)
	for _, d := range request.Idle() {
		if slices.ContainsFunc(answer.Idle(), func(e seclang.Directive) bool { return e.At() == d.At() }) {
			found = append(found, &seclang.Error{Pos: d.At(), Message: "no rule that stands before it is meant by this", Hint: "files named *-before.conf and *-config.conf stand before the Core Rule Set"})
		}
	}
	for _, r := range found {
		var e *RuleError
		if errors.As(placed(r, dir), &e) {
			out = append(out, e)
		}
	}
	return out
}

// Remarks lists what in the operator's rules of an API is understood and has no effect here. There are none where the
// rules do not compile.
func (i *Inspector) Remarks(api config.Inspect) []*RuleError {
	e, err := i.engine(api)
	if c, ok := e.(*compiledEngine); ok && err == nil {
		return c.remarks
	}
	return nil
}
