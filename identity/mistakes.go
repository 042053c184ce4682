package identity

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/config"
)

// A SettingError is a setting that cannot be used.
type SettingError struct {
	// Path of the setting: identity[0].jwt.jwks.
	Path string
	// Err says what is wrong with it.
	Err error
}

func (e *SettingError) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *SettingError) Unwrap() error { return e.Err }

// mistakes gathers all of them, so that they are reported at once.
type mistakes struct{ list []error }

func (m *mistakes) add(path, format string, args ...any) {
	m.list = append(m.list, &SettingError{path, fmt.Errorf(format, args...)})
}

// error is nil where nothing was wrong; else it unwraps to a list of [*SettingError].
func (m *mistakes) error() error { return errors.Join(slices.Clip(m.list)...) }

// at is the path of the i-th identity.
func at(i int) string { return fmt.Sprintf("identity[%d]", i) }

// named says which identities have a name that another one has, or none.
func (m *mistakes) names(list []config.Identity) {
	seen := map[string]int{}
	for i, d := range list {
		if d.Name == "" {
			m.add(at(i)+".name", "is missing")
		} else if j, twice := seen[d.Name]; twice {
			m.add(at(i)+".name", "%s is the name of %s already", quote(d.Name), at(j))
		}
		seen[d.Name] = i
	}
}
