package schema

import (
	"encoding/json"
	"math"
	"sort"
	"strconv"
)

// malformed reports a keyword whose value has the wrong form; the keyword is ignored.
func (b *builder) malformed(keyword, want string) { b.c.problem(b.at, keyword, "must be "+want) }

func (b *builder) sub(tokens ...string) *node {
	p := b.at.below(tokens...)
	var v any = b.m
	for _, t := range tokens {
		switch x := v.(type) {
		case map[string]any:
			v = x[t]
		case []any:
			i, _ := strconv.Atoi(t)
			v = x[i]
		}
	}
	return b.c.node(p, v)
}

// one compiles a keyword whose value is a schema.
func (b *builder) one(keyword string) *node {
	switch b.m[keyword].(type) {
	case nil:
		return nil
	case bool, map[string]any:
		return b.sub(keyword)
	}
	b.malformed(keyword, "a schema")
	return nil
}

// list compiles a keyword whose value is an array of schemas.
func (b *builder) list(keyword string) []*node {
	v, present := b.m[keyword]
	if !present {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		b.malformed(keyword, "an array of schemas")
		return nil
	}
	nodes := make([]*node, len(list))
	for i := range list {
		nodes[i] = b.sub(keyword, strconv.Itoa(i))
	}
	return nodes
}

// members returns a keyword whose value is an object, with its names sorted.
func (b *builder) members(keyword string) (map[string]any, []string) {
	v, present := b.m[keyword]
	if !present {
		return nil, nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		b.malformed(keyword, "an object")
		return nil, nil
	}
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return m, names
}

// count returns a keyword whose value is a number of things, or -1.
func (b *builder) count(keyword string) int {
	v, present := b.m[keyword]
	if !present {
		return -1
	}
	literal, _ := v.(json.Number)
	d, ok := parseDecimal(string(literal))
	if !ok || !d.isInteger() || d.negative {
		b.malformed(keyword, "a whole number that is not negative")
		return -1
	}
	if d.digits != "" || d.exponent > 9 || d.length()+int(d.exponent) > 18 {
		return math.MaxInt
	}
	return int(d.mantissa * powersOfTen[d.exponent])
}

func (b *builder) flag(keyword string) bool {
	v, present := b.m[keyword]
	on, ok := v.(bool)
	if present && !ok {
		b.malformed(keyword, "true or false")
	}
	return on
}

// strings returns a value that is an array of strings.
func (b *builder) strings(keyword string, v any) []string {
	list, ok := v.([]any)
	if !ok {
		b.malformed(keyword, "an array of strings")
		return nil
	}
	names := make([]string, 0, len(list))
	for _, v := range list {
		s, ok := v.(string)
		if !ok {
			b.malformed(keyword, "an array of strings")
			continue
		}
		names = append(names, s)
	}
	return names
}
