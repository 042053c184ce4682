package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/sallyport/sallyport/exchange"
	tell "github.com/sallyport/sallyport/exchange/explain"
	"github.com/sallyport/sallyport/lab"
	"github.com/sallyport/sallyport/limit"
)

// tourResult is what -o json ends with.
type tourResult struct {
	Flaws      int        `json:"flaws"`
	Stopped    int        `json:"stopped"`
	Legitimate legitimate `json:"legitimate"`
	Rows       []tourRow  `json:"rows"`
}

type legitimate struct {
	Requests int      `json:"requests"`
	Refused  int      `json:"refused"`
	Wrong    []string `json:"wrong,omitempty"` // requests whose answer was not the recorded one
}

// tourRow is one flaw, tried twice.
type tourRow struct {
	ID      string `json:"id"`
	Risk    string `json:"risk"`
	Title   string `json:"title"`
	Without string `json:"without"` // what leaked from the bare shop
	Status  int    `json:"status"`  // what the gateway answered
	Code    string `json:"code"`    // reason
	Control string `json:"control"` // which guard acted
	Outcome string `json:"outcome"` // stopped, leaked, or not stoppable here
	Why     string `json:"why,omitempty"`
}

// recorder keeps the records of one flaw's requests, to tell which control acted.
type recorder struct {
	mu   sync.Mutex
	list []*exchange.Record
}

// Record keeps r until take.
func (k *recorder) Record(r *exchange.Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.list) < 10_000 {
		k.list = append(k.list, r)
	}
}

func (k *recorder) take() []*exchange.Record {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := k.list
	k.list = nil
	return list
}

func (d *demo) tour(ctx context.Context, s *streams, format string) error {
	gate := d.service.listeners[0].url
	var r tourResult
	for i, f := range lab.Flaws() {
		fmt.Fprintf(s.err, "\r%3d/%d %-12s", i+1, len(lab.Flaws()), f.ID)
		row := d.try(ctx, f, gate, i)
		r.Rows = append(r.Rows, row)
		r.Flaws++
		if row.Outcome == "stopped" {
			r.Stopped++
		}
	}
	fmt.Fprint(s.err, "\rlegitimate traffic …")
	d.lab.Reset()
	d.forget()
	d.legitimate(ctx, gate, &r.Legitimate)
	fmt.Fprint(s.err, "\r                     \r")
	if format == "json" {
		return json.NewEncoder(s.out).Encode(r)
	}
	printTour(s.out, r)
	return nil
}

// try exploits one flaw against the bare shop, then through the gateway. Each flaw has a client address of its own, so
// that what one has spent of a budget does not hide how the next is stopped.
func (d *demo) try(ctx context.Context, f lab.Flaw, gate string, n int) tourRow {
	d.forget()
	client := clientFrom(n)
	bare := f.Run(ctx, d.bare, client, d.lab)
	d.seen.take()
	kept := f.Run(ctx, gate, client, d.lab)
	row := tourRow{ID: f.ID, Risk: f.Class, Title: f.Title, Without: bare.Evidence, Status: kept.Status, Code: kept.Code, Outcome: "stopped"}
	if !bare.Leaked {
		row.Without, row.Outcome = "nothing: the flaw did not reproduce", "not reproduced"
	}
	d.quiet()
	row.Control = acted(d.seen.take(), kept.Code)
	if kept.Leaked {
		row.Outcome, row.Why = "leaked", f.Why
		if f.Control == "" {
			row.Outcome = "not stoppable here"
		}
	}
	return row
}

// forget starts all counts anew: every flaw is exploited in the name of the same customer.
func (d *demo) forget() {
	d.service.parts.Limiter = limit.New(limit.Options{})
	if err := d.service.reload(); err != nil {
		panic(err) // the demo's own configuration
	}
}

// quiet waits until every exchange has left its record, which it does a moment after its answer was sent.
func (d *demo) quiet() {
	for range 1000 {
		if d.service.gateway.InFlight() == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// acted names the guard that refused with the code, or else the one that changed the answer.
func acted(records []*exchange.Record, code string) string {
	control := ""
	for _, r := range records {
		if r.Refused && (r.Code == code || control == "") {
			control = r.Guard
		}
		for _, f := range r.Findings {
			if control == "" {
				control = f.Guard + " (" + f.Rule + ")"
			}
		}
	}
	return control
}

// legitimate plays the recorded traffic. Refused is whatever the gateway refused with a code of its own.
func (d *demo) legitimate(ctx context.Context, gate string, l *legitimate) {
	client := clientFrom(200)
	for _, request := range lab.Traffic() {
		l.Requests++
		req, err := request.HTTP(ctx, gate, d.lab)
		if err != nil {
			l.Wrong = append(l.Wrong, request.Name+": "+err.Error())
			continue
		}
		d.seen.take()
		resp, err := client.Do(req)
		if err != nil {
			l.Wrong = append(l.Wrong, request.Name+": "+err.Error())
			continue
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		refusal := ""
		d.quiet()
		for _, r := range d.seen.take() {
			if r.Refused {
				l.Refused++
				refusal = r.Code + ": " + r.Detail
			}
		}
		if refusal != "" || resp.StatusCode != request.Status {
			l.Wrong = append(l.Wrong, fmt.Sprintf("%s: %s %s: got %d, recorded %d %s", request.Name, request.Method, request.Path, resp.StatusCode, request.Status, refusal))
		}
	}
}

// clientFrom returns a client with a loopback address of its own, where the system has more than one.
func clientFrom(n int) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(n+1))}}
	return &http.Client{Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 8, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, address)
			}
			return conn, nil
		}}}
}

func printTour(w io.Writer, r tourResult) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RISK\tFLAW\tWITHOUT\tGATEWAY\tREASON\tCONTROL\tOUTCOME")
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%s\t%s %s\t%s\t%d\t%s\t%s\t%s\n", strings.TrimSuffix(row.Risk, ":2023"), row.ID, short(row.Title, 48), short(row.Without, 56), row.Status, tell.OrDash(row.Code), tell.OrDash(row.Control), row.Outcome)
	}
	_ = t.Flush() // the terminal has gone
	for _, row := range r.Rows {
		if row.Why != "" {
			fmt.Fprintf(w, "\n%s %s: %s", row.ID, row.Outcome, row.Why)
		}
	}
	fmt.Fprintf(w, "\n%d of %d flaws stopped; legitimate requests: %d, refused: %d\n", r.Stopped, r.Flaws, r.Legitimate.Requests, r.Legitimate.Refused)
	for _, line := range r.Legitimate.Wrong {
		fmt.Fprintln(w, "  ", line)
	}
}

func short(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}
