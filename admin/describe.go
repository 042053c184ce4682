package admin

import (
	_ "embed"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/sallyport/sallyport/admin/people"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/forward"
	"github.com/sallyport/sallyport/gateway"
	"github.com/sallyport/sallyport/inspect"
	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/openapi"
)

//go:embed openapi.yaml
var description []byte

// operations are the answers, by operationId of the description.
func (a *admin) operations() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"signIn": a.signIn, "whoAmI": a.whoAmI, "signOut": a.signOut, "changePassword": a.changePassword,
		"signInElsewhere": a.signInElsewhere, "comeBack": a.comeBack,
		"listUsers": a.listUsers, "addUser": a.addUser, "setRole": a.setRole, "setPassword": a.setPassword, "endSessions": a.endSessions, "removeUser": a.removeUser,
		"listTokens": a.listTokens, "createToken": a.createToken, "revokeToken": a.revokeToken,
		"listKeys": a.listKeys, "createKey": a.createKey, "rotateKey": a.rotateKey, "revokeKey": a.revokeKey,
		"getConfig": a.getConfig, "checkConfig": a.checkConfig, "applyConfig": a.applyConfig,
		"listVersions": a.listVersions, "getVersion": a.getVersion, "restoreVersion": a.restoreVersion, "setMode": a.setMode,
		"previewMode": a.previewMode, "listEvents": a.events, "listFindings": a.findings, "countBy": a.top, "countOverTime": a.histogram,
		"listProposals": a.listProposals, "getProposal": a.getProposal, "approveProposal": a.approveProposal, "rejectProposal": a.rejectProposal,
		"listExchanges": a.exchanges, "getExchange": a.exchange,
		"listAlerts": a.alerts, "listSilences": a.silences, "silence": a.silence, "endSilence": a.endSilence, "listSinks": a.sinks, "replay": a.replay, "suggestLimits": a.suggestLimits, "getReport": a.reported,
		"listBans": a.listBans, "ban": a.ban, "endBan": a.endBan,
		"listQuotas": a.quotas, "getPosture": a.posture, "listReasons": a.reasons, "listKinds": a.kinds, "reload": a.reload, "getDocument": document,
	}
}

// api puts our own guards before the operations. It fails where what is described and what is answered differ.
func (a *admin) api(answers config.Mode) (http.Handler, error) {
	doc, problems := openapi.Parse("openapi.yaml", description, openapi.Options{})
	if doc == nil {
		return nil, problems
	}
	handlers, mux := a.operations(), http.NewServeMux()
	for _, op := range doc.Operations {
		h := handlers[op.ID]
		if h == nil {
			return nil, fmt.Errorf("admin: nobody answers %s", op.ID)
		}
		mux.Handle(op.Method+" "+op.Path, h)
		delete(handlers, op.ID)
	}
	for id := range handlers {
		return nil, fmt.Errorf("admin: %s is not described", id)
	}
	limiter := limit.New(limit.Options{Keys: 10_000})
	limiter.Apply(config.Abuse{Bans: config.Bans{After: -1}}) // nobody could see them, or end them
	parts := &gateway.Parts{Limiter: limiter, Upstreams: forward.NewPool(), Inspectors: new(inspect.Pool), Record: a.noted}
	snapshot, err := gateway.BuildLocal(gateway.Local{Settings: settings(answers), Document: doc, Identity: a.identity(), Handler: mux}, parts)
	if err != nil {
		return nil, err
	}
	g := gateway.New(parts)
	g.Swap(snapshot)
	return g, nil
}

// settings of our own API: its answers are ours, and its texts are configurations, which look like attacks. Guessing is
// cut off after a minute's worth.
func settings(answers config.Mode) config.API {
	return config.API{Name: "admin", Refusals: &config.Rate{Limit: 60}, MaxResponse: 64 << 20,
		Modes: map[string]config.Mode{"inspect": config.Off, "protect": config.Off, "validate.response": answers}}
}

// noted tells of what the guards refused. What only comes too often is not told: that would be a way to flood sinks.
func (a *admin) noted(r *exchange.Record) {
	if !r.Refused || r.Guard == "limit.admit" || r.Guard == "limit.spend" {
		return
	}
	if r.Guard != "identity" && r.Guard != "policy.operation" {
		slog.Warn("the admin API refused", "exchange", r.ID, "client", r.Client, "method", r.Method, "path", r.Path, "code", r.Code, "detail", r.Detail)
		return
	}
	e := exchange.NewEvent(exchange.AdminRefused, "the admin API refused "+r.Operation+": "+r.Code)
	e.Object, e.Data = r.Operation, map[string]string{"exchange": r.ID, "code": r.Code}
	e.Subject = r.Client // whom it concerns as far as anybody knows, kept sealed
	if r.Principal != nil {
		e.Actor = people.Called(r.Principal.Subject)
	}
	a.tell(e)
}

func document(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(description) // the operator has gone
}
