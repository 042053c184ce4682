//go:build !unix

package main

import (
	"os"
	"time"
)

// upgrades never come where there is no such signal.
func upgrades() (usr2 chan os.Signal, stop func()) { return nil, func() {} }

func monotonic() time.Duration { return 0 }
