package event

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// many is an archive with thirty exchanges: every third is refused, the tenth ones by another guard of another API; those
// that end in 5 are monitored, those in 7 have a finding, the client of 4 and 24 is hostile and that of all others but the tenth ones verified; what passed has status 200, or 503 where the place ends in 1.
func many(t *testing.T) *Archive {
	a := archive(t, t.TempDir(), ArchiveOptions{})
	for i := 1; i <= 30; i++ {
		r := at(i)
		switch {
		case i%10 == 0:
			r.API, r.Operation, r.Method, r.Principal = "other", "POST /things", "POST", nil
			r.Refused, r.Guard, r.Code, r.Status, r.OWASP = true, "identity", "identity.missing", 401, "API2"
		case i%3 == 0:
			r = denied(i)
		case i%10 == 5:
			r.Steps = append(r.Steps, exchange.RecordStep{Guard: "inspect.body", Mode: config.Monitor, Code: "inspect.sqli"})
		case i%10 == 7:
			r.Findings = []exchange.Finding{{Guard: "protect.mask", Rule: "pan", Severity: exchange.High}, {Guard: "protect.mask", Rule: "pan", Severity: exchange.High}}
		case i%10 == 1:
			r.Status = 503
		}
		switch {
		case i%20 == 4:
			r.Bot = &exchange.RecordBot{Rating: exchange.Hostile}
		case i%10 != 0:
			r.Bot = &exchange.RecordBot{Rating: exchange.Verified}
		}
		a.Record(r)
	}
	a.Close()
	return a
}

func TestSelect(t *testing.T) {
	a := many(t)
	list, err := a.Select(t.Context(), Filter{})
	if err != nil || len(list) != 30 {
		t.Fatalf("%d, %v", len(list), err)
	}
	id := func(i int) string { return list[30-i].ID }
	for name, c := range map[string]struct {
		filter Filter
		want   string
	}{
		"newest":             {Filter{Limit: 3}, "30 29 28"},
		"next page":          {Filter{Limit: 3, Before: id(28)}, "27 26 25"},
		"last page":          {Filter{Limit: 3, Before: id(2)}, "1"},
		"after the last":     {Filter{Before: id(1)}, ""},
		"no cursor":          {Filter{Before: "nothing"}, ""},
		"forgotten cursor":   {Filter{Before: exchange.NewID(began.Add(3 * time.Second))}, "2 1"},
		"time":               {Filter{From: began.Add(3 * time.Second), To: began.Add(6 * time.Second)}, "5 4 3"},
		"api":                {Filter{API: "other"}, "30 20 10"},
		"operation":          {Filter{Operation: "POST /things"}, "30 20 10"},
		"method":             {Filter{Method: "POST"}, "30 20 10"},
		"status":             {Filter{StatusFrom: 500}, "11 1"},
		"status range":       {Filter{StatusFrom: 400, StatusTo: 403}, "30 20 10"},
		"refused":            {Filter{Outcome: "refused", Limit: 4}, "30 27 24 21"},
		"monitored":          {Filter{Outcome: "monitored"}, "25 5"},
		"noticed":            {Filter{Outcome: "noticed"}, "17 7"},
		"passed":             {Filter{Outcome: "passed", Limit: 3}, "29 28 26"},
		"told":               {Filter{Outcome: "told", Limit: 5}, "30 27 25 24 21"},
		"no outcome":         {Filter{Outcome: "odd"}, ""},
		"code":               {Filter{Code: "identity.missing"}, "30 20 10"},
		"monitored code":     {Filter{Code: "inspect.sqli"}, "25 5"},
		"code, paged":        {Filter{Code: "policy.not_owner", Limit: 2, Before: id(24)}, "21 18"},
		"owasp":              {Filter{OWASP: "API2"}, "30 20 10"},
		"guard":              {Filter{Guard: "inspect.body"}, "25 5"},
		"rule":               {Filter{Rule: "pan"}, "17 7"},
		"rule of a refusal":  {Filter{Rule: "inspect.sqli"}, "25 5"},
		"rule and api":       {Filter{Rule: "pan", API: "other"}, ""},
		"client":             {Filter{Client: "203.0.113.1", Limit: 2}, "28 25"},
		"subject":            {Filter{Subject: "user-1", Limit: 3}, "26 21 16"},
		"rating":             {Filter{Rating: "hostile"}, "24 4"},
		"rating, paged":      {Filter{Rating: "verified", Limit: 2, Before: id(25)}, "23 22"},
		"rating, outcome":    {Filter{Rating: "hostile", Outcome: "refused"}, "24"},
		"rating, operation":  {Filter{Rating: "verified", Operation: "GET /orders/{id}", Limit: 2}, "29 28"},
		"rating, client":     {Filter{Rating: "hostile", Client: "203.0.113.1"}, "4"},
		"no such client":     {Filter{Rating: "likely_human"}, ""},
		"no rating":          {Filter{Rating: "odd"}, ""},
		"together":           {Filter{API: "shop", Code: "policy.not_owner", Client: "203.0.113.0", Subject: "user-4"}, "24 9"},
		"together, paged":    {Filter{API: "shop", Subject: "user-4", Limit: 1, Before: id(24)}, "19"},
		"client, status":     {Filter{Client: "203.0.113.1", StatusFrom: 503, StatusTo: 503}, "1"},
		"id":                 {Filter{ID: id(9)}, "9"},
		"id, small letters":  {Filter{ID: fmt.Sprintf("%.20s", "0"+id(9)[1:])}, "9"},
		"beginning of an id": {Filter{ID: id(9)[:10]}, "9"},
		"everything":         {Filter{ID: id(9)[:3], Limit: 2}, "30 29"},
		"no id":              {Filter{ID: "!"}, ""},
		"nobody":             {Filter{Subject: "user-9"}, ""},
		"nowhere":            {Filter{API: "nothing"}, ""},
		"no SQL":             {Filter{API: "shop' OR '1'='1"}, ""},
		"no SQL in cursor":   {Filter{Before: "x') OR 1=1 --"}, ""},
		"no SQL in id":       {Filter{ID: id(9)[:10] + "' OR 1=1 --"}, ""},
	} {
		if got := listed(t, a.Reader, c.filter); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if list, _ := a.Select(t.Context(), Filter{API: "none"}); list == nil {
		t.Error("a list of none is nil, and null in JSON")
	}
}

// What is rare is found in a crowd, by minutes, and as of a moment ago where it is not counted yet.
func TestSelectInACrowd(t *testing.T) {
	a := archive(t, t.TempDir(), ArchiveOptions{})
	for _, i := range []int{1, 4, 900} {
		a.Record(denied(i))
	}
	for i := range 1200 {
		a.Record(at(i))
	}
	now := denied(1)
	now.Time = time.Now()
	now.ID = exchange.NewID(now.Time)
	a.Record(now)
	a.Close()
	if _, err := a.store.DB().Exec(`UPDATE counts SET n = n + $1 WHERE width = 3600 AND outcome = 0`, crowded); err != nil {
		t.Fatal(err)
	}
	if _, err := a.store.DB().Exec(`DELETE FROM counts WHERE start > $1`, began.Add(2*time.Hour).Unix()); err != nil {
		t.Fatal(err)
	}
	q, err := a.compile(t.Context(), Filter{Code: "policy.not_owner"})
	if err != nil {
		t.Fatal(err)
	}
	var windows []window
	for w, err := range a.windows(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		windows = append(windows, w)
	}
	if len(windows) != 3 || windows[2].to-windows[2].from != seqOf(minute) {
		t.Errorf("%d windows", len(windows))
	}
	if got := listed(t, a.Reader, Filter{Code: "policy.not_owner"}); got != "1 900 4 1" {
		t.Error(got)
	}
	if got := listed(t, a.Reader, Filter{Guard: "policy.object", Limit: 2}); got != "1 900" {
		t.Error(got)
	}
}

func TestOverview(t *testing.T) {
	a := many(t)
	ctx := t.Context()
	for name, f := range map[string]Filter{
		"by minute":   {From: began, To: began.Add(time.Hour)},
		"by hour":     {From: began.Add(-12 * time.Hour), To: began.Add(24 * time.Hour)},
		"of all time": {},
		"by rows":     {ID: exchange.NewID(began)[:3]},
	} {
		s, err := a.Histogram(ctx, f, time.Hour)
		if err != nil || len(s.Buckets) != 1 || s.Partial {
			t.Errorf("%s: %+v %v", name, s, err)
			continue
		}
		if b := sum(s); b.Outcomes != [4]int64{14, 2, 2, 12} || b.Classes != [6]int64{2: 16, 4: 12, 5: 2} || !s.Buckets[0].Start.Equal(began) || name != "by rows" && b.Took != 30*3*time.Millisecond {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if s, err := a.Histogram(ctx, Filter{Client: "203.0.113.1"}, time.Minute); err != nil || sum(s).Total() != 10 {
		t.Errorf("of a client: %+v %v", s, err)
	}
	if s, err := a.Histogram(ctx, Filter{Rating: "hostile"}, time.Minute); err != nil || sum(s).Outcomes != [4]int64{1, 0, 0, 1} {
		t.Errorf("of a rating: %+v %v", s, err)
	}
	if list, err := a.Top(ctx, Filter{Rating: "hostile"}, "code", 9); err != nil || fmt.Sprint(list) != "[{policy.not_owner 1}]" {
		t.Errorf("codes of a rating: %v %v", list, err)
	}
	if s, err := a.Histogram(ctx, Filter{Rule: "pan"}, time.Minute); err != nil || sum(s).Total() != 2 {
		t.Errorf("of a rule: %+v %v", s, err)
	}
	for field, want := range map[string]string{
		"api": "[{shop 27} {other 3}]", "operation": "[{GET /orders/{id} 27} {POST /things 3}]", "method": "[{GET 27} {POST 3}]", "status": "[{200 16} {404 9}]",
		"outcome": "[{passed 14} {refused 12}]", "code": "[{policy.not_owner 9} {identity.missing 3}]", "owasp": "[{API1 9} {API2 3}]", "guard": "[{policy.object 9} {identity 3}]",
		"rule": "[{pan 4} {inspect.sqli 2}]",
	} {
		if list, err := a.Top(ctx, Filter{}, field, 2); err != nil || fmt.Sprint(list) != want {
			t.Errorf("%s: %v %v, want %s", field, list, err, want)
		}
	}
	for field, want := range map[string]string{"client": "[{203.0.113.0 10} {203.0.113.1 10} {203.0.113.2 10}]", "subject": "[{user-1 6} {user-2 6} {user-3 6} {user-4 6} {user-0 3}]"} {
		if list, err := a.Top(ctx, Filter{}, field, 5); err != nil || fmt.Sprint(list) != want {
			t.Errorf("%s: %v %v, want %s", field, list, err, want)
		}
	}
	if list, err := a.Top(ctx, Filter{Client: "203.0.113.0"}, "code", 9); err != nil || fmt.Sprint(list) != "[{policy.not_owner 9} {identity.missing 1}]" {
		t.Errorf("codes of a client: %v %v", list, err)
	}
	if _, err := a.Top(ctx, Filter{}, "record", 1); !errors.Is(err, ErrField) {
		t.Error(err)
	}
	noticed, err := a.Noticed(ctx, Filter{}, 10)
	if err != nil || len(noticed) != 2 || noticed[0].Rule != "pan" || noticed[0].N != 4 || noticed[0].Severity != exchange.High || noticed[0].Monitored || noticed[0].Operation != "GET /orders/{id}" ||
		noticed[1].Rule != "inspect.sqli" || !noticed[1].Monitored || noticed[1].Guard != "inspect.body" {
		t.Errorf("%+v %v", noticed, err)
	}
	took, err := a.Latencies(ctx, began, began.Add(time.Hour))
	if err != nil || len(took) != 4 || took[0].Guard != "" || took[0].N != 30 || took[0].Quantile(0.99) != 4096*time.Microsecond || took[1].Guard != "identity" || took[1].Quantile(0.5) != 128*time.Microsecond {
		t.Errorf("%+v %v", took, err)
	}
}

func TestEvents(t *testing.T) {
	a := archive(t, t.TempDir(), ArchiveOptions{})
	var all []*exchange.Event
	for i, k := range []*exchange.Kind{exchange.ConfigApplied, exchange.KeyRevoked, exchange.ConfigApplied} {
		e := exchange.NewEvent(k, fmt.Sprint(i))
		e.Time = began.Add(time.Duration(i) * time.Second)
		e.ID, e.Actor, e.Data = exchange.NewID(e.Time), "admin:grace", map[string]string{"hash": "x"}
		all = append(all, e)
		a.Event(e)
	}
	a.Event(exchange.NewEvent(exchange.RootRotated, "3"))
	a.Close()
	for name, c := range map[string]struct {
		filter EventFilter
		want   string
	}{
		"all": {EventFilter{}, "3 2 1 0 "}, "kind": {EventFilter{Kind: "config.applied"}, "2 0 "}, "no kind": {EventFilter{Kind: "odd"}, ""}, "limit": {EventFilter{Limit: 1}, "3 "},
		"before": {EventFilter{Before: all[2].ID}, "1 0 "}, "time": {EventFilter{From: began.Add(time.Second), To: began.Add(2 * time.Second)}, "1 "},
	} {
		list, err := a.Events(t.Context(), c.filter)
		got := ""
		for _, e := range list {
			got += e.Detail + " "
		}
		if err != nil || got != c.want {
			t.Errorf("%s: %q %v, want %q", name, got, err, c.want)
		}
	}
	if list, _ := a.Events(t.Context(), EventFilter{Kind: "key.revoked"}); len(list) != 1 || list[0].Actor != "admin:grace" || list[0].Data["hash"] != "x" || list[0].ID != all[1].ID {
		t.Errorf("%+v", list)
	}
}

// A walk visits all of a time range, the oldest first, over any number of pages.
func TestWalk(t *testing.T) {
	a := archive(t, t.TempDir(), ArchiveOptions{})
	const n = 2*walkPage + 7
	for i := range n {
		a.Record(at(i))
	}
	a.Close()
	var seen []*exchange.Record
	visit := func(r *exchange.Record) error { seen = append(seen, r); return nil }
	if err := a.Walk(t.Context(), began.Add(time.Second), began.Add(n*time.Second), visit); err != nil {
		t.Fatal(err)
	}
	if len(seen) != n-1 || seen[0].Path != "/orders/1" || seen[len(seen)-1].Path != fmt.Sprint("/orders/", n-1) {
		t.Errorf("%d exchanges, from %s", len(seen), seen[0].Path)
	}
	stop := errors.New("enough")
	if err := a.Walk(t.Context(), time.Time{}, time.Time{}, func(*exchange.Record) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

// What verdicts rest on is remembered by its hash, the last of it where there is too much.
func TestBases(t *testing.T) {
	a := archive(t, t.TempDir(), ArchiveOptions{})
	for i := range maxBases + 5 {
		if err := a.KeepBasis(t.Context(), fmt.Sprint("h", i), []byte(fmt.Sprint("basis ", i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.KeepBasis(t.Context(), "h1", []byte("another")); err != nil {
		t.Fatal(err)
	}
	bases, err := a.Bases(t.Context())
	if err != nil || len(bases) > maxBases+1 || bases["h1"] == nil {
		t.Errorf("%d bases, %v", len(bases), err)
	}
}
