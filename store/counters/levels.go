package counters

import (
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/redis/rueidis"
)

//go:embed levels.lua
var levels string

var levelsScript = rueidis.NewLuaScript(levels)

// MaxLevels is how many kinds of requests one call may have.
const MaxLevels = 2048

// A Level is how many requests of one kind a process has in flight.
type Level struct {
	Key [16]byte
	N   int64
}

const levelLen = 16 + 8

// Levels tells what this process has in flight, at most [MaxLevels] kinds, and returns what the others have that were heard of lately:
// of each process what it told last.
func (c *Client) Levels(ctx context.Context, own []Level) (others []Level, err error) {
	client, _, err := c.connect(time.Now())
	if err != nil {
		return nil, err
	}
	mine := make([]byte, 0, len(own)*levelLen)
	for _, l := range own {
		mine = binary.BigEndian.AppendUint64(append(mine, l.Key[:]...), uint64(l.N))
	}
	answer, err := levelsScript.Exec(ctx, client, []string{c.prefix + "nodes", c.prefix + "levels"}, []string{c.node, number(Alive.Microseconds()), string(mine)}).AsStrSlice()
	if err != nil {
		return nil, err
	}
	for _, theirs := range answer {
		if len(theirs)%levelLen != 0 || len(theirs) > MaxLevels*levelLen {
			return nil, fmt.Errorf("the server has levels of %d bytes", len(theirs))
		}
		for b := []byte(theirs); len(b) > 0; b = b[levelLen:] {
			others = append(others, Level{[16]byte(b), int64(binary.BigEndian.Uint64(b[16:]))})
		}
	}
	return others, nil
}
