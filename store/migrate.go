package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
)

//go:embed migrations/*/*.sql
var migrations embed.FS

// A dialect is what the two databases say differently about their own version. Everything else is SQL that both read:
// parameters are $1, $2 …
type dialect struct {
	folder string   // of the migrations
	before []string // what the transaction of the migration begins with
	have   string   // the query for the version
	set    string   // the statement that writes it, with %d for the number
}

var (
	sqlite   = &dialect{folder: "migrations/sqlite", have: `PRAGMA user_version`, set: `PRAGMA user_version = %d`}
	postgres = &dialect{
		folder: "migrations/postgres",
		// The lock is the cluster's, by a number that nobody else uses; SQLite's transactions have one anyway.
		before: []string{`SELECT pg_advisory_xact_lock(5383281703)`, `CREATE TABLE IF NOT EXISTS sallyport_version (n INT NOT NULL)`},
		have:   `SELECT coalesce(max(n), 0) FROM sallyport_version`,
		set:    `INSERT INTO sallyport_version VALUES (%d)`,
	}
)

// migrate brings the database to the newest version: migration n is the n-th file by name, and the database counts
// those that were applied. All of it is one transaction under a lock, so two processes that start together
// do it once, and a failure leaves the old version. A database of the newest version is only read: whoever opens it to
// look something up waits for no writer.
func (d *dialect) migrate(ctx context.Context, db *sql.DB) error {
	names, err := fs.Glob(migrations, d.folder+"/*.sql")
	if err != nil {
		return err
	}
	var have int
	if err := db.QueryRowContext(ctx, d.have).Scan(&have); err == nil && have == len(names) { // a new one of PostgreSQL has no such table
		return nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it has nothing to do
	for _, statement := range d.before {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if err := tx.QueryRowContext(ctx, d.have).Scan(&have); err != nil {
		return err
	}
	if have > len(names) {
		return fmt.Errorf("the database has version %d, this program knows %d: a newer version has used it", have, len(names))
	}
	if have > 0 && have < len(names) {
		slog.Info("the store is brought to a newer version, which takes minutes where it holds millions of exchanges", "from", have, "to", len(names))
	}
	for _, name := range names[have:] {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(text)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if have == len(names) {
		return nil
	}
	// The value is a count of ours; a pragma takes no parameters.
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(d.set, len(names))); err != nil {
		return err
	}
	return tx.Commit()
}
