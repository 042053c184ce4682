package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/inspect"
	"github.com/sallyport/sallyport/openapi"
)

// A Basis is what the verdicts of a snapshot rest on: enough to tell whether a guard of another snapshot would judge by
// the same settings. It holds no secret, and goes into the store, so that records can be judged again long afterwards.
type Basis struct {
	Hash string               `json:"hash"` // stands in every record of the snapshot
	APIs map[string]*APIBasis `json:"apis"`
}

// APIBasis is that of one API.
type APIBasis struct {
	Inspect    config.Inspect             `json:"inspect"`
	Rules      string                     `json:"rules"`      // what the attack rules are made of
	Operations map[string]*OperationBasis `json:"operations"` // by key
}

// OperationBasis is that of one operation.
type OperationBasis struct {
	Guards map[string]config.Mode `json:"guards"` // that are not off
	Prints map[string]string      `json:"prints"` // of the settings, for each guard's name or family
}

// Basis is that of the snapshot.
func (s *Snapshot) Basis() *Basis { return s.basis }

// found makes the basis, once everything is built.
func (s *Snapshot) found() {
	b := &Basis{APIs: map[string]*APIBasis{}}
	for _, a := range s.apis {
		of := &APIBasis{Inspect: a.settings.Inspect, Rules: a.attackRules, Operations: map[string]*OperationBasis{}}
		for _, p := range append(a.plans[:len(a.plans):len(a.plans)], a.door) {
			guards := a.posture(p).Guards
			of.Operations[p.op.Key] = &OperationBasis{guards, s.prints(a, p.op, guards)}
		}
		b.APIs[a.name] = of
	}
	b.Hash = print(b)
	s.basis = b
}

// prints are those of one operation. What a guard reads of its settings stands in its print; of what does not, none may
// depend.
func (s *Snapshot) prints(a *api, op *openapi.Operation, guards map[string]config.Mode) map[string]string {
	c, x := a.settings, &op.Ext
	asks := []any{op.Security, op.Declared, x.Anonymous, op.Undocumented, a.doc.Schemes, c.Security}
	message := []any{op.Print, x.Streaming, x.Sensitive, x.Owner, x.Properties}
	for _, scheme := range a.doc.Schemes {
		if scheme.In == "query" || scheme.In == "cookie" { // its parameter is declared by it
			message = append(message, asks)
			break
		}
	}
	urls, spared := inspect.AboutURLs(c.Inspect)
	return map[string]string{
		"identity":         print(asks, s.config.Identity, c.IdentityHeaders),
		"identities":       print(s.config.Identity),
		"policy.operation": print(asks, x.Roles, x.Scopes, x.Allow),
		"policy":           print(guards["identity"] == "", message, x.Allow),
		"limit":            print(c.Rate, c.Refusals, c.Concurrency, x.Rate, x.Cost, x.Concurrency, s.lists.Sum()),
		"limit.bot":        print(c.Bots, s.lists.Sum()),
		"abuse":            print(bansOf(s.config.Abuse.Bans), s.config.Abuse.Overload),
		"limit.quota":      print(s.config.Plans, c.Plan, c.Spend, x.Cost, x.Price),
		"validate":         print(message, c.Validate),
		"inspect":          print(c.Inspect, a.attackRules, x.Inspect),
		"inspect.url":      print(message, urls, spared),
		"extent":           print(x.Inspect),
		"protect":          print(message, c.Protect, x.CORS),
		"bounds":           print(x.MaxBody, c.MaxBody, x.MaxResponse, c.MaxResponse, x.Streaming),
	}
}

// bansOf are the settings that say who is banned: how that feels is another thing.
func bansOf(b config.Bans) config.Bans {
	b.Tarpit = 0
	return b
}

// printOf is the print of a guard's settings: its own, or that of its family.
func printOf(prints map[string]string, guard string) string {
	if own, ok := prints[guard]; ok {
		return own
	}
	family, _, _ := strings.Cut(guard, ".")
	return prints[family]
}

func print(parts ...any) string {
	text, err := json.Marshal(parts)
	if err != nil {
		panic(err) // plain structs of ours
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
