package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// Prefix of users' tokens, by which scanners of sources may find them.
const Prefix = "spu_"

// maxTokens is how many tokens a user may have.
const maxTokens = 50

// A Token lets a program act for a user.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"user"`
	Role    Role      `json:"role"`
	Label   string    `json:"label,omitempty"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

// NewToken makes a token for a user. It is returned once and kept as a hash. Its role is at most the user's, at any time.
func (d *Directory) NewToken(ctx context.Context, name string, role Role, label string, lifetime time.Duration) (string, Token, error) {
	if err := checkRole(role); err != nil {
		return "", Token{}, err
	}
	if lifetime <= 0 || lifetime > 366*24*time.Hour {
		return "", Token{}, mistake("a token lives for more than nothing and a year at most")
	}
	now := time.Now().UTC().Truncate(time.Second)
	token := Prefix + secret()
	t := Token{ID: exchange.NewID(now), Name: name, Role: role, Label: label, Created: now, Expires: now.Add(lifetime)}
	err := d.change(ctx, name, t.ID, "made a token of a user with the role "+string(role), func(tx *sql.Tx) error { return keepToken(ctx, tx, t, digest(token)) })
	if err != nil {
		return "", Token{}, err
	}
	return token, t, nil
}

func keepToken(ctx context.Context, tx *sql.Tx, t Token, hash string) error {
	var own Role
	var n int
	err := tx.QueryRowContext(ctx, `SELECT role, (SELECT count(*) FROM user_tokens t WHERE t.name = users.name) FROM users WHERE name = $1`, t.Name).Scan(&own, &n)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ErrUnknown
	case err != nil:
		return fmt.Errorf("couldn't read the store: %w", err)
	case !own.At(t.Role):
		return mistake("%s is %s: a token of theirs cannot be %s", t.Name, own, t.Role)
	case n >= maxTokens:
		return mistake("%s has %d tokens, which is the most: revoke one", t.Name, n)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO user_tokens (id, hash, name, role, label, created, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		t.ID, hash, t.Name, string(t.Role), t.Label, t.Created.Unix(), t.Expires.Unix())
	if err != nil {
		return fmt.Errorf("couldn't create the token: %w", err)
	}
	return nil
}

// Bearer tells whose a token is. The error is ErrRefused for one that is unknown or has expired.
func (d *Directory) Bearer(ctx context.Context, token string) (Person, error) {
	var p Person
	var own Role
	var expires int64
	err := d.db.QueryRowContext(ctx, `SELECT t.name, t.role, u.role, t.expires FROM user_tokens t JOIN users u ON u.name = t.name WHERE t.hash = $1`, digest(token)).
		Scan(&p.Name, &p.Role, &own, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return Person{}, ErrRefused
	}
	if err != nil {
		return Person{}, fmt.Errorf("couldn't read the store: %w", err)
	}
	if time.Now().Unix() >= expires {
		return Person{}, ErrRefused
	}
	if !own.At(p.Role) {
		p.Role = own
	}
	return p, nil
}

// Tokens lists those of a user, or of all where name is "", newest first.
func (d *Directory) Tokens(ctx context.Context, name string) ([]Token, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT id, name, role, label, created, expires FROM user_tokens WHERE name = $1 OR $2 = '' ORDER BY id DESC`, name, name)
	if err != nil {
		return nil, fmt.Errorf("couldn't list the tokens: %w", err)
	}
	defer rows.Close()
	list := []Token{}
	for rows.Next() {
		var t Token
		var created, expires int64
		if err := rows.Scan(&t.ID, &t.Name, &t.Role, &t.Label, &created, &expires); err != nil {
			return nil, fmt.Errorf("couldn't list the tokens: %w", err)
		}
		t.Created, t.Expires = moment(created), moment(expires)
		list = append(list, t)
	}
	return list, rows.Err()
}

// Revoke ends a token of a user at once.
func (d *Directory) Revoke(ctx context.Context, name, id string) error {
	return d.change(ctx, name, id, "revoked a token of a user", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `DELETE FROM user_tokens WHERE name = $1 AND id = $2`, name, id)
		return one(r, err, ErrUnknown)
	})
}
