package people

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Parameters of argon2id, the first choice of the OWASP Password Storage Cheat Sheet with less than 46 MiB: 19 MiB, two
// passes, one lane. They stand in each hash, so that others may follow.
const (
	memory  = 19 << 10 // KiB
	passes  = 2
	lanes   = 1
	saltLen = 16
	keyLen  = 32
)

// maxChecks is how many passwords are hashed at once, which bounds their memory. Others wait.
const maxChecks = 2

// Bounds of a password. NIST SP 800-63B-4, section 3.1.1.2, asks for 15 characters where nothing else is asked for, and
// for no rules of composition.
const (
	minPassword = 15      // characters
	maxPassword = 1 << 10 // bytes
)

// SignIn checks a password. The error is ErrRefused for a wrong one and for an unknown name, after the same work; of a
// user whose password is wrong the name is returned beside it.
func (d *Directory) SignIn(ctx context.Context, name, password string) (Person, error) {
	p := Person{Name: name}
	var kept string
	err := sql.ErrNoRows
	if validName.MatchString(name) { // a database need not read what no name can be
		err = d.db.QueryRowContext(ctx, `SELECT password, role FROM users WHERE name = $1`, name).Scan(&kept, &p.Role)
	}
	known := err == nil
	if !known {
		if !errors.Is(err, sql.ErrNoRows) {
			return Person{}, fmt.Errorf("couldn't read the store: %w", err)
		}
		kept = nobodys
	}
	same, err := d.matches(ctx, kept, password)
	if err != nil {
		return Person{}, err
	}
	switch {
	case !known:
		return Person{}, ErrRefused
	case !same:
		return Person{Name: name}, ErrRefused
	}
	return p, nil
}

// nobodys is what a password of somebody unknown is compared with.
var nobodys = phc(make([]byte, saltLen), make([]byte, keyLen))

// hash makes what is kept of a new password.
func (d *Directory) hash(ctx context.Context, password string) (string, error) {
	switch {
	case utf8.RuneCountInString(password) < minPassword:
		return "", mistake("the password has less than %d characters", minPassword)
	case len(password) > maxPassword:
		return "", mistake("the password has more than %d bytes", maxPassword)
	case !utf8.ValidString(password):
		return "", mistake("the password is not UTF-8")
	}
	salt := make([]byte, saltLen)
	_, _ = rand.Read(salt) // never fails
	key, err := d.derive(ctx, password, salt, memory, passes, lanes, keyLen)
	if err != nil {
		return "", err
	}
	return phc(salt, key), nil
}

func phc(salt, key []byte) string {
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes, encode(salt), encode(key))
}

func (d *Directory) matches(ctx context.Context, kept, password string) (bool, error) {
	if len(password) > maxPassword {
		password = password[:maxPassword] + "…" // like no password that could be set, at the cost of any other
	}
	var version int
	var m, t uint32
	var p uint8
	parts := strings.Split(kept, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, errors.New("a kept password has no form that is known here")
	}
	_, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &m, &t, &p)
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	want, keyErr := base64.RawStdEncoding.DecodeString(parts[5])
	if err = errors.Join(err, saltErr, keyErr); err != nil || version != argon2.Version || len(want) != keyLen || t == 0 || p == 0 || m > 1<<20 {
		return false, errors.Join(errors.New("a kept password has no form that is known here"), err)
	}
	got, err := d.derive(ctx, password, salt, m, t, p, uint32(len(want)))
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1, err
}

// derive waits for its turn, as long as ctx allows.
func (d *Directory) derive(ctx context.Context, password string, salt []byte, m, t uint32, p uint8, n uint32) ([]byte, error) {
	select {
	case d.checks <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("too many passwords are being checked: %w", ctx.Err())
	}
	defer func() { <-d.checks }()
	return argon2.IDKey([]byte(password), salt, t, m, p, n), nil
}
