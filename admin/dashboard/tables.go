package dashboard

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A column is one of a table that is known whole. Such a table is sorted true to all of its rows, whichever are shown.
type column[T any] struct {
	Name  string // in addresses and exports; "" where the column is in neither
	Label string
	Class string      // "n" for numbers, "wide" for what narrow windows do without
	Cell  func(T) any // a text, a number, a time or a list of texts
	Rank  func(T) int // what sorts it, where that is not the cell
	Plain bool        // not sorted by
}

// head is the head of a column.
type head struct {
	Label, Class, Href string
	Sorted             string // ascending, descending, or "" for what does not sort the table
}

// Arrow shows how the table is sorted by the column.
func (h head) Arrow() string {
	return map[string]string{"ascending": "▴", "descending": "▾"}[h.Sorted]
}

// A listing is a table as a page shows it, and whole for exports.
type listing[T any] struct {
	Name    string // within its page; "" where there is one table
	Heads   []head
	Rows    []T // of this page
	Pager   pager
	all     []T
	columns []column[T]
}

// An exporter is a table that can leave as a file.
type exporter interface {
	named() string
	export(put func([]string, any) error) error
}

// tabled sorts rows by what the scope says, and leaves those of one page. Rows come in the order that is meant where nothing
// is said.
func tabled[T any](s *scope, name string, rows []T, size int, columns ...column[T]) listing[T] {
	l := listing[T]{Name: name, all: slices.Clone(rows), columns: columns}
	wanted, down := strings.CutPrefix(s.Get("sort"), "-")
	for i := range columns {
		c := &columns[i]
		h := head{Label: c.Label, Class: c.Class}
		if c.Name != "" && !c.Plain {
			key := l.prefix() + c.Name
			first := map[bool]string{true: "-"}[c.falling(rows)]
			h.Href = s.With("sort", first+key)
			if wanted == key {
				h.Sorted = map[bool]string{false: "ascending", true: "descending"}[down]
				h.Href = s.With("sort", map[bool]string{false: "-"}[down]+key)
				l.sort(c, down)
			}
		}
		if c.Label != "" {
			l.Heads = append(l.Heads, h)
		}
	}
	l.page(s, size)
	return l
}

func (l *listing[T]) prefix() string {
	if l.Name == "" {
		return ""
	}
	return l.Name + "."
}

// falling tells that the largest comes first when somebody begins to sort by the column: numbers and times.
func (c *column[T]) falling(rows []T) bool {
	if c.Rank != nil || len(rows) == 0 {
		return c.Rank != nil
	}
	switch c.Cell(rows[0]).(type) {
	case string, []string:
		return false
	}
	return true
}

func (l *listing[T]) sort(c *column[T], down bool) {
	slices.SortStableFunc(l.all, func(a, b T) int {
		if down {
			a, b = b, a
		}
		if c.Rank != nil {
			return cmp.Compare(c.Rank(a), c.Rank(b))
		}
		return compared(c.Cell(a), c.Cell(b))
	})
}

// compared orders two cells of one column.
func compared(a, b any) int {
	switch a := a.(type) {
	case int:
		return cmp.Compare(a, b.(int))
	case int64:
		return cmp.Compare(a, b.(int64))
	case uint64:
		return cmp.Compare(a, b.(uint64))
	case time.Duration:
		return cmp.Compare(a, b.(time.Duration))
	case time.Time:
		return a.Compare(b.(time.Time))
	case bool:
		return cmp.Compare(written(a), written(b))
	}
	return strings.Compare(strings.ToLower(written(a)), strings.ToLower(written(b)))
}

// written is a cell as text, for people and programs.
func written(cell any) string {
	switch v := cell.(type) {
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Format(time.RFC3339)
	case time.Duration:
		return strconv.FormatFloat(v.Seconds()*1000, 'f', 3, 64)
	case []string:
		return strings.Join(v, " ")
	}
	return fmt.Sprint(cell)
}

// page leaves the rows of one page. All are known, so that pages are counted and not sought.
func (l *listing[T]) page(s *scope, size int) {
	at := 0
	if text, ours := strings.CutPrefix(s.Get("before"), l.prefix()); ours {
		at, _ = strconv.Atoi(text) // nonsense is the first page
	}
	at = min(max(at, 0), len(l.all))
	end := min(at+size, len(l.all))
	l.Rows = l.all[at:end]
	l.Pager = pager{Said: counted(len(l.all)), Exports: []choice{{Label: "CSV", Href: s.exported("csv", l.Name)}, {Label: "JSON", Href: s.exported("json", l.Name)}}}
	if at > 0 || end < len(l.all) {
		l.Pager.Said = fmt.Sprintf("%s to %s of %s", number(int64(at+1)), number(int64(end)), counted(len(l.all)))
	}
	if at > 0 {
		l.Pager.First, l.Pager.FirstSays = s.With(), "First"
	}
	if end < len(l.all) {
		l.Pager.Next, l.Pager.NextSays = s.With("before", l.prefix()+strconv.Itoa(end)), "Next"
	}
}

func (l listing[T]) named() string { return l.Name }

func (l listing[T]) export(put func([]string, any) error) error {
	var names []string
	for _, c := range l.columns {
		if c.Name != "" {
			names = append(names, c.Name)
		}
	}
	if err := put(names, nil); err != nil {
		return err
	}
	for _, row := range l.all {
		var cells []string
		value := map[string]any{}
		for _, c := range l.columns {
			if c.Name != "" {
				cell := c.Cell(row)
				cells, value[c.Name] = append(cells, written(cell)), valued(cell)
			}
		}
		if err := put(cells, value); err != nil {
			return err
		}
	}
	return nil
}

// valued is a cell in JSON: durations are milliseconds, as in CSV, and a time that never was is null.
func valued(cell any) any {
	switch v := cell.(type) {
	case time.Duration:
		return float64(v) / float64(time.Millisecond)
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return v.UTC()
	case []string:
		return append([]string{}, v...) // a list, not null
	}
	return cell
}
