package inspect

import (
	"errors"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/inspect/rules"
)

// A Description says what the rules of an API were compiled into.
type Description struct {
	Paranoia int           `json:"paranoia"`
	Scoring  int           `json:"scoring"` // rules that can add to a score or refuse
	Build    time.Duration `json:"build_ns"`
	States   int64         `json:"states"`       // bytes of automata's states so far
	Bound    int64         `json:"states_bound"` // which they never exceed
	Request  rules.Summary `json:"request"`
	Answer   rules.Summary `json:"answer"`
}

// Describe tells what the rules of an API were compiled into.
func (i *Inspector) Describe(api config.Inspect) (*Description, error) {
	e, err := i.engine(api)
	if err != nil {
		return nil, err
	}
	c, ok := e.(*compiledEngine)
	if !ok {
		return nil, errors.New("the engine has no compiled rules")
	}
	return &Description{Paranoia: or(api.Paranoia, 1), Scoring: len(c.rules), Build: c.build, States: c.budget.Used() + c.shared.Used(), Bound: automata + sharedAutomata,
		Request: c.request.Summary(), Answer: c.answer.Summary()}, nil
}
