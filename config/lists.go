package config

import (
	"fmt"
	"strings"
)

// List is a file of addresses, and what becomes of requests from there. A change of the file reloads.
type List struct {
	// Name of the list in records.
	Name string `yaml:"name"`
	// File has one entry a line: an address, a CIDR, AS64496 or country:KP, then # and the reason, which may end with until 2027-01-01.
	File string `yaml:"file"`
	// Action is deny (403), monitor (a finding in the record) or allow, which exempts from other lists and from bans, and from nothing else. Default deny.
	Action ListAction `yaml:"action"`
}

// ListAction is what becomes of requests from an address that is listed.
type ListAction string

// The actions.
const (
	ListAllow   ListAction = "allow"
	ListDeny    ListAction = "deny"
	ListMonitor ListAction = "monitor"
)

// UnmarshalText reads the written form.
func (a *ListAction) UnmarshalText(text []byte) error {
	switch v := ListAction(text); v {
	case ListAllow, ListDeny, ListMonitor:
		*a = v
		return nil
	}
	return fmt.Errorf("not one of allow, deny, monitor")
}

// Files are those of lists, the databases that they need, and the keys of signers.
func (a *Abuse) Files() []string {
	var files []string
	for _, f := range a.listFiles() {
		files = append(files, *f)
	}
	for _, s := range a.Agents.Signers {
		if file, ok := strings.CutPrefix(s.Keys, "file:"); ok {
			files = append(files, file)
		}
	}
	return files
}

func (a *Abuse) listFiles() []*string {
	var files []*string
	for i := range a.Lists {
		files = append(files, &a.Lists[i].File)
	}
	for i := range a.Databases {
		files = append(files, &a.Databases[i])
	}
	return files
}

func (c *checker) lists(a Abuse) {
	names := map[string]bool{}
	for i, l := range a.Lists {
		at := fmt.Sprintf("abuse.lists[%d]", i)
		c.name(l.Name, at, names)
		if l.File == "" {
			c.fail(at, "has no file", "{ name: scanners, file: scanners.txt }")
		}
	}
	if len(a.Lists) > 64 {
		c.fail("abuse.lists", "has more than 64 lists", "one file may have a million entries")
	}
}
