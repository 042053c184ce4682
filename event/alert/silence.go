package alert

import (
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/config"
)

// A Silence keeps alerts of a rule, or of one key of it, from being sent until it expires. They are raised all the same.
type Silence struct {
	ID     string    `json:"id,omitempty"` // of one that people have made
	Rule   string    `json:"rule"`
	Key    string    `json:"key,omitempty"` // "": every one
	Until  time.Time `json:"until"`
	Reason string    `json:"reason"`
	By     string    `json:"by,omitempty"` // who has made it
}

func fixedSilence(c config.Silence) (Silence, error) {
	until, err := time.Parse(time.RFC3339, c.Until)
	if err != nil {
		if until, err = time.Parse(time.DateOnly, c.Until); err != nil {
			return Silence{}, fmt.Errorf("until is not a day like 2027-01-31 or a time like 2027-01-31T08:00:00Z")
		}
	}
	if c.Rule == "" || c.Reason == "" {
		return Silence{}, errors.New("a silence needs rule, until and reason")
	}
	return Silence{Rule: c.Rule, Key: c.Key, Until: until, Reason: c.Reason}, nil
}

// silenced is the reason for which nobody is told of an alert; "" where people are.
func (a *Alerts) silenced(alert *Alert, now time.Time) string {
	list := a.fixed
	if a.o.Silences != nil {
		list = append(list[:len(list):len(list)], a.o.Silences()...)
	}
	for _, s := range list {
		if s.Rule == alert.Rule && (s.Key == "" || s.Key == alert.Key) && now.Before(s.Until) {
			return s.Reason
		}
	}
	return ""
}
