package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sallyport/sallyport/admin/people"
	"github.com/sallyport/sallyport/limit/quota"
	"github.com/sallyport/sallyport/store"
	"github.com/sallyport/sallyport/store/keyring"
)

type auditEraseCmd struct {
	Subject string `arg:"" help:"Subject of the person, as principals have it; of who never signed in, the address; of an administrator, admin:NAME."`
	Yes     bool   `help:"Do not ask."`
}

// Help is shown below the flags.
func (auditEraseCmd) Help() string {
	return `Records in the store, what waits in the spool, leaves of the audit log, and backups of them that were made before stay where they are; what they say of the person cannot be read any more.
The audit log verifies as before, and has a leaf that says that somebody was erased, and does not say who. It cannot be undone.`
}

// Run erases, after it was announced: an act of which nobody can be told does not happen.
func (c *auditEraseCmd) Run(k *cli, s *streams) error {
	a, err := openArchive(k.Audit.Config, k.Audit.Store)
	if err != nil {
		return err
	}
	defer a.close()
	ctx := context.Background()
	if err := unlockNames(ctx, a.store, a.ring, a.of, false); err != nil {
		return err
	}
	keys, err := a.ring.IDs(ctx, c.Subject)
	if err == nil && len(keys) == 0 {
		err = keyring.ErrUnknown
		if same, _ := a.ring.IDs(ctx, people.Called(c.Subject)); len(same) > 0 {
			err = fmt.Errorf("%w\n    hint: of the administrator there is: %s", err, people.Called(c.Subject))
		}
	}
	if err != nil {
		return err
	}
	if !c.Yes && !confirmed(os.Stdin, s.err, c.Subject) {
		return errors.New("nothing was erased")
	}
	if err := announceErasure(ctx, a.store, keys); err != nil {
		return err
	}
	err = a.Forget(ctx, c.Subject)
	if errors.Is(err, keyring.ErrUnknown) {
		err = nil // a gateway that read the leaf was quicker
	}
	if err := errors.Join(err, quota.Erase(ctx, a.store, c.Subject)); err != nil {
		return fmt.Errorf("%w\n    hint: it is announced, but not complete: run it again", err)
	}
	fmt.Fprintln(s.err, "what is kept about the subject cannot be read any more; running gateways follow within a second")
	if a.ring.Foreign() {
		fmt.Fprintln(s.err, "    hint: a copy of the keys' folder that was made before is still opened by the root key of today: change it, run sallyport store rotate-key, and destroy the old one")
	}
	return nil
}

// confirmed asks for the subject once more: it is what people mistype.
func confirmed(in io.Reader, w io.Writer, subject string) bool {
	fmt.Fprintf(w, "This cannot be undone. Type the subject again to destroy its key: ")
	line, _ := bufio.NewReader(io.LimitReader(in, 4<<10)).ReadString('\n') // nothing typed is no
	return strings.TrimSpace(line) == subject
}

func announceErasure(ctx context.Context, s *store.Store, keys []int64) error {
	e := erasure("the key of a person's data is destroyed", keys)
	e.Actor = "cli"
	return s.Change(ctx, func(tx *sql.Tx) error { return store.Announce(ctx, tx, e.ID, e) })
}
