package limit

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/exchange/expr"
)

// A rule is one rate of the config, compiled.
type rule struct {
	rate
	l        *Limiter
	id       uint64
	by       func(rule uint64, e *exchange.Exchange) key // nil when expr says it
	expr     *expr.Key
	failures bool   // count: failures
	item     string // the name as a structured-field string, as it stands in RateLimit
	policy   string // its item of RateLimit-Policy
	legacy   string // X-RateLimit-Limit
	setting  string // the key in the config
}

// newRule compiles c. name identifies the rule across reloads; shown is its name for clients.
func (l *Limiter) newRule(name, shown, setting string, c config.Rate, s expr.Scope) (*rule, error) {
	var errs []error
	fail := func(key string, err error) { errs = append(errs, &Error{setting + key, err}) }
	r, err := newRate(c)
	if err != nil {
		fail("", err)
	}
	out := &rule{rate: r, l: l, id: l.ruleID(name + "\x00" + c.By + "\x00" + c.Count), setting: setting,
		item: sfString(shown), legacy: strconv.FormatInt(r.limit, 10)}
	out.policy = out.item + ";q=" + out.legacy
	if w := r.per / time.Second; w > 0 {
		out.policy += ";w=" + strconv.FormatInt(int64(w), 10)
	}
	switch c.Count {
	case "", "requests":
	case "failures":
		out.failures = true
	default:
		fail(".count", fmt.Errorf("%q is neither requests nor failures", c.Count))
	}
	switch c.By {
	case "", "principal":
		out.by = l.principal
	case "client":
		out.by = func(rule uint64, e *exchange.Exchange) key { return l.client(rule, e.Client.Addr) }
	case "tenant":
		out.by = l.tenant
	default:
		s.Body = true
		if out.expr, err = expr.NewKey(c.By, s); err != nil {
			fail(".by", err)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return out, nil
}

// onBody reports whether the key can be told only when the request body is known.
func (r *rule) onBody() bool { return r.expr != nil && r.expr.UsesBody() }

// key tells what e is counted under.
func (r *rule) key(e *exchange.Exchange) (key, error) {
	if r.expr == nil {
		return r.by(r.id, e), nil
	}
	text, err := r.expr.Of(e)
	if err != nil {
		return key{}, err
	}
	return r.l.digest(r.id, ofExpr, text, ""), nil
}

// sfString writes s as a String of structured fields (RFC 9651, 3.3.3), which knows printable ASCII only.
func sfString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c < ' ' || c > '~':
			b.WriteByte('_')
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

var errCost = errors.New("a request that costs more than the burst could never pass")
