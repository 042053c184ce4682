package limit

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/exchange/expr"
	"github.com/sallyport/sallyport/limit/bot"
	"github.com/sallyport/sallyport/limit/challenge"
)

// bots are what one API does about ratings.
type bots struct {
	l             *Limiter
	actions       map[exchange.Rating]config.BotAction
	rate          *rule // of the action limit
	tarpit        time.Duration
	hosting       []string
	authenticated bool     // rated like everybody else
	fields        []string // in which credentials come
	challenge     *challenge.Keeper
	setting       string
}

// maxRated is of how many clients it is remembered what they did: 10 MiB, once they have come.
const maxRated = 1 << 17

const defaultTarpit = 10 * time.Second

func (l *Limiter) botsOf(api *config.API, at string) (b bots, err error) {
	c := api.Bots
	b = bots{l: l, tarpit: orDefault(time.Duration(c.Tarpit), defaultTarpit), hosting: c.Hosting, authenticated: c.Authenticated, setting: at + ".bots.",
		actions: map[exchange.Rating]config.BotAction{
			exchange.Verified: cmp.Or(c.Verified, config.BotAllow), exchange.LikelyHuman: cmp.Or(c.LikelyHuman, config.BotAllow),
			exchange.Suspected: cmp.Or(c.Suspected, config.BotAllow), exchange.Hostile: cmp.Or(c.Hostile, config.BotMonitor)}}
	rate := config.Rate{Limit: 30}
	if c.Limit != nil {
		rate = *c.Limit
	}
	if rate.By != "" && rate.By != "client" {
		return b, &Error{b.setting + "limit.by", errors.New("bots are counted by client")}
	}
	rate.By = "client"
	b.rate, err = l.newRule(api.Name+"\x00bots", "bots", b.setting+"limit", rate, expr.Scope{})
	return b, err
}

// Bots builds the two guards "limit.bot". The first one (OnConnect) rates every client and acts, unless a credential came along: fields
// are those in which credentials come; k knows who has solved a challenge. The second one (OnHead, behind identity) acts where the first did not: by then a credential
// has been verified, which makes its bearer verified, or it has not.
func (r *Rules) Bots(fields []string, k *challenge.Keeper) []exchange.Guard {
	b := r.bots
	b.fields, b.challenge = fields, k
	return []exchange.Guard{
		{Name: "limit.bot", Phase: exchange.OnConnect, Check: b.meet},
		{Name: "limit.bot", Phase: exchange.OnHead, Check: b.know},
	}
}

func (b *bots) meet(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if e.Bot.Rating == "" { // else it is a record that is judged again
		e.Bot = b.judge(e)
	}
	if b.presented(e) {
		return exchange.Pass, nil
	}
	return b.act(e), nil
}

func (b *bots) know(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	switch {
	case e.Bot.Action != "": // it was acted already
		return exchange.Pass, nil
	case e.Principal != nil && !b.authenticated:
		e.Bot.Rating, e.Bot.Marks = exchange.Verified, e.Bot.Marks|uint32(bot.Authenticated)
	}
	return b.act(e), nil
}

// presented reports whether a credential came along, good or not: identity looks at it before anything is done about a rating. Who
// makes one up gains nothing but that it is looked at.
func (b *bots) presented(e *exchange.Exchange) bool {
	if e.Principal != nil || e.Request.TLS != nil && len(e.Request.TLS.PeerCertificates) > 0 {
		return true
	}
	for _, name := range b.fields {
		if len(e.Request.Header[name]) > 0 {
			return true
		}
	}
	return false
}

func (b *bots) judge(e *exchange.Exchange) exchange.Bot {
	if e.Agent != nil {
		return exchange.Bot{Rating: exchange.Verified, Marks: uint32(bot.Proved)}
	}
	f := bot.Of(e)
	k := b.l.client(b.l.rated, e.Client.Addr)
	f.Did = b.l.memory.Recall(k.hi, k.lo, time.Duration(b.l.ticks()))
	f.Hosting = len(b.hosting) > 0 && b.l.lists.Load().On(e.Client.Addr, b.hosting, b.l.now)
	return bot.Judge(&f)
}

// act does what the config says of the rating.
func (b *bots) act(e *exchange.Exchange) exchange.Verdict {
	action := b.actions[e.Bot.Rating]
	e.Bot.Action = string(action)
	switch action {
	case config.BotAllow:
		return exchange.Pass
	case config.BotMonitor:
		e.Findings = append(e.Findings, exchange.Finding{Guard: "limit.bot", Rule: "bot." + string(e.Bot.Rating), Message: because(e), Field: "client", Severity: exchange.Low, Score: e.Bot.Points})
		return exchange.Pass
	case config.BotLimit:
		now := b.l.ticks()
		tat, ok := b.l.counters.take(b.l.client(b.rate.id, e.Client.Addr), b.rate.id, &b.rate.rate, now, 1)
		if ok {
			return exchange.Pass
		}
		return b.refuse(e, exchange.RateExceeded).WithRetry(after(b.rate.wait(tat, now, 1)))
	case config.BotChallenge:
		if e.AtChallenge || b.challenge.Solved(e) {
			return exchange.Pass
		}
		return b.refuse(e, exchange.ChallengeUnsolved).WithChallenge()
	case config.BotTarpit:
		return b.refuse(e, exchange.BotRefused).WithHold(b.tarpit)
	}
	return b.refuse(e, exchange.BotRefused)
}

func (b *bots) refuse(e *exchange.Exchange, reason *exchange.Reason) exchange.Verdict {
	return exchange.Refuse(reason, because(e)).WithSetting(b.setting + string(e.Bot.Rating) + ": " + e.Bot.Action)
}

// because puts a rating into words.
func because(e *exchange.Exchange) string {
	return "the client is " + string(e.Bot.Rating) + ": " + strings.Join(bot.Reasons(e.Bot.Marks), "; ")
}

// remember notes what came of a request whose client proved nothing. What this package refused says nothing of what was asked for, and
// still was a request.
func (b *bots) remember(e *exchange.Exchange, status int) {
	if e.Bot.Rating == "" || e.Agent != nil || e.Principal != nil && !b.authenticated {
		return
	}
	a := bot.Act{At: time.Duration(b.l.ticks()), Status: status}
	if v := e.Verdict; v.Refused() {
		family, _, _ := strings.Cut(v.Reason.Code, ".")
		a.Attack = family == "inspect"
		if !chargeable(v) {
			a.Status = 0
		}
	}
	a.Denied = a.Status == http.StatusUnauthorized && e.Verdict.Reason != exchange.CredentialsMissing
	if op := e.Operation; op == nil || op.Undocumented || strings.IndexByte(op.Path, '{') >= 0 {
		a.Object = maphash.String(b.l.seeds[2], e.Target.Path)
	}
	k := b.l.client(b.l.rated, e.Client.Addr)
	b.l.memory.Note(k.hi, k.lo, a)
}
