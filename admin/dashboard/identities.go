package dashboard

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/limit/quota"
)

type identities struct {
	Principals tops
	Clients    tops
	Keys       listing[keyRow]
	Quotas     listing[quota.Used]
	Banned     listing[bannedRow]
	Rates      rates
	Subject    string
	Last       []*exchange.Record // of the one principal
	Refused    tops
}

// keyRow is an API key of the store.
type keyRow struct {
	identity.StoredKey
	State string // works, warns (expires within a week), or fails
	Words string
	N     int64 // exchanges of its subject in the range
	Href  string
}

func (d *dashboard) identities(ctx context.Context, _ *http.Request, s *scope) (view, error) {
	q := s.selection()
	i := identities{Subject: q.Subject}
	var principals, clients []event.Share
	err := together(func() (err error) { principals, err = d.Archive.Top(ctx, q, "subject", mostRanked); return err },
		func() (err error) { clients, err = d.Archive.Top(ctx, q, "client", mostRanked); return err })
	if err != nil {
		return view{}, err
	}
	i.Principals = tops{Caption: "Principals by exchanges", What: "Principal", Of: "Exchanges", None: "Nobody was recognized in this time. Principals come from tokens, keys and certificates: identity and apis[].security in the config."}.rank(s, "principals", principals, mostRanked, identitiesShown, func(c event.Share) topRow {
		return topRow{Label: c.Value, Href: s.With("subject", c.Value)}
	})
	i.Clients = tops{Caption: "Clients by exchanges", What: "Client", Of: "Exchanges", None: "There were no exchanges in this time."}.rank(s, "clients", clients, mostRanked, identitiesShown, func(c event.Share) topRow {
		return topRow{Label: c.Value, Href: s.Exchanges("client", c.Value)}
	})
	keys, err := d.keyRows(ctx, s, principals)
	if err != nil {
		return view{}, err
	}
	i.Keys = tabled(s, "keys", keys, identitiesShown, keyColumns(len(principals) >= mostRanked)...)
	i.Quotas, i.Banned = d.quotas(s), d.banned(s)
	if i.Rates, err = d.rates(s); err != nil {
		return view{}, err
	}
	if q.Subject != "" {
		if err := d.principal(ctx, s, q, &i); err != nil {
			return view{}, err
		}
	}
	return view{Title: "Identities", Scope: s, Data: i, Tables: []exporter{i.Principals, i.Clients, i.Keys, i.Quotas, i.Banned, i.Rates.Table, i.Refused}}, nil
}

// keyColumns are those of the keys; where not every principal was counted, they are not sorted by use.
func keyColumns(cut bool) []column[keyRow] {
	return []column[keyRow]{
		{Name: "key", Label: "Key", Cell: func(r keyRow) any { return r.ID }},
		{Name: "subject", Label: "Subject", Cell: func(r keyRow) any { return r.Subject }},
		{Name: "tenant", Cell: func(r keyRow) any { return r.Tenant }},
		{Name: "state", Label: "State", Cell: func(r keyRow) any { return r.Words }},
		{Name: "plan", Label: "Plan", Class: "wide", Cell: func(r keyRow) any { return r.Plan }},
		{Name: "roles", Label: "Roles", Class: "wide", Cell: func(r keyRow) any { return r.Roles }},
		{Name: "created", Label: "Created", Class: "wide", Cell: func(r keyRow) any { return r.Created }},
		{Name: "exchanges", Label: "Exchanges", Class: "n wide", Cell: func(r keyRow) any { return r.N }, Plain: cut},
	}
}

// together asks the archive for what does not depend on each other.
func together(asks ...func() error) error {
	errs := make([]error, len(asks))
	var all sync.WaitGroup
	for i, ask := range asks {
		all.Go(func() { errs[i] = ask() })
	}
	all.Wait()
	return errors.Join(errs...)
}

// principal adds what one principal did.
func (d *dashboard) principal(ctx context.Context, s *scope, q event.Filter, i *identities) error {
	q.Limit = 10
	var err error
	if i.Last, err = d.Archive.Select(ctx, q); err != nil {
		return err
	}
	q.Outcome = refused
	codes, err := d.Archive.Top(ctx, q, "code", mostRanked)
	if err != nil {
		return err
	}
	i.Refused = tops{Caption: "Refusals by reason", What: "Reason", Of: "Refused", Class: refused, None: "Nothing was refused to this principal."}.rank(s, "refused", codes, mostRanked, identitiesShown, func(c event.Share) topRow {
		return topRow{Label: c.Value, Href: s.Exchanges("outcome", refused, "code", c.Value)}
	})
	return nil
}

// identitiesShown are the rows of one page of principals, clients and keys.
const identitiesShown = 25

// soon is when the end of a key is worth a word.
const soon = 7 * 24 * time.Hour

func (d *dashboard) keyRows(ctx context.Context, s *scope, principals []event.Share) ([]keyRow, error) {
	keys, err := d.Keys(ctx)
	if err != nil {
		return nil, err
	}
	used := map[string]int64{}
	for _, c := range principals {
		used[c.Value] = c.N
	}
	var rows []keyRow
	for _, k := range keys {
		if s.Get("subject") != "" && k.Subject != s.Get("subject") {
			continue
		}
		r := keyRow{StoredKey: k, N: used[k.Subject], Href: s.With("subject", k.Subject)}
		switch {
		case !k.Revoked.IsZero() && !k.Revoked.After(s.now):
			r.State, r.Words = "fails", "revoked "+k.Revoked.UTC().Format(time.DateOnly)
		case k.Expires.IsZero():
			r.State, r.Words = "works", "valid, never expires"
		case k.Expires.Before(s.now):
			r.State, r.Words = "fails", "expired "+k.Expires.UTC().Format(time.DateOnly)
		case k.Expires.Before(s.now.Add(soon)):
			r.State, r.Words = "warns", "expires "+k.Expires.UTC().Format(time.DateOnly)
		default:
			r.State, r.Words = "works", "valid until "+k.Expires.UTC().Format(time.DateOnly)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func noKeys() *empty {
	return &empty{Title: "The store has no API keys", Text: "A key is shown once, when it is made, and kept as a hash. Keys that stand in the config are not listed here.", Lines: []string{"sallyport keys create --subject partner --roles partner"}}
}
