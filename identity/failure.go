package identity

import (
	"fmt"
	"strconv"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// failure says why a credential is refused; nil is success. It holds nothing of a credential but what names it: kid,
// iss, the id of an API key.
type failure struct {
	reason  *exchange.Reason
	detail  string // for the operator
	setting string // what would change it
	retry   time.Duration
}

func fail(r *exchange.Reason, format string, args ...any) *failure {
	return &failure{reason: r, detail: fmt.Sprintf(format, args...)}
}

func (f *failure) by(setting string) *failure { f.setting = setting; return f }

func (f *failure) Error() string { return f.reason.Code + ": " + f.detail }

// quote makes a stranger's text safe and short for a detail.
func quote(s string) string {
	const limit = 64
	if len(s) > limit {
		return strconv.QuoteToASCII(s[:limit]) + "…"
	}
	return strconv.QuoteToASCII(s)
}
