package explain

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/exchange"
)

// An Allow says what of the config would let an exchange of this kind pass a guard that refused it.
type Allow struct {
	// Lines are YAML from the top of the config, to be merged with what stands there: mappings by their keys, the list of
	// apis by name, other lists by being longer. "" where no lines of the config allow it.
	Lines string
	// Why says what the lines mean for others, or why there are none.
	Why string
}

// Allowing is what would allow what a cause of the record refused.
func Allowing(r *exchange.Record, c Cause) Allow {
	if make, known := allowing[c.Code]; known {
		return make(place{r, c})
	}
	family, _, _ := strings.Cut(c.Code, ".")
	switch family {
	case "protocol":
		return none("The message has no single meaning, so no setting lets it through: whoever sends it must change it.")
	case "identity":
		return none("The credential itself is not acceptable: its bearer needs another one. Whom the gateway trusts stands in identity.")
	case "forward":
		return none("It was not refused by a rule: the upstream failed. upstream in the config says how it is called.")
	case "content":
		return place{r, c}.unread()
	}
	return place{r, c}.watched()
}

// allowing are the reasons for which there is more to say than that the guard could watch only.
var allowing = map[string]func(place) Allow{
	exchange.HeadTooLarge.Code:     fixed("Raise max_header of the entry of listen by which the client came in: the record does not tell which."),
	exchange.PlainHTTP.Code:        fixed("The client must speak HTTPS."),
	exchange.BadUpgrade.Code:       func(p place) Allow { return p.setting("Upgrades to WebSocket pass then.", "streaming: websocket") },
	exchange.Internal.Code:         fixed("A guard could not judge, and what is not judged does not pass. The log has the cause."),
	exchange.NotReady.Code:         fixed("The gateway was starting or ending. Clients try again."),
	exchange.UnknownHost.Code:      fixed("Add the host to hosts of the API that is to serve it: which one that is the record does not tell."),
	exchange.UnknownOperation.Code: place.unknown,
	exchange.MethodNotAllowed.Code: place.unknown,
	exchange.Listed.Code:           fixed("Take the entry out of its list, or put the address into a list with action: allow. The files are read again when they change."),
	exchange.BotRefused.Code:       place.rated,
	exchange.CredentialsMissing.Code: func(p place) Allow {
		return p.modes("Everybody may call it then, without a credential, for this operation. Where it has no roles and scopes, anonymous: true says the same.", "identity", "policy.operation")
	},
	exchange.RoleMissing.Code:     place.role,
	exchange.RuleDenied.Code:      place.rule,
	exchange.BodyTooLarge.Code:    place.larger,
	exchange.BodyIncomplete.Code:  fixed("The body was not there as a whole. Clients try again."),
	exchange.ParamsInvalid.Code:   place.relaxed,
	exchange.UndeclaredField.Code: place.relaxed,
	exchange.BodyInvalid.Code:     place.relaxed,
	exchange.ResponseUndeclared.Code: func(p place) Allow {
		return p.ofAPI("Answers with any status pass then.", "validate: { undeclared_status: allow }")
	},
	exchange.Attack.Code:            place.excluded,
	exchange.SQLi.Code:              place.excluded,
	exchange.XSS.Code:               place.excluded,
	exchange.RCE.Code:               place.excluded,
	exchange.LFI.Code:               place.excluded,
	exchange.Protocol.Code:          place.excluded,
	exchange.SSRF.Code:              place.excluded,
	exchange.Leak.Code:              place.excluded,
	exchange.TooMuchText.Code:       place.excluded,
	exchange.InspectionBusy.Code:    fixed("It was not refused by a rule: too much was to be judged at once. Clients try again."),
	exchange.UpstreamBusy.Code:      fixed("The upstream is asked for more than it answers in time. Clients try again; upstream.adaptive of the API says from how many requests in flight on."),
	exchange.Banned.Code:            fixed("sallyport bans end lets the client in again; abuse.bans says when clients are banned."),
	exchange.ChallengeUnsolved.Code: fixed("The client solves a challenge, at the place that its refusal names, and shows what it gets for it: docs/challenge.md. apis[].challenge says how much work that is."),
	exchange.Overloaded.Code:        fixed("There was more work than the processors can do. Clients try again; abuse.overload says when strangers are refused."),
	exchange.UpstreamError.Code: func(p place) Allow {
		return p.ofAPI("Bodies of failures reach clients then, with whatever they tell.", "protect: { errors: pass }")
	},
	exchange.CORSRefused.Code: place.origin,
}

func none(why string) Allow { return Allow{Why: why} }

func fixed(why string) func(place) Allow { return func(place) Allow { return none(why) } }

// A place is where a cause would be allowed.
type place struct {
	r *exchange.Record
	c Cause
}

// ofAPI are lines of the API.
func (p place) ofAPI(why string, lines ...string) Allow {
	if p.r.API == "" {
		return none("No API of the config was matched, so there is no place for a setting.")
	}
	return Allow{Lines: "apis:\n  - name: " + scalar(p.r.API) + "\n    " + strings.Join(lines, "\n    ") + "\n", Why: why}
}

// setting are lines of the operation; where there is none, of the API.
func (p place) setting(why string, lines ...string) Allow {
	if p.r.Operation == "" || p.r.Undocumented {
		return none("The operation is not in the spec, so there is no place for a setting of it.")
	}
	return p.ofAPI(why, "operations:\n      "+strconv.Quote(p.r.Operation)+":\n        "+strings.Join(lines, "\n        "))
}

// modes are lines that let guards watch only: of the operation, where it is one of the spec.
func (p place) modes(why string, guards ...string) Allow {
	line := "modes: { " + strings.Join(guards, ": monitor, ") + ": monitor }"
	if p.r.Operation == "" || p.r.Undocumented {
		return p.ofAPI(strings.Replace(why, "for this operation", "for every operation of the API", 1), line)
	}
	return p.setting(why, line)
}

// watched lets the guard that refused watch only.
func (p place) watched() Allow {
	if p.c.Guard == "content" {
		return p.unread()
	}
	why := p.c.Guard + " only records then what it would have refused, for this operation."
	if p.c.Setting != "" && p.c.Setting != "mode: monitor" {
		why += " Narrower, where it fits: " + p.c.Setting + "."
	}
	return p.modes(why, p.c.Guard)
}

// unread lets a body pass that nobody can read: no guard that would read it enforces then.
func (p place) unread() Allow {
	if p.r.Upstream != nil {
		return p.modes("The answer passes unread then for this operation: nobody looks for what must not leave.", "validate.response", "policy.object", "inspect.response", "protect")
	}
	return p.modes("The body passes unread then for this operation: nobody checks its fields, owners and attacks.", "validate.body", "policy.object", "inspect.body", "inspect.url", "limit.spend")
}

func (p place) unknown() Allow {
	return p.ofAPI("What the spec does not know passes then through every guard that needs no spec, for the whole API. To declare it in the spec is the better way.", "unknown: inspect")
}

var quotedWord = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// rated lets clients with the rating pass.
func (p place) rated() Allow {
	if p.r.Bot == nil {
		return p.watched()
	}
	return p.ofAPI("All clients with this rating pass then. A caller with a credential that is verified passes without.", "bots: { "+string(p.r.Bot.Rating)+": monitor }")
}

// role adds a role of the caller to those that the operation asks for.
func (p place) role() Allow {
	asked, ok := strings.CutPrefix(p.c.Detail, "needs one of the roles [")
	if !ok {
		return p.watched()
	}
	if p.r.Principal == nil || len(p.r.Principal.Roles) == 0 {
		return none("The caller has no role: its issuer, or the key, must say one. The operation " + p.c.Detail + ".")
	}
	roles := quotedWord.FindAllString(asked, -1)
	if own := strconv.Quote(p.r.Principal.Roles[0]); !slices.Contains(roles, own) {
		roles = append(roles, own)
	}
	return p.setting("Everybody with the role may call the operation then.", "roles: [ "+strings.Join(roles, ", ")+" ]")
}

func (p place) rule() Allow {
	return p.setting("The rule of the operation is gone then; write into it what the caller may.", `allow: "true"`)
}

// larger is a bound of twice what was read of the body: how much there was is not known.
func (p place) larger() Allow {
	why, size := "How large the body was is not recorded, since it was not read to its end: this is twice what was read.", 2*p.r.BytesIn
	if told := declaredSize.FindStringSubmatch(p.c.Detail); told != nil {
		n, _ := strconv.ParseInt(told[1], 10, 64) // of digits; a bound of 2 KiB is never wrong
		why, size = "The operation's bodies may be as large as this one then.", max(size, n)
	}
	return p.setting(why, fmt.Sprintf("max_body: %dKiB", max(size+1023, 2<<10)>>10))
}

// declaredSize is in the detail of a body that says how large it is.
var declaredSize = regexp.MustCompile(`the body of (\d+) bytes`)

// relaxation is a setting of the API's validation that is known to allow it.
var relaxation = regexp.MustCompile(`^apis\[.*\]\.validate\.(undeclared|undeclared_params): (strip|log)$`)

func (p place) relaxed() Allow {
	m := relaxation.FindStringSubmatch(p.c.Setting)
	if m == nil {
		return p.watched()
	}
	why := "What is not declared is taken out before it is forwarded then, for the whole API."
	if m[2] == "log" {
		why = "What is not declared is forwarded then, for the whole API."
	}
	return p.ofAPI(why, "validate: { "+m[1]+": "+m[2]+" }")
}

// excluded puts what the inspection says of itself in its place.
func (p place) excluded() Allow {
	if entries, ok := strings.CutPrefix(p.c.Setting, "apis[].inspect.exclude:\n"); ok {
		return p.ofAPI("The rule no longer looks at this field of the operation.", "inspect:\n      exclude:\n        "+strings.ReplaceAll(entries, "\n", "\n        "))
	}
	if line, ok := strings.CutPrefix(p.c.Setting, "apis[].inspect.urls."); ok {
		return p.ofAPI("URLs of this host pass then.", "inspect: { urls: { "+line+" } }")
	}
	if line, ok := strings.CutPrefix(p.c.Setting, "apis[].inspect."); ok {
		return p.ofAPI("The rules look at so much then.", "inspect: { "+line+" }")
	}
	return p.watched()
}

// origin adds what a preflight asked for to the CORS settings.
func (p place) origin() Allow {
	for _, kind := range []string{"origin", "header"} {
		if value, ok := strings.CutPrefix(p.c.Detail, kind+" "); ok && value != "" {
			return p.ofAPI("Pages of this origin may call the API then, with what the settings allow.", "protect: { cors: { "+kind+"s: [ "+strconv.Quote(value)+" ] } }")
		}
	}
	return p.watched()
}

var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

// scalar is a text in YAML.
func scalar(s string) string {
	if plain.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}
