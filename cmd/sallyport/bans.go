package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"text/tabwriter"
	"time"

	"github.com/sallyport/sallyport/limit"
)

// bansCmd works on the store beside running gateways, which follow within a second.
type bansCmd struct {
	Config string `short:"c" help:"Config file that names the store." placeholder:"FILE"`
	Store  string `type:"path" help:"Folder of the store (default ./data)." placeholder:"DIR"`

	List bansListCmd `cmd:"" help:"List who is banned: for people, programs, firewalls (nft -f) or CDNs."`
	Add  bansAddCmd  `cmd:"" help:"Ban a client: an IPv4 address, or the /64 of an IPv6 address."`
	End  bansEndCmd  `cmd:"" help:"Let a client in again."`
}

// with does something to the bans of an existing store.
func (b *bansCmd) with(do func(context.Context, *limit.BanList) error) error {
	s, _, err := openKept(b.Config, b.Store)
	if err != nil {
		return err
	}
	defer s.Close()
	return do(context.Background(), limit.NewBanList(s))
}

type bansListCmd struct {
	Output string `short:"o" enum:"table,json,text,nft" default:"table" help:"table, json, text (one CIDR per line) or nft (commands for nft -f)."`
}

// Run lists.
func (c *bansListCmd) Run(k *cli, s *streams) error {
	return k.Bans.with(func(ctx context.Context, l *limit.BanList) error {
		now := time.Now()
		list, err := l.Active(ctx, now)
		switch {
		case err != nil:
			return err
		case c.Output == "text":
			return limit.WriteBans(s.out, list)
		case c.Output == "nft":
			return limit.WriteNft(s.out, list, now)
		}
		return print(s.out, c.Output, list, func(w io.Writer) {
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "CLIENT\tUNTIL\tTIMES\tBY\tREASON")
			for _, b := range list {
				fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\n", b.Client, b.Until.Format(time.RFC3339), b.Times, orElse(b.By, "gateway"), b.Reason)
			}
			_ = t.Flush() // the terminal has gone
		})
	})
}

type bansAddCmd struct {
	Client netip.Addr    `arg:"" help:"Address of the client."`
	For    time.Duration `default:"1h" help:"How long, 30 days at most."`
	Reason string        `required:"" help:"Why, for whoever reads it next."`
}

// Run bans.
func (c *bansAddCmd) Run(k *cli, s *streams) error {
	if c.For <= 0 || c.For > limit.LongestBan {
		return errors.New("a ban lasts longer than nothing and 30 days at most\n    hint: addresses have another owner by then; a firewall is the place for good")
	}
	now := time.Now()
	b := limit.Ban{Client: limit.ClientOf(c.Client), Since: now, Until: now.Add(c.For), Times: 1, Reason: c.Reason, By: "cli"}
	if err := k.Bans.with(func(ctx context.Context, l *limit.BanList) error {
		return l.Put(ctx, banEvent(b), b)
	}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.err, "%s is banned until %s\n", b.Client, b.Until.Format(time.RFC3339))
	return err
}

type bansEndCmd struct {
	Client netip.Addr `arg:"" help:"Address of the client."`
}

// Run lets in.
func (c *bansEndCmd) Run(k *cli, s *streams) error {
	client := limit.ClientOf(c.Client)
	err := k.Bans.with(func(ctx context.Context, l *limit.BanList) error {
		list, err := l.Active(ctx, time.Now())
		if err != nil {
			return err
		}
		for _, b := range list {
			if b.Client == client {
				b.Until, b.Times, b.By = b.Since, 0, "cli"
				return l.Put(ctx, banEvent(b), b)
			}
		}
		return fmt.Errorf("%s is not banned\n    hint: sallyport bans list", client)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.err, "%s is let in again\n", client)
	return err
}
