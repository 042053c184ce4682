package keyring

import (
	"crypto/sha256"
	"sync"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// A key is an open data key.
type key struct {
	id   int64
	aead tink.AEAD
}

// A cache holds the keys used lately, at most twice cacheSize: when the young ones are that many they become the old
// ones, and what is not asked for again before the next turn is forgotten.
type cache struct {
	mu         sync.RWMutex
	young, old generation
	turns      int // grows when everything is forgotten
}

type generation struct {
	subjects map[string]key
	ids      map[int64]key
}

const cacheSize = 8192

func (c *cache) bySubject(subject string) (key, bool) {
	name := short(subject)
	c.mu.RLock()
	k, ok := c.young.subjects[name]
	old, was := c.old.subjects[name]
	turn := c.turns
	c.mu.RUnlock()
	if !ok && was {
		c.put(turn, name, old)
		return old, true
	}
	return k, ok
}

func (c *cache) byID(id int64) (key, bool) {
	c.mu.RLock()
	k, ok := c.young.ids[id]
	old, was := c.old.ids[id]
	turn := c.turns
	c.mu.RUnlock()
	if !ok && was {
		c.put(turn, "", old)
		return old, true
	}
	return k, ok
}

// turn is what put wants to be told: a key that was looked up before everything was forgotten must not come back.
func (c *cache) turn() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.turns
}

// put remembers a key by its number and, where there is one, by the short name of its subject.
func (c *cache) put(turn int, name string, k key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if turn != c.turns {
		return
	}
	if c.young.ids == nil || len(c.young.ids) >= cacheSize || len(c.young.subjects) >= cacheSize {
		c.old, c.young = c.young, generation{map[string]key{}, map[int64]key{}}
	}
	c.young.ids[k.id] = k
	if name != "" {
		c.young.subjects[name] = k
	}
}

func (c *cache) purge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.young, c.old = generation{}, generation{}
	c.turns++
}

// short bounds what a name takes in the cache; the tag keeps nobody's subject from being another's hash.
func short(subject string) string {
	if len(subject) <= 64 {
		return "=" + subject
	}
	sum := sha256.Sum256([]byte(subject))
	return "#" + string(sum[:])
}
