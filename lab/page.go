package lab

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

// page cuts one page out of a list and answers with it.
func page[T any](c *call, all []T) {
	items, next, ok := cut(c, all)
	if ok {
		c.json(http.StatusOK, map[string]any{"items": items, "nextCursor": next})
	}
}

// cut returns the page that limit and cursor ask for, and the cursor of the next one or nil.
func cut[T any](c *call, all []T) (items []T, next *string, ok bool) {
	q := c.r.URL.Query()
	limit, from := 20, 0
	var err error
	if s := q.Get("limit"); s != "" {
		// flaw DOS-1: nobody compares it with the documented maximum.
		if limit, err = strconv.Atoi(s); err != nil || limit < 1 {
			c.problem(http.StatusBadRequest, "limit is not a number")
			return nil, nil, false
		}
	}
	if s := q.Get("cursor"); s != "" {
		if from, err = offset(s); err != nil || from > len(all) {
			c.problem(http.StatusBadRequest, "cursor is not one of ours")
			return nil, nil, false
		}
	}
	to := min(from+limit, len(all))
	if to < len(all) {
		s := cursor(to)
		next = &s
	}
	return append([]T{}, all[from:to]...), next, true
}

func cursor(n int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("after:" + strconv.Itoa(n)))
}

func offset(cursor string) (int, error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(string(b), "after:"), 10, 31)
	return int(n), err
}

// order reports the field that sort names and whether it is descending.
func sorting(c *call, fallback string) (field string, down bool) {
	s := c.r.URL.Query().Get("sort")
	if s == "" {
		s = fallback
	}
	return strings.TrimPrefix(s, "-"), strings.HasPrefix(s, "-")
}
