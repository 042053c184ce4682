package audit

import "fmt"

// A Kind is what was done to a log, as far as can be known from what is left.
type Kind string

// The kinds of tampering.
const (
	Edited     Kind = "edited"      // a leaf, or a tile of hashes, has other content than was signed
	Deleted    Kind = "deleted"     // leaves, or a file, are missing where others follow
	Inserted   Kind = "inserted"    // a leaf stands where none was signed
	Reordered  Kind = "reordered"   // leaves stand in another order than was signed
	Truncated  Kind = "truncated"   // leaves are missing up to the end
	Rewritten  Kind = "rewritten"   // files agree with each other but not with the signed checkpoint: leaves were changed, and which ones is not known
	Unsigned   Kind = "unsigned"    // the checkpoint is not the log's
	RolledBack Kind = "rolled back" // the log has fewer leaves than were signed before
	Forked     Kind = "forked"      // the log was signed again with other leaves than before
	Unseen     Kind = "unseen"      // too few witnesses have seen the log
)

// A Finding is one place where a log is not what was signed.
type Finding struct {
	Kind   Kind   `json:"kind"`
	Index  int64  `json:"index"`           // the first leaf that is concerned
	Count  int64  `json:"count,omitempty"` // so many leaves; 0: none, only a file is damaged
	File   string `json:"file,omitempty"`  // in the log's folder
	Detail string `json:"detail"`
}

// String is the finding as a line.
func (f Finding) String() string {
	where := f.File
	switch {
	case f.Count == 1:
		where = fmt.Sprintf("leaf %d", f.Index)
	case f.Count > 1:
		where = fmt.Sprintf("leaves %d to %d", f.Index, f.Index+f.Count-1)
	}
	if f.File != "" && f.Count > 0 {
		where += " (" + f.File + ")"
	}
	return fmt.Sprintf("%s: %s: %s", f.Kind, where, f.Detail)
}

// maxFindings bounds what a report lists; the rest is counted.
const maxFindings = 1000

func (r *Report) add(f Finding) {
	if len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, f)
		return
	}
	r.More++
}

// last is the finding that was added last, to be amended.
func (r *Report) last() *Finding {
	if len(r.Findings) == 0 || r.More > 0 {
		return &Finding{}
	}
	return &r.Findings[len(r.Findings)-1]
}
