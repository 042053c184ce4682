package list

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
)

// Bounds of what is read. Files are the operator's; they come from others.
const (
	maxFile     = 64 << 20 // bytes of a list
	maxDatabase = 1 << 30  // bytes of a database
	maxLine     = 1024     // bytes
	maxReason   = 256      // bytes
	maxEntries  = 1_000_000
	maxPlaces   = 4_000_000 // prefixes, of systems and countries those of the database
	maxErrors   = 20        // that are told of one file
)

// An Error is a file that cannot be used, or a line of it.
type Error struct {
	File         string
	Line, Column int // from 1; 0: the file as a whole
	Message      string
	Hint         string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Open reads lists and the databases that they need. The error joins an [*Error] for each problem.
func Open(lists []config.List, databases []string) (*Set, error) {
	if len(lists) == 0 {
		return nil, nil
	}
	r := reader{wanted: map[string][]int32{}, mapped: len(databases) > 0, hash: sha256.New()}
	for _, l := range lists {
		r.list(l)
	}
	if len(r.wanted) > 0 {
		for _, file := range databases {
			r.database(file)
		}
	}
	if err := errors.Join(r.errs...); err != nil {
		return nil, err
	}
	s := newSet(r.entries, r.places)
	r.hash.Sum(s.sum[:0])
	return s, nil
}

// reader gathers entries and their places.
type reader struct {
	entries []Entry
	places  []place
	wanted  map[string][]int32 // entries by system ("AS64496") and country ("country:KP")
	mapped  bool               // there are databases that may know them
	hash    hash.Hash
	errs    []error
}

func (r *reader) list(l config.List) {
	data, err := read(l.File, maxFile)
	if err != nil {
		r.errs = append(r.errs, &Error{File: l.File, Message: err.Error()})
		return
	}
	fmt.Fprintf(r.hash, "%q %s %d\n", l.Name, l.Action, len(data))
	r.hash.Write(data)
	wrong, line := 0, 0
	for text := range bytes.Lines(data) {
		line++
		if len(r.entries) == maxEntries {
			r.errs = append(r.errs, &Error{File: l.File, Line: line, Column: 1, Message: fmt.Sprintf("there are more than %d entries", maxEntries), Hint: "write wider prefixes, or let a firewall have them"})
			return
		}
		if fault := r.line(l, string(text)); fault != nil {
			fault.File, fault.Line = l.File, line
			r.errs = append(r.errs, fault)
			if wrong++; wrong == maxErrors {
				return
			}
		}
	}
}

// line reads one line; what is wrong with it has only its column.
func (r *reader) line(l config.List, text string) *Error {
	if len(text) > maxLine {
		return &Error{Column: 1, Message: fmt.Sprintf("a line of more than %d bytes", maxLine)}
	}
	what, comment := text, ""
	if mark := strings.IndexAny(text, "#;"); mark >= 0 {
		what, comment = text[:mark], text[mark+1:]
	}
	if what = strings.TrimSpace(what); what == "" {
		return nil
	}
	e := Entry{List: l.Name, Action: cmp.Or(l.Action, config.ListDeny), Text: what}
	var fault string
	if e.Reason, e.Until, fault = reason(comment); fault != "" {
		return &Error{Column: strings.LastIndex(text, "until") + 1, Message: fault, Hint: "until 2027-01-01, or until 2027-01-01T12:00:00Z"}
	}
	if e.Reason == "" {
		e.Reason = l.Name
	}
	if fault := r.entry(e); fault != nil {
		fault.Column = strings.Index(text, what) + 1
		return fault
	}
	return nil
}

// entry adds an entry at its place, or to those that wait for a database.
func (r *reader) entry(e Entry) *Error {
	id := int32(len(r.entries))
	if key, ok := mapped(e.Text); ok {
		if !r.mapped {
			return &Error{Message: "there is no database that tells the addresses of " + e.Text, Hint: "abuse: { databases: [ GeoLite2-ASN.mmdb, GeoLite2-Country.mmdb ] }"}
		}
		r.entries, r.wanted[key] = append(r.entries, e), append(r.wanted[key], id)
		return nil
	}
	p, err := netip.ParsePrefix(e.Text)
	if a, single := netip.ParseAddr(e.Text); single == nil && a.Zone() == "" {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	switch {
	case err != nil:
		return &Error{Message: fmt.Sprintf("%q is no address, CIDR, system or country", short(e.Text)), Hint: "192.0.2.0/24, 2001:db8::/32, AS64496 or country:KP, then # and the reason"}
	case p.Addr().Is4In6():
		return &Error{Message: "an IPv4 address written as IPv6", Hint: "write it as IPv4"}
	case p != p.Masked():
		return &Error{Message: e.Text + " has bits set behind its length", Hint: p.Masked().String() + ", or the address alone"}
	}
	r.entries, r.places = append(r.entries, e), append(r.places, place{p, id})
	return nil
}

// mapped is the key of an entry that a database knows.
func mapped(text string) (key string, ok bool) {
	if code, is := strings.CutPrefix(text, "country:"); is {
		return text, len(code) == 2 && strings.ToUpper(code) == code
	}
	digits, is := strings.CutPrefix(text, "AS")
	n, err := strconv.ParseUint(digits, 10, 32)
	return "AS" + strconv.FormatUint(n, 10), is && err == nil
}

// reason reads what stands behind an entry. Only a digit makes an end of "until": the word may be part of a sentence.
func reason(comment string) (text string, until time.Time, fault string) {
	text = strings.TrimSpace(comment)
	at := strings.LastIndex(text, "until ")
	if at < 0 || at > 0 && text[at-1] != ' ' {
		return short(text), until, ""
	}
	day := strings.TrimSpace(text[at+len("until "):])
	if day == "" || day[0] < '0' || day[0] > '9' {
		return short(text), until, ""
	}
	until, err := time.Parse(time.DateOnly, day)
	if err != nil {
		if until, err = time.Parse(time.RFC3339, day); err != nil {
			return "", until, fmt.Sprintf("%q is no day", short(day))
		}
	}
	return short(strings.TrimRight(text[:at], " ,;")), until, ""
}

// short bounds what becomes part of records.
func short(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), maxReason)], "")
}

// read reads a file of a bounded size: one that says that it is larger is not read at all.
func read(file string, most int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	large := fmt.Errorf("is larger than %d MiB", most>>20)
	if info, err := f.Stat(); err != nil || info.Size() > most {
		return nil, cmp.Or(err, large)
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		return nil, large
	}
	return data, err
}
