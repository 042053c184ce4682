package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	tell "github.com/sallyport/sallyport/exchange/explain"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/store"
)

// keysCmd works on the store beside the running gateway, which notices within a second.
type keysCmd struct {
	Config string `short:"c" help:"Config file that names the store." placeholder:"FILE"`
	Store  string `type:"path" help:"Folder of the store (default ./data)." placeholder:"DIR"`
	Output string `short:"o" enum:"table,json" default:"table" help:"table or json."`

	Create keysCreateCmd `cmd:"" help:"Create a key; it is shown once and kept as a hash."`
	List   keysListCmd   `cmd:"" help:"List keys, without the keys themselves."`
	Rotate keysRotateCmd `cmd:"" help:"Make a new key for the holder of an old one."`
	Revoke keysRevokeCmd `cmd:"" help:"End a key now."`
}

// open opens the store of keys, which only the first key makes, and reads whose they are.
func (k *keysCmd) open() (*store.Store, error) {
	s, c, err := openKept(k.Config, k.Store)
	if err != nil {
		return nil, err
	}
	if err := unlockKept(context.Background(), s, c); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

type keysCreateCmd struct {
	Subject  string        `help:"Who the key belongs to (default: its id)."`
	Identity string        `help:"Confine the key to one identity of the config."`
	Tenant   string        `help:"Tenant of the subject."`
	Plan     string        `help:"Plan of the config that the key is held to."`
	Roles    []string      `help:"Roles of the subject." placeholder:"ROLE,…"`
	Scopes   []string      `help:"Scopes of the key." placeholder:"SCOPE,…"`
	Expires  time.Duration `help:"Lifetime, such as 2160h (default: for ever)."`
}

// Validate is asked by the parser of the command line: a key that has expired already must not become one for ever.
func (c *keysCreateCmd) Validate() error {
	if c.Expires < 0 {
		return errors.New("--expires lies in the past")
	}
	return nil
}

// created is what -o json prints of a new key.
type created struct {
	identity.StoredKey
	Key string `json:"key"`
}

// Run creates.
func (c *keysCreateCmd) Run(k *cli, s *streams) error {
	where, err := storeOf(k.Keys.Config, k.Keys.Store)
	if err != nil {
		return err
	}
	db, err := openStore(where)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := unlockKept(context.Background(), db, where); err != nil {
		return err
	}
	n := identity.NewKey{Identity: c.Identity, Subject: c.Subject, Tenant: c.Tenant, Plan: c.Plan, Roles: c.Roles, Scopes: c.Scopes}
	if c.Expires > 0 {
		n.Expires = time.Now().Add(c.Expires)
	}
	key, stored, err := identity.CreateKey(context.Background(), db.By("cli"), n)
	if err != nil {
		return err
	}
	return print(s.out, k.Keys.Output, created{stored, key}, func(w io.Writer) { shown(w, key, stored) })
}

func shown(w io.Writer, key string, stored identity.StoredKey) {
	fmt.Fprintf(w, "%s\n\nid %s, subject %s. This is the only time that the key is shown.\n", key, stored.ID, stored.Subject)
}

type keysListCmd struct{}

// Run lists.
func (keysListCmd) Run(k *cli, s *streams) error {
	db, err := k.Keys.open()
	if err != nil {
		return err
	}
	defer db.Close()
	list, err := identity.ListKeys(context.Background(), db)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		list = []identity.StoredKey{} // not null
	}
	return print(s.out, k.Keys.Output, list, func(w io.Writer) {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "ID\tSUBJECT\tTENANT\tPLAN\tROLES\tSCOPES\tCREATED\tSTATE")
		for _, e := range list {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.ID, tell.OrDash(e.Subject), tell.OrDash(e.Tenant), tell.OrDash(e.Plan), tell.OrDash(strings.Join(e.Roles, " ")), tell.OrDash(strings.Join(e.Scopes, " ")), e.Created.Format(time.DateOnly), state(e))
		}
		_ = t.Flush() // the terminal has gone
	})
}

func state(k identity.StoredKey) string {
	switch {
	case !k.Revoked.IsZero() && !k.Revoked.After(time.Now()):
		return "revoked " + k.Revoked.Format(time.DateOnly)
	case k.Expires.IsZero():
		return "valid"
	case k.Expires.Before(time.Now()):
		return "expired " + k.Expires.Format(time.DateOnly)
	}
	return "valid until " + k.Expires.Format(time.DateOnly)
}

type keysRotateCmd struct {
	ID    string        `arg:"" help:"Id of the old key."`
	Grace time.Duration `default:"0s" help:"How long the old key works on."`
}

// Run rotates.
func (c *keysRotateCmd) Run(k *cli, s *streams) error {
	db, err := k.Keys.open()
	if err != nil {
		return err
	}
	defer db.Close()
	key, stored, err := identity.RotateKey(context.Background(), db.By("cli"), c.ID, c.Grace)
	if err != nil {
		return err
	}
	return print(s.out, k.Keys.Output, created{stored, key}, func(w io.Writer) { shown(w, key, stored) })
}

type keysRevokeCmd struct {
	ID string `arg:"" help:"Id of the key."`
}

// Run revokes, also where it cannot be read whose key it is: that must not wait until somebody has found the store's keys.
func (c *keysRevokeCmd) Run(k *cli, s *streams) error {
	db, where, err := openKept(k.Keys.Config, k.Keys.Store)
	if err != nil {
		return err
	}
	defer db.Close()
	_ = unlockKept(context.Background(), db, where) // then nobody is told whose it was
	if err := identity.RevokeKey(context.Background(), db.By("cli"), c.ID); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.err, "key %s is revoked\n", c.ID)
	return err
}
