package main

import (
	"context"
	_ "embed"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/template"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/lab"
	"github.com/sallyport/sallyport/store"
)

type demoCmd struct {
	Tour   bool   `help:"Exploit every flaw of the shop, bare and through the gateway, then send its legitimate traffic; print a table and end."`
	Output string `short:"o" enum:"table,json" default:"table" help:"With --tour: table or json."`
	Listen string `default:"127.0.0.1:8080" help:"Address of the gateway." placeholder:"HOST:PORT"`
	Lab    string `default:"127.0.0.1:9000" help:"Address of the bare shop." placeholder:"HOST:PORT"`
	Admin  string `default:"127.0.0.1:9901" help:"Address for operators." placeholder:"HOST:PORT"`
}

// Help is shown below the flags.
func (demoCmd) Help() string {
	return `Harbor Goods is a shop API that is vulnerable on purpose (lab/FLAWS.md lists how). Everything runs in this process, on
loopback, without any other dependency, and leaves nothing behind.`
}

//go:embed demo.yaml
var demoConfig string

// demo is the lab with a gateway in front.
type demo struct {
	lab     *lab.Lab
	bare    string // base URL of the shop itself
	service *service
	dir     string
	seen    *recorder
}

// Run shows the shop until a signal ends it, or tours it.
func (c *demoCmd) Run(s *streams) error {
	slog.SetDefault(slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn})))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if c.Tour { // a tour is for its table: any free port will do
		c.Listen, c.Lab, c.Admin = "127.0.0.1:0", "127.0.0.1:0", "off"
	}
	d, err := startDemo(ctx, c)
	if err != nil {
		return err
	}
	defer d.close()
	serving, end := context.WithCancel(ctx)
	defer end()
	ended := make(chan error, 1)
	go func() { ended <- d.service.serve(serving) }()
	if c.Tour {
		return d.tour(ctx, s, c.Output)
	}
	if err := d.greet(s.out); err != nil {
		return err
	}
	return <-ended
}

func startDemo(ctx context.Context, c *demoCmd) (_ *demo, err error) {
	d := &demo{seen: &recorder{}}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if d.dir, err = os.MkdirTemp("", "sallyport-demo-"); err != nil {
		return nil, err
	}
	key, err := partnerKey(ctx, filepath.Join(d.dir, "data"))
	if err != nil {
		return nil, err
	}
	if d.lab, err = lab.New(lab.Options{APIKey: key}); err != nil {
		return nil, err
	}
	if d.bare, err = d.lab.Start(free(c.Lab)); err != nil {
		return nil, err
	}
	cfg, src, err := d.configure(c)
	if err != nil {
		return nil, err
	}
	if d.service, err = assemble(ctx, cfg, src, d.seen); err != nil {
		return nil, err
	}
	d.service.setLoader(&source{Config: src.File})
	return d, nil
}

// assemble opens a service for which every problem is an error of the program, not of the user.
func assemble(ctx context.Context, cfg *config.Config, src *config.Source, extra ...sink) (*service, error) {
	v, problems, err := open(ctx, cfg, src, extra...)
	if err != nil && problems.Failed() {
		return nil, problems
	}
	return v, err
}

// partnerKey makes the API key of the shop's partner, as an operator would with: sallyport keys create.
func partnerKey(ctx context.Context, dir string) (string, error) {
	db, err := store.Open(dir)
	if err != nil {
		return "", err
	}
	defer db.Close()
	key, _, err := identity.CreateKey(ctx, db, identity.NewKey{Subject: lab.PartnerID, Tenant: lab.PartnerTenant, Roles: lab.PartnerRoles, Scopes: lab.PartnerScopes})
	return key, err
}

// configure writes the demo's files as a user would have them, and loads them as run does.
func (d *demo) configure(c *demoCmd) (*config.Config, *config.Source, error) {
	var b strings.Builder
	err := template.Must(template.New("demo").Parse(demoConfig)).Execute(&b, map[string]string{
		"Listen": free(c.Listen), "Admin": free(c.Admin), "Dir": d.dir, "Upstream": d.bare, "Issuer": lab.Issuer, "Audience": lab.Audience})
	if err != nil {
		return nil, nil, err
	}
	file := filepath.Join(d.dir, "sallyport.yaml")
	for name, data := range map[string][]byte{"sallyport.yaml": []byte(b.String()), "openapi.yaml": d.lab.Spec(), "jwks.json": d.lab.JWKS()} {
		if err := os.WriteFile(filepath.Join(d.dir, name), data, 0o600); err != nil {
			return nil, nil, err
		}
	}
	cfg, src, problems := config.Load(file)
	if cfg == nil {
		return nil, nil, problems
	}
	return cfg, src, nil
}

// free keeps an address that can be bound, and otherwise lets the system choose a port.
func free(address string) string {
	if address == "off" {
		return address
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		host, _, _ := net.SplitHostPort(address)
		return net.JoinHostPort(host, "0")
	}
	defer l.Close()
	return l.Addr().String()
}

func (d *demo) close() {
	if d.service != nil {
		d.service.drain(0, 2*time.Second)
		d.service.close()
	}
	if d.lab != nil {
		_ = d.lab.Close() // the process ends
	}
	if d.dir != "" {
		_ = os.RemoveAll(d.dir) // a temporary folder
	}
}
