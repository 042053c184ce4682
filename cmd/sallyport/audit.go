package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sallyport/sallyport/audit"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/store/keyring"
)

// auditCmd looks into the audit log beside the running gateway.
type auditCmd struct {
	Config string `short:"c" help:"Config file that names the store and the log." placeholder:"FILE"`
	Store  string `type:"path" help:"Folder of the store (default ./data)." placeholder:"DIR"`
	Output string `short:"o" enum:"table,json" default:"table" help:"table or json."`

	Verify  auditVerifyCmd  `cmd:"" help:"Verify the log: every leaf, every hash, the signature, and what was kept of its past."`
	Prove   auditProveCmd   `cmd:"" help:"Print an exchange or event of the log, and the proof that it is there."`
	Erase   auditEraseCmd   `cmd:"" help:"Destroy the key of a person's data: what is kept about the person is unreadable, everywhere and for ever."`
	Reapply auditReapplyCmd `cmd:"" help:"Destroy the keys of erased persons that an older ring of keys has brought back."`
	Key     auditKeyCmd     `cmd:"" help:"Make a signing key for audit.key of the config."`
}

// place is where the log is.
func (a *auditCmd) place() (place, error) {
	c, err := a.config()
	if err != nil {
		return place{}, err
	}
	return auditPlace(c), nil
}

func (a *auditCmd) config() (*config.Config, error) {
	c := &config.Config{}
	if a.Config != "" {
		var problems config.Problems
		if c, _, problems = config.Load(a.Config); c == nil {
			return nil, problems
		}
	}
	c.Store.Path = orElse(a.Store, orElse(c.Store.Path, "./data"))
	return c, nil
}

type auditVerifyCmd struct {
	Dir     string   `arg:"" optional:"" type:"path" help:"Folder of the log (default: the store's, or the config's)."`
	Key     string   `help:"Verifier key of the log, which you have from elsewhere (default: key.pub of the log, which proves little)." placeholder:"VKEY"`
	Since   string   `help:"File with a checkpoint that you kept (default: the one that the gateway keeps beside its key)." placeholder:"FILE"`
	Witness []string `sep:"none" help:"Verifier keys of witnesses that must have cosigned." placeholder:"VKEY"`
	Quorum  int      `help:"So many of them (default: all)."`
}

// Run verifies.
func (c *auditVerifyCmd) Run(k *cli, s *streams) error {
	p, err := k.Audit.place()
	if err != nil {
		return err
	}
	if c.Dir != "" {
		p.dir, p.keys = c.Dir, filepath.Join(filepath.Dir(c.Dir), "keys")
	}
	v := audit.Verification{Quorum: c.Quorum}
	if v.Key, err = verifier(s.err, p.dir, c.Key); err != nil {
		return err
	}
	if v.Since, err = c.kept(s.err, p, v.Key); err != nil {
		return err
	}
	for _, text := range c.Witness {
		w, err := audit.NewCosigner(text)
		if err != nil {
			return err
		}
		v.Witnesses = append(v.Witnesses, w)
	}
	v.Progress = func(done, all int64) {
		if all > 1<<20 {
			fmt.Fprintf(s.err, "%d of %d leaves\r", done, all)
		}
	}
	r, err := audit.Verify(context.Background(), os.DirFS(p.dir), v)
	if err != nil {
		return err
	}
	if err := print(s.out, k.Audit.Output, r, r.Write); err != nil {
		return err
	}
	if len(r.Findings) > 0 {
		return errFindings
	}
	return nil
}

// kept is the checkpoint to measure against: the named one, or the gateway's own where it is there and of this log.
func (c *auditVerifyCmd) kept(w io.Writer, p place, key note.Verifier) ([]byte, error) {
	if c.Since != "" {
		return os.ReadFile(c.Since)
	}
	data, err := os.ReadFile(p.kept())
	if err != nil {
		return nil, nil // nothing was kept here
	}
	if _, _, err := audit.OpenCheckpoint(data, key); err != nil {
		fmt.Fprintf(w, "sallyport: %s is of another log\n", p.kept())
		return nil, nil
	}
	return data, nil
}

// verifier is the log's public key: the given one, or the one that lies in the log.
func verifier(w io.Writer, dir, text string) (note.Verifier, error) {
	if text == "" {
		data, err := os.ReadFile(filepath.Join(dir, "key.pub"))
		if err != nil {
			return nil, fmt.Errorf("there is no audit log in %s\n    hint: --store, --config or DIR names another folder", dir)
		}
		text = strings.TrimSpace(string(data))
		fmt.Fprintln(w, "sallyport: the key is the one that lies in the log: who replaced both is not found (--key VKEY)")
	}
	return note.NewVerifier(text)
}

type auditProveCmd struct {
	ID    string `arg:"" help:"Id of the exchange or event."`
	Key   string `help:"Verifier key of the log (default: key.pub of the log)." placeholder:"VKEY"`
	Open  bool   `help:"Read what is sealed, too, with the keys of the store: the proof is of the leaf as it lies."`
	Proof string `type:"path" help:"Write the proof to this file, and the leaf beside it, for sallyport-audit prove-check." placeholder:"FILE"`
}

// proved is what -o json prints of a leaf.
type proved struct {
	Index int64           `json:"index"`
	Leaf  json.RawMessage `json:"leaf"`
	Open  *event.Leaf     `json:"open,omitempty"` // where that was asked for
	Proof string          `json:"proof"`          // C2SP tlog-proof
}

// Run proves.
func (c *auditProveCmd) Run(k *cli, s *streams) error {
	cfg, err := k.Audit.config()
	if err != nil {
		return err
	}
	p := auditPlace(cfg)
	key, err := verifier(s.err, p.dir, c.Key)
	if err != nil {
		return err
	}
	index, leaf, err := lookup(p.dir, key, strings.TrimSpace(c.ID))
	if err != nil {
		return err
	}
	proof, err := audit.Prove(os.DirFS(p.dir), key, index)
	if err != nil {
		return err
	}
	text, err := proof.MarshalText()
	if err != nil {
		return err
	}
	if c.Proof != "" {
		if err := errors.Join(os.WriteFile(c.Proof, text, 0o644), os.WriteFile(c.Proof+".leaf", leaf, 0o644)); err != nil {
			return err
		}
	}
	shown := proved{Index: index, Leaf: leaf, Proof: string(text)}
	if c.Open {
		if shown.Open, err = opened(cfg.Store, leaf); err != nil {
			return err
		}
		if leaf, err = json.Marshal(shown.Open); err != nil {
			return err
		}
	}
	return print(s.out, k.Audit.Output, shown, func(w io.Writer) {
		fmt.Fprintf(w, "leaf %d\n%s\n\n%s", index, indented(leaf), text)
	})
}

// opened is a leaf with what of it is sealed and was not erased.
func opened(c config.Store, leaf []byte) (*event.Leaf, error) {
	if _, err := os.Stat(filepath.Join(c.KeyFolder(), keyring.File)); err != nil {
		return nil, fmt.Errorf("there are no keys in %s\n    hint: --config names a store with keys", c.KeyFolder())
	}
	ring, err := openRing(c)
	if err != nil {
		return nil, err
	}
	defer ring.Close()
	read, err := event.ReadLeaf(leaf, ring)
	if err != nil && !errors.Is(err, event.ErrErased) {
		return nil, err
	}
	read.Sealed = nil
	return read, nil
}

func indented(leaf []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, leaf, "", "  "); err != nil {
		return string(leaf)
	}
	return b.String()
}

// lookup finds the leaf of an id; it waits a moment for one that is only just being written.
func lookup(dir string, key note.Verifier, id string) (index int64, leaf []byte, err error) {
	since, ok := exchange.TimeOf(id)
	if !ok {
		return 0, nil, fmt.Errorf("%q is not the id of an exchange or event", id)
	}
	fsys := os.DirFS(dir)
	for range 20 {
		var c audit.Checkpoint
		if c, _, err = audit.Head(fsys, key); err != nil {
			return 0, nil, err
		}
		index, err = audit.Find(context.Background(), fsys, c, since, func(leaf []byte) (time.Time, bool) {
			l, err := event.ReadLeaf(leaf, nil)
			if err != nil {
				return time.Time{}, false
			}
			return l.Appended, l.ID == id
		})
		if err == nil {
			leaf, err = audit.Leaf(fsys, c, index)
			return index, leaf, err
		}
		if !errors.Is(err, audit.ErrNotThere) || time.Since(since) > time.Minute {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if errors.Is(err, audit.ErrNotThere) {
		err = fmt.Errorf("%s is not in the audit log: refusals, severe findings and events are, and what audit.exchanges says", id)
	}
	return 0, nil, err
}

type auditKeyCmd struct {
	Name string `arg:"" optional:"" help:"Name of the log, that no other has (default: made of the host's name)."`
}

// Run makes a key. The secret goes to the output, the public part to the terminal.
func (c *auditKeyCmd) Run(s *streams) error {
	if c.Name == "" {
		c.Name = origin()
	}
	secret, err := audit.NewKey(c.Name)
	if err != nil {
		return err
	}
	k, err := audit.ParseKey(secret)
	if err != nil {
		return fmt.Errorf("%q cannot be the name of a log: no spaces, no plus signs", c.Name)
	}
	fmt.Fprintf(s.err, "sallyport: give auditors the verifier key: %s\n", k.Public)
	_, err = fmt.Fprintln(s.out, secret)
	return err
}
