package change

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// A Version is a configuration that was in use.
type Version struct {
	ID    string    `json:"id"`
	Time  time.Time `json:"time"`
	Actor string    `json:"actor,omitempty"` // "": it was found so, or changed in the file
	Note  string    `json:"note,omitempty"`
	ETag  string    `json:"etag"`
	Text  string    `json:"text,omitempty"` // with secrets masked; not in lists
}

// keep adds a version, unless it is the last one, and forgets the oldest beyond the bound.
func (f *File) keep(ctx context.Context, v Version, data []byte) error {
	masked, err := config.Mask(data)
	if err != nil {
		return fmt.Errorf("couldn't keep the config: %w", err)
	}
	var last string
	err = f.o.DB.QueryRowContext(ctx, `SELECT etag FROM config_versions ORDER BY id DESC LIMIT 1`).Scan(&last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("couldn't read the store: %w", err)
	}
	if last == v.ETag {
		return nil
	}
	now := time.Now()
	_, err = f.o.DB.ExecContext(ctx, `INSERT INTO config_versions (id, time, actor, note, etag, text) VALUES ($1, $2, $3, $4, $5, $6)`, exchange.NewID(now), now.Unix(), v.Actor, v.Note, v.ETag, string(masked))
	if err == nil {
		_, err = f.o.DB.ExecContext(ctx, `DELETE FROM config_versions WHERE id NOT IN (SELECT id FROM config_versions ORDER BY id DESC LIMIT $1)`, f.o.Versions)
	}
	if err != nil {
		return fmt.Errorf("couldn't keep the config: %w", err)
	}
	return nil
}

// Versions lists what was in use, newest first, without the texts.
func (f *File) Versions(ctx context.Context) ([]Version, error) {
	rows, err := f.o.DB.QueryContext(ctx, `SELECT id, time, actor, note, etag FROM config_versions ORDER BY id DESC`)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the store: %w", err)
	}
	defer rows.Close()
	list := []Version{}
	for rows.Next() {
		var v Version
		var at int64
		if err := rows.Scan(&v.ID, &at, &v.Actor, &v.Note, &v.ETag); err != nil {
			return nil, fmt.Errorf("couldn't read the store: %w", err)
		}
		v.Time = time.Unix(at, 0).UTC()
		list = append(list, v)
	}
	return list, rows.Err()
}

// Version is one of them.
func (f *File) Version(ctx context.Context, id string) (v Version, err error) {
	var at int64
	err = f.o.DB.QueryRowContext(ctx, `SELECT id, time, actor, note, etag, text FROM config_versions WHERE id = $1`, id).Scan(&v.ID, &at, &v.Actor, &v.Note, &v.ETag, &v.Text)
	if errors.Is(err, sql.ErrNoRows) {
		return v, ErrUnknown
	}
	if err != nil {
		return v, fmt.Errorf("couldn't read the store: %w", err)
	}
	v.Time = time.Unix(at, 0).UTC()
	return v, nil
}

// Restore is the change back to a version. Secrets are those of now: old ones were not kept.
func (f *File) Restore(ctx context.Context, id string, c Change) (Change, error) {
	v, err := f.Version(ctx, id)
	c.Text = v.Text
	if c.Note == "" {
		c.Note = "back to " + id
	}
	return c, err
}

// Switch is the change of one mode: everything else, comments and order too, stays as it is.
func (f *File) Switch(s config.Switch, c Change) (Change, error) {
	data, err := os.ReadFile(f.o.Path)
	if err != nil {
		return c, fmt.Errorf("couldn't read the config: %w", err)
	}
	if c.ETag != "" && c.ETag != etag(data) {
		return c, ErrStale
	}
	c.ETag = etag(data) // of what is edited
	edited, err := config.SetMode(data, s)
	if err != nil {
		return c, &Invalid{config.Problems{{File: f.o.Path, Line: 1, Column: 1, Severity: config.Error, Rule: "config.edit", Message: err.Error(), Hint: "edit the file"}}}
	}
	masked, err := config.Mask(edited)
	c.Text = string(masked)
	if c.Note == "" {
		c.Note = fmt.Sprintf("%s %s %s: %s", s.API, s.Operation, s.Guard, s.Mode)
	}
	return c, err
}
