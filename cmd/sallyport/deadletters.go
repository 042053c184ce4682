package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event/encode"
	receiver "github.com/sallyport/sallyport/event/sink"
	"github.com/sallyport/sallyport/event/spool"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/store"
	"github.com/sallyport/sallyport/store/keyring"
)

// deadCmd works on the spool beside the running gateway.
type deadCmd struct {
	Config string `short:"c" required:"" help:"Config file with the sinks." placeholder:"FILE"`
	Sink   string `help:"Letters of this sink only." placeholder:"NAME"`
	Output string `short:"o" enum:"table,json" default:"table" help:"table or json."`

	List deadListCmd `cmd:"" help:"List what sinks refused for good, and why."`
	Show deadShowCmd `cmd:"" help:"Show a letter as its sink was to get it."`
	Send deadSendCmd `cmd:"" help:"Send letters again, to the sink as it is configured now; what is taken is no dead letter any more."`
	Drop deadDropCmd `cmd:"" help:"Forget letters."`
}

// Help is shown below the flags.
func (deadCmd) Help() string {
	return `A sink that refuses an entry for good (a webhook by 400, 413, 415 or 422; Kafka by its size) would never get anything else: such entries are set aside, sealed, at most 16 MB for each sink.
What is shown of a person is what the sink may get. To send again and to drop are told like every act of an administrator.`
}

// post is the dead letters of a config, and what it takes to read them.
type post struct {
	config  *config.Config
	ring    *keyring.Ring
	dir     string
	letters []spool.DeadLetter
}

// open reads the letters that are meant: of one sink or all, with one of the ids, or, without any, every one.
func (c *deadCmd) open(ids ...string) (p *post, err error) {
	p = &post{}
	var problems config.Problems
	if p.config, _, problems = config.Load(c.Config); p.config == nil {
		return nil, problems
	}
	p.dir = filepath.Join(orElse(p.config.Store.Path, "./data"), "spool")
	p.config.Store.Path = orElse(p.config.Store.Path, "./data")
	if p.ring, err = openRing(p.config.Store); err != nil {
		return nil, err
	}
	all, err := spool.DeadLetters(p.dir, p.ring)
	if err != nil {
		return nil, errors.Join(err, p.ring.Close())
	}
	for _, l := range all {
		if (c.Sink == "" || l.Sink == c.Sink) && (len(ids) == 0 || slices.Contains(ids, l.ID())) {
			p.letters = append(p.letters, l)
		}
	}
	if len(ids) > 0 && len(p.letters) == 0 {
		return nil, errors.Join(errors.New("there is no such dead letter\n    hint: sallyport deadletters list shows their ids"), p.ring.Close())
	}
	return p, nil
}

func (p *post) close() { _ = p.ring.Close() } // it was read

// output is the sink of a letter as it is configured now.
func (p *post) output(name string) (spool.Output, error) {
	for i := range p.config.Events.Sinks {
		if c := &p.config.Events.Sinks[i]; c.Name == name {
			key, err := pseudonymKey(p.config.Store.Path)
			if err != nil {
				return spool.Output{}, err
			}
			return outputOf(c, key)
		}
	}
	return spool.Output{}, fmt.Errorf("the config has no sink %s", name)
}

// shownLetter is what is said of one.
type shownLetter struct {
	ID      string    `json:"id"`
	Sink    string    `json:"sink"`
	Time    time.Time `json:"time"`
	What    string    `json:"what"` // operation, or kind of an event
	Why     string    `json:"why"`
	Message string    `json:"message,omitempty"`
}

func shownOf(l spool.DeadLetter) shownLetter {
	s := shownLetter{ID: l.ID(), Sink: l.Sink, Why: l.Why}
	if l.Event != nil {
		s.Time, s.What = l.Event.Time, l.Event.Kind
	} else {
		s.Time, s.What = l.Record.Time, l.Record.Operation
	}
	return s
}

type deadListCmd struct{}

// Run lists.
func (deadListCmd) Run(k *cli, s *streams) error {
	p, err := k.Deadletters.open()
	if err != nil {
		return err
	}
	defer p.close()
	list := []shownLetter{} // not null
	for _, l := range p.letters {
		list = append(list, shownOf(l))
	}
	return print(s.out, k.Deadletters.Output, list, func(w io.Writer) {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "TIME\tID\tSINK\tWHAT\tWHY")
		for _, l := range list {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", l.Time.Local().Format(time.DateTime), l.ID, l.Sink, l.What, l.Why)
		}
		_ = t.Flush() // the terminal has gone
	})
}

type deadShowCmd struct {
	ID string `arg:"" help:"Id of the exchange or event."`
}

// Run shows it for each sink that refused it.
func (c *deadShowCmd) Run(k *cli, s *streams) error {
	p, err := k.Deadletters.open(c.ID)
	if err != nil {
		return err
	}
	defer p.close()
	list := []shownLetter{}
	for _, l := range p.letters {
		o, err := p.output(l.Sink)
		if err != nil {
			return err
		}
		one := shownOf(l)
		one.Message = string(o.Encode(nil, l.Item))
		list = append(list, one)
	}
	return print(s.out, k.Deadletters.Output, list, func(w io.Writer) {
		for _, l := range list {
			fmt.Fprintf(w, "%s was refused by %s: %s\n%s\n", l.ID, l.Sink, l.Why, l.Message)
		}
	})
}

type deadSendCmd struct {
	IDs []string `arg:"" optional:"" name:"id" help:"Ids of exchanges or events; all letters without any."`
}

// Run sends one after the other, so that each is judged by itself.
func (c *deadSendCmd) Run(k *cli, s *streams) error {
	p, err := k.Deadletters.open(c.IDs...)
	if err != nil {
		return err
	}
	defer p.close()
	taken, refused := map[string]map[string]bool{}, 0
	err = p.sendAll(taken, func(l spool.DeadLetter, why error) {
		refused++
		fmt.Fprintf(s.err, "%s is refused again by %s: %v\n", l.ID(), l.Sink, why)
	})
	err = errors.Join(err, p.remove(taken, "sent again"))
	fmt.Fprintf(s.err, "%s sent again, %d refused\n", counted(total(taken), "letter"), refused)
	if err == nil && refused > 0 {
		return errFindings
	}
	return err
}

// sendAll sends the letters, and notes in taken, by sink, those that arrived.
func (p *post) sendAll(taken map[string]map[string]bool, refused func(spool.DeadLetter, error)) error {
	sinks := map[string]receiver.Sink{}
	defer func() {
		for _, k := range sinks {
			_ = k.Close() // each letter was answered for
		}
	}()
	for _, l := range p.letters {
		o, err := p.output(l.Sink)
		if err != nil {
			return err
		}
		if sinks[l.Sink] == nil {
			if sinks[l.Sink], err = o.Open(); err != nil {
				return fmt.Errorf("couldn't open sink %s: %w", l.Sink, err)
			}
			taken[l.Sink] = map[string]bool{}
		}
		err = sendLetter(sinks[l.Sink], o.Encode, l.Item)
		var final *receiver.Refused
		switch {
		case errors.As(err, &final):
			refused(l, final.Err)
		case err != nil:
			return fmt.Errorf("sink %s: %w", l.Sink, err)
		default:
			taken[l.Sink][l.ID()] = true
		}
	}
	return nil
}

func sendLetter(to receiver.Sink, encoding encode.Encoding, i encode.Item) error {
	const patience = 30 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return to.Send(ctx, []receiver.Message{spool.MessageOf(i, encoding(nil, i))})
}

type deadDropCmd struct {
	IDs []string `arg:"" optional:"" name:"id" help:"Ids of exchanges or events."`
	All bool     `help:"All letters, of one sink with --sink."`
}

// Validate is asked by the parser of the command line: nothing is forgotten because somebody typed too little.
func (c *deadDropCmd) Validate() error {
	if (len(c.IDs) > 0) == c.All {
		return errors.New("say which letters: ids, or --all")
	}
	return nil
}

// Run drops.
func (c *deadDropCmd) Run(k *cli, s *streams) error {
	p, err := k.Deadletters.open(c.IDs...)
	if err != nil {
		return err
	}
	defer p.close()
	gone := map[string]map[string]bool{}
	for _, l := range p.letters {
		if gone[l.Sink] == nil {
			gone[l.Sink] = map[string]bool{}
		}
		gone[l.Sink][l.ID()] = true
	}
	if err := p.remove(gone, "dropped"); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.err, "%s dropped\n", counted(total(gone), "letter"))
	return err
}

func total(bySink map[string]map[string]bool) (n int) {
	for _, ids := range bySink {
		n += len(ids)
	}
	return n
}

// remove announces what is done with letters, and removes them: an act of which nobody can be told does not happen.
func (p *post) remove(bySink map[string]map[string]bool, what string) error {
	if total(bySink) == 0 {
		return nil
	}
	kept, err := openKeptOf(p.config.Store)
	if err != nil {
		return err
	}
	defer kept.Close()
	for name, ids := range bySink {
		e := exchange.NewEvent(exchange.AdminAct, fmt.Sprintf("%s of sink %s: %s", counted(len(ids), "dead letter"), name, what))
		e.Actor, e.Object = "cli", name
		ctx := context.Background()
		if err := kept.Change(ctx, func(tx *sql.Tx) error { return store.Announce(ctx, tx, e.ID, e) }); err != nil {
			return err
		}
		if err := spool.RemoveDead(p.dir, name, ids); err != nil {
			return err
		}
	}
	return nil
}
