package audit

import (
	"fmt"
	"io"
)

// Write tells a report to people.
func (r *Report) Write(w io.Writer) {
	if r.Origin != "" {
		fmt.Fprintf(w, "log        %s\nleaves     %d\nroot       %s\n", r.Origin, r.Size, r.Root)
	}
	if r.Since > 0 {
		fmt.Fprintf(w, "kept       a checkpoint of %d leaves\n", r.Since)
	}
	if r.Cosigned > 0 {
		fmt.Fprintf(w, "witnessed  %d leaves\n", r.Cosigned)
	}
	if r.Pruned > 0 {
		fmt.Fprintf(w, "pruned     the first %d leaves: their hashes are there\n", r.Pruned)
	}
	if r.Beyond {
		fmt.Fprintln(w, "note       there are leaves beyond the checkpoint: a commit that goes on or that a crash ended, or an older checkpoint that was put back")
	}
	for _, f := range r.Findings {
		fmt.Fprintf(w, "FINDING    %s\n", f)
	}
	if r.More > 0 {
		fmt.Fprintf(w, "FINDING    and %d more\n", r.More)
	}
	switch {
	case len(r.Findings) > 0:
	case r.Pruned > 0:
		fmt.Fprintln(w, "every leaf that is kept, every hash and the signature are as they were signed")
	default:
		fmt.Fprintln(w, "every leaf, every hash and the signature are as they were signed")
	}
}
