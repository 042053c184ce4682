package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Mode of a guard. The zero Mode means "not said": the next wider setting applies.
type Mode string

// The modes.
const (
	Off     Mode = "off"     // the guard is not asked
	Monitor Mode = "monitor" // what would have happened is recorded, traffic is not changed
	Enforce Mode = "enforce" // the verdict counts
)

// UnmarshalText reads the written form.
func (m *Mode) UnmarshalText(text []byte) error {
	switch v := Mode(text); v {
	case Off, Monitor, Enforce:
		*m = v
		return nil
	}
	return fmt.Errorf("not one of off, monitor, enforce")
}

// Duration is a time span written as 300ms, 30s, 1m, 24h, 7d.
type Duration time.Duration

// Or returns the duration, or def where it was not set.
func (d Duration) Or(def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return time.Duration(d)
}

// UnmarshalText reads the written form; negative spans are refused.
func (d *Duration) UnmarshalText(text []byte) error {
	written, days := strings.CutSuffix(string(text), "d")
	unit := time.Duration(1)
	if days {
		written, unit = written+"h", 24
	}
	v, err := time.ParseDuration(written)
	if err != nil || v < 0 || v > math.MaxInt64/unit {
		return fmt.Errorf("not a duration like 30s, 1m, 24h or 7d")
	}
	v *= unit
	*d = Duration(v)
	return nil
}

// MarshalText is the written form, which can be read again.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String is the written form.
func (d Duration) String() string { return time.Duration(d).String() }

// Size is a number of bytes written as 512, 64KiB, 1MiB, 10MB.
type Size int64

// Or returns the size, or def where it was not set.
func (s Size) Or(def int64) int64 {
	if s == 0 {
		return def
	}
	return int64(s)
}

// units are tried in order; longer suffixes come first.
var units = []struct {
	suffix string
	factor int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}}

// UnmarshalText reads the written form.
func (s *Size) UnmarshalText(text []byte) error {
	number, factor := string(text), int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > (1<<40)/factor {
		return fmt.Errorf("not a size like 512, 64KiB or 1MiB")
	}
	*s = Size(n * factor)
	return nil
}

// MarshalText is the written form, which can be read again.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String is the written form in the largest binary unit that fits.
func (s Size) String() string {
	for _, u := range []int{2, 1, 0} {
		if f := Size(units[u].factor); s >= f && s%f == 0 {
			return fmt.Sprintf("%d%s", s/f, units[u].suffix)
		}
	}
	return strconv.FormatInt(int64(s), 10)
}
