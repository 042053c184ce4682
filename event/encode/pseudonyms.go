package encode

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strings"
	"sync"
)

// Pseudonym marks what stands for a value.
const pseudonym = "~"

// pseudonyms makes them. Those of clients, agents and subjects come again and again and are remembered, at most twice
// rememberedPseudonyms: when the young ones are that many they become the old ones, and what is not asked for again is forgotten.
type pseudonyms struct {
	macs       sync.Pool
	mu         sync.RWMutex
	young, old map[string]string
}

const rememberedPseudonyms = 4096

func (p *pseudonyms) init(key []byte) {
	p.macs.New = func() any { return hmac.New(sha256.New, key) }
	p.young = map[string]string{}
}

// of a value that may come again.
func (p *pseudonyms) of(value string) string {
	p.mu.RLock()
	text, ok := p.young[value]
	if !ok {
		text = p.old[value]
	}
	p.mu.RUnlock()
	if ok {
		return text
	}
	if text == "" {
		text = p.fresh(value)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.young) >= rememberedPseudonyms {
		p.young, p.old = map[string]string{}, p.young
	}
	p.young[strings.Clone(value)] = text
	return text
}

// fresh is that of a value which hardly comes again.
func (p *pseudonyms) fresh(value string) string {
	mac := p.macs.Get().(hash.Hash)
	mac.Reset()
	mac.Write([]byte(value))
	var sum [sha256.Size]byte
	text := pseudonym + hex.EncodeToString(mac.Sum(sum[:0])[:8])
	p.macs.Put(mac)
	return text
}
