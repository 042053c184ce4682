// Package people knows who administers the gateway: users with a role, their passwords, sessions and tokens.
//
// Of what lets somebody in only hashes are kept: passwords by argon2id, sessions and tokens, which are random, by
// SHA-256. To check a password costs the same whether the user exists or not, and only a few are checked at once, so
// that sign-in is no way to take memory or processors from the gateway. How often somebody may guess is for the guards
// before this package.
package people

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/store"
)

// Role is what somebody may do. Each role may do what those before it may.
type Role string

// The roles, weakest first. The zero Role may do nothing.
const (
	Viewer   Role = "viewer"   // sees figures and modes, nothing of persons
	Analyst  Role = "analyst"  // sees exchanges, findings and principals
	Operator Role = "operator" // changes modes, keys and the configuration
	Admin    Role = "admin"    // manages users
)

// Roles are all of them, weakest first.
var Roles = []Role{Viewer, Analyst, Operator, Admin}

// At reports whether r is at least the other role. It is false where one of them is no role.
func (r Role) At(least Role) bool {
	needed := slices.Index(Roles, least)
	return needed >= 0 && slices.Index(Roles, r) >= needed
}

// Comprised are the roles up to r, for guards that ask for one of several.
func (r Role) Comprised() (list []string) {
	for _, each := range Roles {
		if r.At(each) {
			list = append(list, string(each))
		}
	}
	return list
}

// A Person is somebody whose credential was verified.
type Person struct {
	Name string
	Role Role
}

// Errors that callers tell apart.
var (
	ErrRefused = errors.New("the name or the password is wrong")
	ErrUnknown = errors.New("there is no such user or token")
	ErrTaken   = errors.New("there is a user of that name")
	ErrLast    = errors.New("this is the last user with the role admin")
)

// A Mistake is a value that cannot be taken: for whoever gave it.
type Mistake string

func (m Mistake) Error() string { return string(m) }

func mistake(format string, args ...any) error { return Mistake(fmt.Sprintf(format, args...)) }

// Options of a Directory. Zero values mean the defaults.
type Options struct {
	Idle     time.Duration // ends a session in which nothing is asked; default 30m
	Lifetime time.Duration // of a session at most; default 12h
}

// A Directory keeps the people. Its methods are safe for concurrent use, also by several processes.
type Directory struct {
	store  *store.Store
	db     *sql.DB // of the store
	o      Options
	checks chan struct{} // passwords that are being hashed
}

// New returns the directory of a store. Changes by [store.Store.By] are announced.
func New(s *store.Store, o Options) *Directory {
	if o.Idle == 0 {
		o.Idle = 30 * time.Minute
	}
	if o.Lifetime == 0 {
		o.Lifetime = 12 * time.Hour
	}
	return &Directory{s, s.DB(), o, make(chan struct{}, maxChecks)}
}

// Called is how events name a user: a person that no client can be taken for. It is "" for nobody.
func Called(name string) string {
	if name == "" {
		return ""
	}
	return "admin:" + name
}

// change runs do in a transaction, and announces there what it does to a user, or to the user's token id, where nobody else
// tells of it.
func (d *Directory) change(ctx context.Context, name, object, detail string, do func(*sql.Tx) error) error {
	return d.store.Change(ctx, func(tx *sql.Tx) error {
		if err := do(tx); err != nil || d.store.Actor() == "" {
			return err
		}
		e := exchange.NewEvent(exchange.AdminAct, detail)
		e.Actor, e.Object, e.Subject = d.store.Actor(), object, Called(name)
		return store.Announce(ctx, tx, e.ID, e)
	})
}

// A User is somebody with a password.
type User struct {
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	Created time.Time `json:"created"`
	Changed time.Time `json:"password_changed"`
}

// validName keeps names apart that people take for each other, and from what we call those who are no users.
var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,63}$`)

func checkUser(name string, role Role) error {
	if !validName.MatchString(name) || name == Bootstrap {
		return mistake("%q is not a user name: lower case letters, digits and . _ @ + -, 64 at most", name)
	}
	return checkRole(role)
}

func checkRole(role Role) error {
	if !role.At(Viewer) {
		return mistake("%q is not one of the roles viewer, analyst, operator, admin", role)
	}
	return nil
}

// Bootstrap is the name of whoever has the token of the config, or the one that was printed on first start.
const Bootstrap = "bootstrap"

// Add makes a user.
func (d *Directory) Add(ctx context.Context, name string, role Role, password string) error {
	if err := checkUser(name, role); err != nil {
		return err
	}
	hash, err := d.hash(ctx, password)
	if err != nil {
		return err
	}
	now := time.Now().Unix()
	return d.change(ctx, name, "", "added a user as "+string(role), func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `INSERT INTO users (name, role, password, created, changed) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING`, name, string(role), hash, now, now)
		return one(r, err, ErrTaken)
	})
}

// List returns all users by name.
func (d *Directory) List(ctx context.Context) ([]User, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT name, role, created, changed FROM users ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("couldn't list the users: %w", err)
	}
	defer rows.Close()
	list := []User{}
	for rows.Next() {
		var u User
		var created, changed int64
		if err := rows.Scan(&u.Name, &u.Role, &created, &changed); err != nil {
			return nil, fmt.Errorf("couldn't list the users: %w", err)
		}
		u.Created, u.Changed = moment(created), moment(changed)
		list = append(list, u)
	}
	return list, rows.Err()
}

// SetPassword replaces a password and ends the user's sessions. Tokens stay.
func (d *Directory) SetPassword(ctx context.Context, name, password string) error {
	hash, err := d.hash(ctx, password)
	if err != nil {
		return err
	}
	return d.change(ctx, name, "", "set the password of a user", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE users SET password = $1, changed = $2 WHERE name = $3`, hash, time.Now().Unix(), name)
		if err := one(r, err, ErrUnknown); err != nil {
			return err
		}
		return endAll(ctx, tx, name)
	})
}

// SetRole changes what a user may do, at once, also in sessions and by tokens that exist.
func (d *Directory) SetRole(ctx context.Context, name string, role Role) error {
	if err := checkRole(role); err != nil {
		return err
	}
	return d.change(ctx, name, "", "made a user "+string(role), func(tx *sql.Tx) error {
		if role != Admin {
			if err := notLast(ctx, tx, name); err != nil {
				return err
			}
		}
		r, err := tx.ExecContext(ctx, `UPDATE users SET role = $1 WHERE name = $2`, string(role), name)
		return one(r, err, ErrUnknown)
	})
}

// Remove deletes a user with sessions and tokens.
func (d *Directory) Remove(ctx context.Context, name string) error {
	return d.change(ctx, name, "", "removed a user", func(tx *sql.Tx) error {
		if err := notLast(ctx, tx, name); err != nil {
			return err
		}
		r, err := tx.ExecContext(ctx, `DELETE FROM users WHERE name = $1`, name)
		if err := one(r, err, ErrUnknown); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM user_tokens WHERE name = $1`, name)
		return errors.Join(err, endAll(ctx, tx, name))
	})
}

// notLast refuses to leave users without anybody who manages them.
func notLast(ctx context.Context, tx *sql.Tx, name string) error {
	var is, others int
	err := tx.QueryRowContext(ctx, `SELECT count(CASE WHEN name = $1 THEN 1 END), count(CASE WHEN name <> $2 THEN 1 END) FROM users WHERE role = $3`,
		name, name, string(Admin)).Scan(&is, &others)
	if err != nil {
		return fmt.Errorf("couldn't count the users: %w", err)
	}
	var all int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM users`).Scan(&all); err != nil {
		return fmt.Errorf("couldn't count the users: %w", err)
	}
	if is == 1 && others == 0 && all > 1 {
		return ErrLast
	}
	return nil
}

// one says otherwise where a statement has changed nothing.
func one(r sql.Result, err, otherwise error) error {
	if err != nil {
		return fmt.Errorf("couldn't write the store: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, otherwise)
	}
	return nil
}

// secret makes 256 random bits in base64url.
func secret() string {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	return base64.RawURLEncoding.EncodeToString(random)
}

// digest is how a random secret is kept. Who searches for it by timing finds a hash, which opens nothing.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func moment(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
