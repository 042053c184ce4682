package seclang

// A Pos is a place in a rule file.
type Pos struct {
	File   string
	Line   int
	Column int // in bytes, from 1
}

// A Directive is a *Rule, *Marker, *Setting, *Defaults, *Update or *Remove, in the order of the files.
type Directive interface{ At() Pos }

// At returns the place itself; directives embed it.
func (p Pos) At() Pos { return p }

// A Rule is a SecRule, or a SecAction, which has neither targets nor an operator.
type Rule struct {
	Pos
	Targets  []Target
	Operator Operator // Name is "" for a SecAction
	Actions  []Action // as written, "chain" left out
	Next     *Rule    // the next link of the chain, or nil
}

// A Target names what a rule looks at.
type Target struct {
	Pos
	Variable string // upper case, "ARGS_NAMES"
	Count    bool   // &ARGS: how many
	Negated  bool   // !ARGS:name: taken away from the other targets
	Key      string // ARGS:name; "" is the whole collection
	Regexp   bool   // ARGS:/key/: Key is a regular expression
}

// An Operator decides about a value.
type Operator struct {
	Pos
	Name     string // as in the language's manual: "rx", "pmFromFile"
	Negated  bool
	Argument string // macros unexpanded
}

// An Action is one of a rule's actions: its own, or one for its chain link.
type Action struct {
	Pos
	Name  string // as in the language's manual: "setvar", "skipAfter"
	Value string // without quotes, macros unexpanded
}

// A Marker is a SecMarker, the goal of skipAfter.
type Marker struct {
	Pos
	Name string
}

// A Setting is a directive that configures the engine: SecRuleEngine On.
type Setting struct {
	Pos
	Name  string // as in the language's manual
	Value string
}

// Defaults are a SecDefaultAction: what rules of a phase do where they say nothing.
type Defaults struct {
	Pos
	Actions []Action
}

// A Selection names rules that were declared before.
type Selection struct {
	IDs [][2]int // inclusive ranges; nil where Tag or Msg select
	Tag string   // regular expression
	Msg string   // regular expression
}

// An Update changes rules: SecRuleUpdateTargetById, …ByTag, …ByMsg and SecRuleUpdateActionById.
type Update struct {
	Pos
	Selection
	Targets []Target // added, or taken away where negated
	Actions []Action // replaced by name
}

// A Remove drops rules: SecRuleRemoveById, …ByTag, …ByMsg.
type Remove struct {
	Pos
	Selection
}
