package counters

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/redis/rueidis"
)

// First reports whether no process has asked about the id before, and keeps it for a time, so that it is first only once. After an
// error nobody knows.
func (c *Client) First(ctx context.Context, id [16]byte, keep time.Duration) (bool, error) {
	client, _, err := c.connect(time.Now())
	if err != nil {
		return false, err
	}
	key := c.prefix + "once:" + base64.RawURLEncoding.EncodeToString(id[:])
	err = client.Do(ctx, client.B().Set().Key(key).Value("").Nx().Px(keep).Build()).Error()
	if rueidis.IsRedisNil(err) { // it was there
		return false, nil
	}
	return err == nil, err
}
