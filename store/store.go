// Package store is where things are kept between restarts: one embedded SQLite database in a folder of its own, or
// PostgreSQL where that outgrows one machine.
//
// The package owns the connection, the migrations and the partitions. Statements live with whoever needs the rows: API
// keys in identity, the archive in event; they are the same for both databases. Several processes may use one store at
// once, which is how `sallyport keys` and `sallyport explain` work beside a running gateway: SQLite is in WAL mode, so
// readers and one writer never block each other, and writers wait for each other for up to [busyTimeout].
//
// The folder is created with mode 0700 and the files with 0600: they hold hashes of keys and records of traffic.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver of PostgreSQL
	_ "modernc.org/sqlite"             // that of SQLite, pure Go
)

// File is the name of the database inside of its folder.
const File = "sallyport.db"

// busyTimeout is how long a writer waits for another one.
const busyTimeout = 5 * time.Second

// A Store is an open database, migrated to this version. It is safe for concurrent use.
type Store struct {
	db      *sql.DB
	dialect *dialect
	file    string // of SQLite
	actor   string // see By
	names   *Names // nil: not unlocked
}

// Open opens the database in the folder path, creating both where they do not exist, and applies the migrations that
// it lacks. It fails on a database that a newer version has written.
func Open(path string) (*Store, error) {
	file, err := prepare(path)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", source(file))
	if err != nil {
		return nil, fmt.Errorf("couldn't open %s: %w", file, err)
	}
	// One connection writes at a time anyway; a few more let readers go on meanwhile.
	db.SetMaxOpenConns(4)
	if err := ready(db, sqlite); err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't prepare %s: %w", file, err), db.Close())
	}
	return &Store{db: db, dialect: sqlite, file: file}, nil
}

// Connect is [Open] for a PostgreSQL database: postgres://user@host/database. Environment variables of libpq (PGPASSWORD,
// PGSSLMODE …) say what the URL does not.
func Connect(address string) (*Store, error) {
	db, err := sql.Open("pgx", address)
	if err != nil {
		return nil, fmt.Errorf("couldn't open the store: %w", err) // pgx leaves the password out
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(4)
	if err := ready(db, postgres); err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't prepare the PostgreSQL database: %w", err), db.Close())
	}
	return &Store{db: db, dialect: postgres}, nil
}

// ready reaches the database and migrates it. Whoever turns a new SQLite database into one with a WAL waits for nobody, and that
// is everyone who connects first: of several processes that start together some have to try again.
func ready(db *sql.DB, d *dialect) error {
	ctx, cancel := context.WithTimeout(context.Background(), migrating)
	defer cancel()
	for patience := time.Now().Add(busyTimeout); ; time.Sleep(10 * time.Millisecond) {
		err := reach(db)
		if err == nil {
			err = d.migrate(ctx, db)
		}
		if err == nil || !strings.Contains(err.Error(), "SQLITE_BUSY") || time.Now().After(patience) {
			return err
		}
	}
}

// migrating bounds a migration: an index over many millions of exchanges takes minutes, and a program that gives up begins anew at its
// next start.
const migrating = 6 * time.Hour

// reach fails where the database does not answer within a minute.
func reach(db *sql.DB) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return db.PingContext(ctx)
}

// Postgres tells whether the database is PostgreSQL: it has partitions and COPY, SQLite a file with a size.
func (s *Store) Postgres() bool { return s.dialect == postgres }

// Size is how many bytes the store takes.
func (s *Store) Size(ctx context.Context) (n int64, err error) {
	query := `SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size`
	if s.Postgres() {
		query = `SELECT pg_database_size(current_database())`
	}
	err = s.db.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

// DB is the database for the packages whose rows it keeps.
func (s *Store) DB() *sql.DB { return s.db }

// Close closes the database. What was committed is safe.
func (s *Store) Close() error { return s.db.Close() }

// prepare makes the folder and an empty database file with the right modes; SQLite gives its WAL files the mode of
// the database.
func prepare(path string) (string, error) {
	if path == "" {
		return "", errors.New("couldn't open the store: no path")
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", fmt.Errorf("couldn't create the store's folder: %w", err)
	}
	file := filepath.Join(path, File)
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", fmt.Errorf("couldn't open the store: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("couldn't open the store: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := f.Chmod(0o600); err != nil && !errors.Is(err, fs.ErrPermission) {
			return "", fmt.Errorf("couldn't confine the store to its owner: %w", err)
		}
	}
	return file, nil
}

// source is the driver's name for the file. Transactions take the write lock when they begin: one that reads first
// and writes later could otherwise fail half-way, without waiting.
func source(file string) string {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(" + strconv.FormatInt(busyTimeout.Milliseconds(), 10) + ")",
		"journal_mode(WAL)",
		"synchronous(NORMAL)",
		"foreign_keys(1)",
		"secure_delete(FAST)", // a name that was sealed, or an act that was told, must not stay in the free room of a page
	}}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// Settle moves what was committed from the log of SQLite into the database, as far as nobody reads it now: the log has the
// pages as they were before, too.
func (s *Store) Settle(ctx context.Context) error {
	if s.Postgres() {
		return nil
	}
	if _, err := s.db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		return fmt.Errorf("couldn't empty the store's log: %w", err)
	}
	return nil
}
