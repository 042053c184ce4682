package config

import "time"

// Mode of a guard. The zero Mode means "not said": the next wider setting applies.
type Mode string

// The modes.
const (
	Off     Mode = "off"     // the guard is not asked
	Monitor Mode = "monitor" // what would have happened is recorded, traffic is not changed
	Enforce Mode = "enforce" // the verdict counts
)

// Duration is a time span written as 300ms, 30s, 1m, 24h.
type Duration time.Duration

// Size is a number of bytes written as 512, 64 KiB, 1 MiB, 10 MB.
type Size int64
