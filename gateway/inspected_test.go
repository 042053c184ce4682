package gateway

import (
	"testing"

	"github.com/sallyport/sallyport/config"
)

// The rules are left out only where no setting, be it of the operation or of one guard, could want them.
func TestInspected(t *testing.T) {
	type modes = map[string]config.Mode
	for name, c := range map[string]struct {
		api  config.API
		own  modes
		mode config.Mode // of the operation
		want bool
	}{
		"nothing said":                  {want: true},
		"off for the API":               {api: config.API{Modes: modes{"inspect": config.Off}}},
		"everything off":                {api: config.API{Mode: config.Off}},
		"off but for one guard":         {api: config.API{Modes: modes{"inspect": config.Off, "inspect.body": config.Monitor}}, want: true},
		"off but for the operation":     {api: config.API{Modes: modes{"inspect": config.Off}}, mode: config.Enforce, want: true},
		"off but for one of its guards": {api: config.API{Mode: config.Off}, own: modes{"inspect.head": config.Enforce}, want: true},
		"off for the operation":         {own: modes{"inspect": config.Off}},
	} {
		b := builder{api: &c.api}
		if got := b.inspected(operation(c.own, c.mode)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
