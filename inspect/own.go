package inspect

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"

	"github.com/sallyport/sallyport/inspect/seclang"
)

// maxOwn bounds the files of a directory of rules together, in bytes.
const maxOwn = 64 << 20

// A RuleError is a mistake in an operator's rule file.
type RuleError struct {
	File         string
	Line, Column int // of the word that is wrong
	Message      string
	Hint         string // what would be right, or ""
}

// Error implements error.
func (e *RuleError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// sumOf identifies the contents of a directory of rules, so that an engine is compiled again when one of them changes.
// Folders below it are not read.
func sumOf(dir string) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	list, err := os.ReadDir(dir)
	if err != nil {
		return sum, fmt.Errorf("couldn't read the rules: %w", err)
	}
	total := 0
	for _, f := range list {
		name := filepath.Join(dir, f.Name())
		info, err := os.Stat(name) // of what a link leads to
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if total += int(min(info.Size(), maxOwn+1)); total > maxOwn {
			return sum, fmt.Errorf("the rules in %s are more than %d bytes", dir, maxOwn)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return sum, fmt.Errorf("couldn't read the rules: %w", err)
		}
		fmt.Fprintf(h, "%q %d\n", f.Name(), len(data))
		h.Write(data)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// comesBefore reports whether a rule file comes before the Core Rule Set: its set-up, and files that are named as those of
// its plugins.
func comesBefore(name string) bool {
	return name == "crs-setup.conf" || strings.HasSuffix(name, "-config.conf") || strings.HasSuffix(name, "-before.conf")
}

// ownFiles parses the rule files of a directory in the order of their names: those before the Core Rule Set and those after.
func ownFiles(dir string) (before, after []seclang.Directive, err error) {
	fsys := os.DirFS(dir)
	names, err := fs.Glob(fsys, "*.conf")
	if err != nil || len(names) == 0 {
		return nil, nil, fmt.Errorf("there is no rule file *.conf in %s", dir)
	}
	var mistakes []error
	for _, name := range names {
		list, err := seclang.Parse(fsys, name)
		if err != nil {
			mistakes = append(mistakes, err)
		}
		if comesBefore(name) {
			before = append(before, list...)
		} else {
			after = append(after, list...)
		}
	}
	return before, after, errors.Join(mistakes...)
}

// embedded is where the files of the Core Rule Set lie, which is how theirs are told from the operator's.
const embedded = "@owasp_crs/"

// inOwn reports whether a rule file is the operator's.
func inOwn(file string) bool {
	return file != setupFile && !strings.HasPrefix(file, embedded)
}

// placed names the operator's file in an error, or in each of a joined one.
func placed(err error, dir string) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var list []error
		for _, e := range joined.Unwrap() {
			list = append(list, placed(e, dir))
		}
		return errors.Join(list...)
	}
	var e *seclang.Error
	if dir == "" || !errors.As(err, &e) || !inOwn(e.File) {
		return err
	}
	return &RuleError{File: filepath.Join(dir, e.File), Line: e.Line, Column: e.Column, Message: e.Message, Hint: e.Hint}
}

// dataFiles opens what operators name: the files of the Core Rule Set, which its rules name without their folder, and those
// of the operator, who cannot put another in the place of one of the former.
type dataFiles struct{ own fs.FS }

func (d dataFiles) Open(name string) (fs.File, error) {
	f, err := coreruleset.FS.Open(embedded + name)
	if err == nil || d.own == nil {
		return f, err
	}
	return d.own.Open(name)
}
