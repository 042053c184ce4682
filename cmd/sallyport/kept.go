package main

import (
	"context"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/store"
	"github.com/sallyport/sallyport/store/keyring"
	"github.com/sallyport/sallyport/trust"
)

// storeOf says which store a command means: the flag's folder, the config's, or the default.
func storeOf(file, folder string) (config.Store, error) {
	if folder != "" || file == "" {
		return config.Store{Path: orElse(folder, "./data")}, nil
	}
	c, _, problems := config.Load(file)
	if c == nil {
		return config.Store{}, problems
	}
	c.Store.Path = orElse(c.Store.Path, "./data")
	return c.Store, nil
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// openStore opens the database, making one where there is none.
func openStore(c config.Store) (*store.Store, error) {
	if c.URL != "" {
		return store.Connect(c.URL)
	}
	return store.Open(c.Path)
}

// openRing opens the keys of what is sealed, in a folder that belongs in no backup of the data.
func openRing(c config.Store) (*keyring.Ring, error) {
	o, err := rootOf(c)
	if err != nil {
		return nil, err
	}
	return keyring.Open(c.KeyFolder(), o)
}

// rootOf says where the root key is.
func rootOf(c config.Store) (o keyring.Options, err error) {
	if o.Keys, err = config.Secret(c.Key); err != nil {
		return o, err
	}
	if k := c.KMS; k != nil {
		var roots *x509.CertPool
		if k.CA != "" {
			anchors, err := trust.Load([]string{k.CA}, nil, time.Now())
			if err != nil {
				return o, err
			}
			roots = anchors.Pool()
		}
		o.KMS = keyring.NewTransit(k.URL, k.Key, func() (string, error) { return config.Secret(k.Token) }, roots)
	}
	return o, nil
}

// openKept opens a store that a gateway or sallyport keys create has made: to look into a folder makes none.
func openKept(file, folder string) (*store.Store, config.Store, error) {
	c, err := storeOf(file, folder)
	if err != nil {
		return nil, c, err
	}
	s, err := openKeptOf(c)
	return s, c, err
}

func openKeptOf(c config.Store) (*store.Store, error) {
	if _, err := os.Stat(filepath.Join(c.Path, store.File)); c.URL == "" && errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no store in %s\n    hint: --store or --config names another folder", c.Path)
	}
	return openStore(c)
}

// archive is what commands read beside a running gateway.
type archive struct {
	*event.Reader
	store *store.Store
	ring  *keyring.Ring
	of    config.Store
	where string // for people
}

func openArchive(file, folder string) (*archive, error) {
	c, err := storeOf(file, folder)
	if err != nil {
		return nil, err
	}
	return openArchiveOf(c)
}

func openArchiveOf(c config.Store) (*archive, error) {
	s, err := openKeptOf(c)
	if err != nil {
		return nil, err
	}
	ring, err := openRing(c)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	a := &archive{event.NewReader(s, ring), s, ring, c, c.Path}
	if c.URL != "" {
		a.where = "the PostgreSQL database"
	}
	return a, nil
}

func (a *archive) close() {
	_ = a.store.Close() // it was read
	_ = a.ring.Close()  // likewise
}

// storeCmd works on the store beside the running gateway.
type storeCmd struct {
	Config string `short:"c" help:"Config file that names the store." placeholder:"FILE"`
	Store  string `type:"path" help:"Folder of the store (default ./data)." placeholder:"DIR"`

	RotateKey rotateKeyCmd `cmd:"" help:"Replace the root key of what is sealed in the store."`
}

type rotateKeyCmd struct{}

// Help is shown below the flags.
func (rotateKeyCmd) Help() string {
	return `The root key that sallyport keeps itself is replaced by a new one. Where store.key has several, everything is wrapped by the first, and the others can be removed.
What was sealed stays readable; nothing is sealed again, for the root key only wraps the keys that seal.`
}

// Run rotates; a running gateway follows by itself.
func (rotateKeyCmd) Run(k *cli, s *streams) error {
	a, err := openArchive(k.Store.Config, k.Store.Store)
	if err != nil {
		return err
	}
	defer a.close()
	ctx := context.Background()
	if err := unlockNames(ctx, a.store, a.ring, a.of, false); err != nil {
		return err
	}
	if err := a.ring.Rotate(ctx); err != nil {
		return err
	}
	if err := rewrapNames(ctx, a.store, a.ring, a.of); err != nil {
		return err
	}
	e := exchange.NewEvent(exchange.RootRotated, "the root key of the store was replaced")
	e.Actor = "cli"
	if err := a.store.Change(ctx, func(tx *sql.Tx) error { return store.Announce(ctx, tx, e.ID, e) }); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.err, "the root key is replaced")
	return err
}
