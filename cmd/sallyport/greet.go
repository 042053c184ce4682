package main

import (
	_ "embed"
	"io"
	"os"
	"text/template"

	"github.com/sallyport/sallyport/lab"
)

//go:embed greeting.txt
var greeting string

// greet prints what a visitor needs: places, credentials, and for each of the ten risks a line to paste.
func (d *demo) greet(w io.Writer) error {
	return template.Must(template.New("greeting").Parse(greeting)).Execute(w, map[string]string{
		"Shop": d.bare, "Gate": d.service.listeners[0].url, "Admin": d.service.admin.url, "AdminToken": d.service.newToken,
		"Dir": d.dir, "Self": os.Args[0],
		"Alice": d.lab.Token(lab.Attacker), "Bob": d.lab.Token(lab.Victim), "Staff": d.lab.Token(lab.Admin),
		"AliceID": lab.Attacker, "BobID": lab.Victim,
	})
}
