package validate

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
)

// response judges an answer by what the spec declares for its status. Answers to requests that the spec does not know,
// and those without a body, have nothing to be judged by it.
func (v *validator) response(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	r := e.Response
	switch {
	case v.op.Undocumented, len(r.Body.Bytes()) == 0, r.Status == http.StatusNotModified:
		return exchange.Pass, nil
	case r.Spec == nil:
		return v.undeclaredStatus(r), nil
	case len(r.Spec.Content) == 0:
		return exchange.Pass, nil // the spec is silent about bodies, as many are
	case r.Media == nil:
		setting := "responses." + r.Spec.Status + ".content of " + v.op.Key
		return Replaced(r, exchange.ResponseInvalid, "Content-Type "+r.Body.Media().Type+" is not declared").WithSetting(setting), nil
	}
	if detail := wrongEvent(r); detail != "" {
		return Replaced(r, exchange.ResponseInvalid, detail).WithSetting(monitor), nil
	}
	if _, err := r.Body.Tree(); err != nil {
		return Replaced(r, exchange.ResponseInvalid, err.Error()).WithSetting(monitor), nil
	}
	if wrong := misnamed(r.Media, r.Body); wrong != nil {
		return Replaced(r, exchange.ResponseInvalid, details(wrong)).WithSetting(monitor), nil
	}
	if result := r.Judge(); !result.Valid() {
		// The client learns only that the answer was not a declared one: where it is wrong would describe its internals.
		return Replaced(r, exchange.ResponseInvalid, details(fields(result.Violations))).WithSetting(monitor), nil
	}
	return exchange.Pass, nil
}

// wrongEvent says what is wrong with an event stream that came as a whole.
func wrongEvent(r *exchange.Response) string {
	if r.Media.Events == nil {
		return ""
	}
	first := true
	for rest := r.Body.Bytes(); len(rest) > 0; first = false {
		end := content.EventEnd(rest, 0)
		if end < 0 {
			end = len(rest)
		}
		if detail := r.Media.Events.Judge(rest[:end], first, content.Limits{Cases: true}); detail != "" {
			return detail
		}
		rest = rest[end:]
	}
	return ""
}

const monitor = "modes: { validate.response: monitor }"

// undeclaredStatus lets no body out that no schema describes. What protect.errors does with 5xx is not repeated: where
// it is off, the operator wants them as they are. An operation without any responses describes none.
func (v *validator) undeclaredStatus(r *exchange.Response) exchange.Verdict {
	if v.settings.UndeclaredStatus == "allow" || r.Status >= http.StatusInternalServerError || len(v.op.Responses) == 0 {
		return exchange.Pass
	}
	setting := fmt.Sprintf("responses.%d of %s in the spec, or %s.undeclared_status: allow", r.Status, v.op.Key, v.at)
	return Replaced(r, exchange.ResponseUndeclared, fmt.Sprintf("status %d is not declared", r.Status)).WithSetting(setting)
}

// Replaced refuses an answer in place of which the client gets a problem. A redirect or a failure keeps its status and
// what makes it work: specs leave 401, 404 or 429 out every day, and a client must still be able to tell them apart.
// A success does not, because without its body it is none.
func Replaced(r *exchange.Response, reason *exchange.Reason, detail string) exchange.Verdict {
	v := exchange.Refuse(reason, detail)
	if r.Status < http.StatusMultipleChoices {
		return v
	}
	v = v.WithStatus(r.Status)
	for _, name := range kept {
		for _, value := range r.Header[name] {
			v = v.WithHeader(name, value)
		}
	}
	return v
}

// kept are the fields of a redirect or failure without which a client could not act on its status.
var kept = []string{"Location", "Retry-After", "Www-Authenticate", "Allow", "Accept", "Accept-Patch", "Set-Cookie"}

func details(wrong []exchange.Field) string {
	lines := make([]string, len(wrong))
	for i, f := range wrong {
		lines[i] = "response" + f.Pointer + " " + f.Detail
	}
	return strings.Join(lines, "; ")
}
