package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/sallyport/sallyport/admin/people"
	tell "github.com/sallyport/sallyport/exchange/explain"
)

// usersCmd works on the store beside the running gateway, which notices at once.
type usersCmd struct {
	Config string `short:"c" help:"Config file that names the store." placeholder:"FILE"`
	Store  string `type:"path" help:"Folder of the store (default ./data)." placeholder:"DIR"`
	Output string `short:"o" enum:"table,json" default:"table" help:"table or json."`

	Add    usersAddCmd    `cmd:"" help:"Add somebody who administers; the password is asked for, or read from stdin."`
	List   usersListCmd   `cmd:"" help:"List users and their roles."`
	Passwd usersPasswdCmd `cmd:"" help:"Set a password; the user's sessions end."`
	Role   usersRoleCmd   `cmd:"" help:"Change what somebody may do."`
	Remove usersRemoveCmd `cmd:"" help:"Remove a user with sessions and tokens."`
	Tokens usersTokensCmd `cmd:"" help:"Create, list and revoke the tokens of a user, for programs."`
}

// with does something to the people of an existing store. What it changes is announced, in the same transaction.
func (u *usersCmd) with(do func(context.Context, *people.Directory) error) error {
	s, _, err := openKept(u.Config, u.Store)
	if err != nil {
		return err
	}
	defer s.Close()
	return do(context.Background(), people.New(s.By("cli"), people.Options{}))
}

// passwordFrom asks twice on a terminal, without showing what is typed; else it reads one line. A password is never an
// argument: those are in the list of processes.
func passwordFrom(in *os.File, w io.Writer) (string, error) {
	if !term.IsTerminal(int(in.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(in, 4<<10)).ReadString('\n')
		if err != nil && err != io.EOF {
			return "", fmt.Errorf("couldn't read the password: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	var typed [2]string
	for i, prompt := range []string{"Password: ", "Once more: "} {
		fmt.Fprint(w, prompt)
		text, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(w)
		if err != nil {
			return "", fmt.Errorf("couldn't read the password: %w", err)
		}
		typed[i] = string(text)
	}
	if typed[0] != typed[1] {
		return "", fmt.Errorf("the two are not the same")
	}
	return typed[0], nil
}

type usersAddCmd struct {
	Name string      `arg:"" help:"Name of the user."`
	Role people.Role `required:"" help:"viewer, analyst, operator or admin." placeholder:"ROLE"`
}

// Run adds. The first user may come before the gateway.
func (c *usersAddCmd) Run(k *cli, s *streams) error {
	password, err := passwordFrom(os.Stdin, s.err)
	if err != nil {
		return err
	}
	where, err := storeOf(k.Users.Config, k.Users.Store)
	if err != nil {
		return err
	}
	kept, err := openStore(where)
	if err != nil {
		return err
	}
	if err := kept.Close(); err != nil {
		return err
	}
	err = k.Users.with(func(ctx context.Context, d *people.Directory) error {
		return d.Add(ctx, c.Name, c.Role, password)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.err, "%s is %s\n", c.Name, c.Role)
	return err
}

type usersListCmd struct{}

// Run lists.
func (usersListCmd) Run(k *cli, s *streams) error {
	return k.Users.with(func(ctx context.Context, d *people.Directory) error {
		list, err := d.List(ctx)
		if err != nil {
			return err
		}
		return print(s.out, k.Users.Output, list, func(w io.Writer) {
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "NAME\tROLE\tCREATED\tPASSWORD")
			for _, u := range list {
				fmt.Fprintf(t, "%s\t%s\t%s\tof %s\n", u.Name, u.Role, u.Created.Format(time.DateOnly), u.Changed.Format(time.DateOnly))
			}
			_ = t.Flush() // the terminal has gone
		})
	})
}

type usersPasswdCmd struct {
	Name string `arg:"" help:"Name of the user."`
}

// Run sets.
func (c *usersPasswdCmd) Run(k *cli, s *streams) error {
	password, err := passwordFrom(os.Stdin, s.err)
	if err != nil {
		return err
	}
	return k.Users.with(func(ctx context.Context, d *people.Directory) error { return d.SetPassword(ctx, c.Name, password) })
}

type usersRoleCmd struct {
	Name string      `arg:"" help:"Name of the user."`
	Role people.Role `arg:"" help:"viewer, analyst, operator or admin."`
}

// Run changes.
func (c *usersRoleCmd) Run(k *cli) error {
	return k.Users.with(func(ctx context.Context, d *people.Directory) error { return d.SetRole(ctx, c.Name, c.Role) })
}

type usersRemoveCmd struct {
	Name string `arg:"" help:"Name of the user."`
}

// Run removes.
func (c *usersRemoveCmd) Run(k *cli) error {
	return k.Users.with(func(ctx context.Context, d *people.Directory) error { return d.Remove(ctx, c.Name) })
}

type usersTokensCmd struct {
	Create tokensCreateCmd `cmd:"" help:"Create a token; it is shown once and kept as a hash."`
	List   tokensListCmd   `cmd:"" help:"List tokens, without the tokens themselves."`
	Revoke tokensRevokeCmd `cmd:"" help:"End a token now."`
}

type tokensCreateCmd struct {
	Name     string        `arg:"" help:"Name of the user."`
	Role     people.Role   `required:"" help:"Role of the token, at most the user's." placeholder:"ROLE"`
	Lifetime time.Duration `default:"2160h" help:"When it ends by itself, at most after a year."`
	Label    string        `help:"What it is for."`
}

// createdToken is what -o json prints of a new token.
type createdToken struct {
	people.Token
	Secret string `json:"token"`
}

// Run creates.
func (c *tokensCreateCmd) Run(k *cli, s *streams) error {
	return k.Users.with(func(ctx context.Context, d *people.Directory) error {
		secret, t, err := d.NewToken(ctx, c.Name, c.Role, c.Label, c.Lifetime)
		if err != nil {
			return err
		}
		return print(s.out, k.Users.Output, createdToken{t, secret}, func(w io.Writer) {
			fmt.Fprintf(w, "%s\n\nid %s, user %s, role %s, until %s. This is the only time that the token is shown.\n", secret, t.ID, t.Name, t.Role, t.Expires.Format(time.DateOnly))
		})
	})
}

type tokensListCmd struct {
	Name string `arg:"" optional:"" help:"Name of the user; without it, of all."`
}

// Run lists.
func (c *tokensListCmd) Run(k *cli, s *streams) error {
	return k.Users.with(func(ctx context.Context, d *people.Directory) error {
		list, err := d.Tokens(ctx, c.Name)
		if err != nil {
			return err
		}
		return print(s.out, k.Users.Output, list, func(w io.Writer) {
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "ID\tUSER\tROLE\tLABEL\tUNTIL")
			for _, e := range list {
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", e.ID, e.Name, e.Role, tell.OrDash(e.Label), e.Expires.Format(time.DateOnly))
			}
			_ = t.Flush() // the terminal has gone
		})
	})
}

type tokensRevokeCmd struct {
	Name string `arg:"" help:"Name of the user."`
	ID   string `arg:"" help:"Id of the token."`
}

// Run revokes.
func (c *tokensRevokeCmd) Run(k *cli) error {
	return k.Users.with(func(ctx context.Context, d *people.Directory) error { return d.Revoke(ctx, c.Name, c.ID) })
}
