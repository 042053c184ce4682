package exchange

import (
	"errors"

	"github.com/sallyport/sallyport/content"
)

// Malformed is the refusal of a body that could not be read or parsed, by what package content says of it. Guards that
// need a body's tree refuse with it where there is none: what cannot be judged is not let through, and it is the
// message that is wrong, not the guard.
func Malformed(err error) Verdict {
	var c *content.Error
	if !errors.As(err, &c) {
		return Refuse(BodyMalformed, err.Error()).WithSetting(onlyMonitor)
	}
	reason, setting := BodyMalformed, onlyMonitor
	switch c.Code {
	case content.TooLarge:
		reason, setting = BodyTooLarge, "max_body"
	case content.TooComplex:
		reason = BodyTooComplex
	case content.UnsupportedEncoding:
		reason = BodyEncoding
	case content.UnsupportedMedia:
		reason = MediaUnsupported
	case content.Ambiguous:
		reason = BodyAmbiguous
	case content.Incomplete:
		reason = BodyIncomplete
	}
	return Refuse(reason, c.Error()).WithFields(Field{Detail: c.Error()}).WithSetting(setting)
}

// onlyMonitor lets a body through that nobody can judge: where every guard that would monitors.
const onlyMonitor = "mode: monitor"
