package admin

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/admin/suggest"
	"github.com/sallyport/sallyport/limit"
)

// proposed are rates for the operations that are asked most, and the lines of the config that set them.
type proposed struct {
	From       time.Time          `json:"from"`
	To         time.Time          `json:"to"`
	Operations []limit.Suggestion `json:"operations"`
	Config     string             `json:"config"`
}

// defaultHeadroom is how many times what callers needed is proposed where nobody says.
const defaultHeadroom = 2

func (a *admin) suggestLimits(w http.ResponseWriter, r *http.Request) {
	query, to := r.URL.Query(), time.Now()
	q := suggest.Question{From: to.Add(-spanOf(query.Get("since"), 7*24*time.Hour)), To: to, Headroom: defaultHeadroom}
	if n, err := strconv.ParseFloat(query.Get("headroom"), 64); err == nil { // the schema allows no other
		q.Headroom = n
	}
	list, err := a.Suggest.Ask(r.Context(), q)
	list = list[:min(len(list), length(query))]
	var lines strings.Builder
	_ = limit.WriteSuggestions(&lines, list) // into memory
	result(w, proposed{q.From, q.To, list, lines.String()}, busy(err))
}
