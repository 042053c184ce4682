package rules

import (
	"fmt"

	"github.com/sallyport/sallyport/inspect/seclang"
)

// problem is an error at the place of a rule: what cannot be compiled must not be skipped.
func problem(at seclang.Pos, format string, args ...any) error {
	return &seclang.Error{Pos: at, Message: fmt.Sprintf(format, args...)}
}
