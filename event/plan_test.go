package event

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit/databases"
)

// No list is sorted or walked from end to end: each query has an index that gives rows in its order. (SQLite; the indexes
// of PostgreSQL are the same.)
func TestPlans(t *testing.T) {
	if databases.OnPostgres() {
		t.Skip("PostgreSQL tells its plans in other words")
	}
	a := many(t)
	for name, c := range map[string]struct {
		filter Filter
		want   string
	}{
		"newest":             {Filter{}, "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
		"time":               {Filter{From: began, To: began.Add(time.Hour)}, "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
		"outcome":            {Filter{Outcome: "refused"}, "USING INDEX exchanges_told (seq>? AND seq<?)"},
		"passed":             {Filter{Outcome: "passed"}, "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
		"told and operation": {Filter{Outcome: "told", Operation: "POST /things"}, "USING INDEX exchanges_operation (operation=? AND seq>? AND seq<?)"},
		"operation":          {Filter{Operation: "POST /things"}, "USING INDEX exchanges_operation (operation=? AND seq>? AND seq<?)"},
		"code":               {Filter{Code: "inspect.sqli"}, "USING INDEX exchanges_code (code=? AND seq>? AND seq<?)"},
		"code and operation": {Filter{Code: "inspect.sqli", Operation: "POST /things"}, "USING INDEX exchanges_code (code=? AND seq>? AND seq<?)"},
		"client":             {Filter{Client: "203.0.113.1", Operation: "POST /things"}, "USING INDEX exchanges_client (client=? AND seq>? AND seq<?)"},
		"subject":            {Filter{Subject: "user-1", StatusFrom: 500}, "USING INDEX exchanges_subject (subject=? AND seq>? AND seq<?)"},
		"rating":             {Filter{Rating: "likely_human"}, "USING INDEX exchanges_rating (rating=? AND seq>? AND seq<?)"},
		"rating, operation":  {Filter{Rating: "verified", Operation: "POST /things"}, "USING INDEX exchanges_operation (operation=? AND seq>? AND seq<?)"},
		"rare, operation":    {Filter{Rating: "hostile", Operation: "POST /things"}, "USING INDEX exchanges_rating (rating=? AND seq>? AND seq<?)"},
		"rating and outcome": {Filter{Rating: "hostile", Outcome: "refused"}, "USING INDEX exchanges_rating (rating=? AND seq>? AND seq<?)"},
		"rating and client":  {Filter{Rating: "hostile", Client: "203.0.113.1"}, "USING INDEX exchanges_client (client=? AND seq>? AND seq<?)"},
		"rating and code":    {Filter{Rating: "hostile", Code: "inspect.sqli"}, "USING INDEX exchanges_code (code=? AND seq>? AND seq<?)"},
		"rule":               {Filter{Rule: "pan"}, "USING COVERING INDEX findings_rule (rule=? AND seq>? AND seq<?)"},
		"id":                 {Filter{ID: "01"}, "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
	} {
		q, err := a.compile(t.Context(), c.filter)
		if err != nil || q.nothing {
			t.Fatal(name, err)
		}
		where, args := q.where(q.window)
		plan := planOf(t, a, `SELECT id, record, sealed FROM exchanges`+where+` ORDER BY seq DESC LIMIT 50`, args)
		if !strings.Contains(plan, c.want) || strings.Contains(plan, "SCAN exchanges") || strings.Contains(plan, "TEMP B-TREE FOR ORDER") && name != "rule" {
			t.Errorf("%s:\n%s\nwant %s", name, plan, c.want)
		}
	}
	// Who did most of the newest is ranked without a look at the exchanges.
	for _, person := range []string{"client", "subject"} {
		q, err := a.compile(t.Context(), Filter{From: began})
		if err != nil {
			t.Fatal(err)
		}
		query, args := q.newest(person)
		if plan := planOf(t, a, query, args); !strings.Contains(plan, "USING COVERING INDEX exchanges_persons (seq>? AND seq<?)") {
			t.Errorf("%s:\n%s", person, plan)
		}
	}
}

// What a chart of a rating counts lies in the index.
func TestPlanOfAChart(t *testing.T) {
	if databases.OnPostgres() {
		t.Skip("PostgreSQL tells its plans in other words")
	}
	a := many(t)
	q, err := a.compile(t.Context(), Filter{Rating: "hostile", From: began})
	if err != nil {
		t.Fatal(err)
	}
	where, args := q.where(q.window)
	if plan := planOf(t, a, `SELECT seq, outcome, status / 100 FROM exchanges`+where+` ORDER BY seq DESC LIMIT 9`, args); !strings.Contains(plan, "USING COVERING INDEX exchanges_rating (rating=? AND seq>? AND seq<?)") {
		t.Error(plan)
	}
}

func planOf(t *testing.T, a *Archive, query string, args []any) string {
	t.Helper()
	rows, err := a.store.DB().Query(`EXPLAIN QUERY PLAN `+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, detail)
	}
	return strings.Join(plan, "\n")
}
