package event

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/exchange"
)

// ErrUnknown is an exchange of which no record is kept.
var ErrUnknown = errors.New("no record of this exchange is kept")

// Find returns the record of an exchange. A record shows up within a fraction of a second after the answer.
func Find(ctx context.Context, db *sql.DB, id string) (*exchange.Record, error) {
	var data []byte
	err := db.QueryRowContext(ctx, `SELECT record FROM refusals WHERE id = ?`, id).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrUnknown
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read the store: %w", err)
	}
	r := &exchange.Record{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("couldn't read the record: %w", err)
	}
	return r, nil
}

// A Filter selects kept records. The zero Filter selects all.
type Filter struct {
	Before  string // id of the record after which, going back in time, the list begins
	API     string
	Code    string // reason, of a refusal or of what a guard in monitor mode would have refused
	Client  string // address
	Subject string // of the principal
	Limit   int    // of the list; 0: 50
}

// Newest returns the last n records, newest first.
func Newest(ctx context.Context, db *sql.DB, n int) ([]*exchange.Record, error) {
	return Select(ctx, db, Filter{Limit: n})
}

// Select returns the records that f selects, newest first. To go on where a list ended, set Before to the id of its
// last record; where that is not kept any more, older ones are not either, and the list is empty.
func Select(ctx context.Context, db *sql.DB, f Filter) ([]*exchange.Record, error) {
	if f.Limit <= 0 {
		f.Limit = 50
	}
	where, args := f.where()
	rows, err := db.QueryContext(ctx, `SELECT record FROM refusals`+where+` ORDER BY rowid DESC LIMIT ?`, append(args, f.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the store: %w", err)
	}
	defer rows.Close()
	list := []*exchange.Record{}
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			return nil, fmt.Errorf("couldn't read the store: %w", err)
		}
		r := &exchange.Record{}
		if err := json.Unmarshal(data, r); err != nil {
			return nil, fmt.Errorf("couldn't read a record: %w", err)
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// where is the condition with its arguments. Names of columns are ours; values are always arguments.
func (f Filter) where() (string, []any) {
	var conditions []string
	var args []any
	add := func(condition, value string) {
		if value != "" {
			conditions, args = append(conditions, condition), append(args, value)
		}
	}
	add(`rowid < (SELECT rowid FROM refusals WHERE id = ?)`, f.Before)
	add(field("api")+` = ?`, f.API)
	add(`? IN (SELECT json_extract(value, '$.code') FROM json_each(CAST(record AS TEXT), '$.steps') UNION ALL SELECT `+field("code")+`)`, f.Code)
	add(field("client")+` = ?`, f.Client)
	add(field("principal.subject")+` = ?`, f.Subject)
	if len(conditions) == 0 {
		return "", nil
	}
	return ` WHERE ` + strings.Join(conditions, ` AND `), args
}

func field(path string) string { return `json_extract(CAST(record AS TEXT), '$.` + path + `')` }
