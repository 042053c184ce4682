package dashboard

import (
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/event"
)

// The size of a chart in its own units; CSS says how large it is on a page.
const chartWidth, chartHeight = 960, 144

// A timeline is a chart of what became of exchanges over time, drawn here so that it needs no script.
type timeline struct {
	ID, Title, Desc string
	From, Until     int64 // Unix milliseconds
	Width, Height   int
	Step            string
	Max             int64
	Legend          []series
	Bars            []bar
	Ticks           []string
	Rows            []chartRow
	Partial         bool // there was more than could be counted
}

type series struct {
	Class, Label string
	Total        int64
}

type bar struct {
	Class      string
	X, Y, W, H string
}

type chartRow struct {
	Label, Href string
	Values      []int64
}

// steps are the widths of buckets, each of which reads well.
var steps = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}

// mostBuckets bounds a chart.
const mostBuckets = 120

// stepOf is the finest step that fits. Beyond six hours the archive counts by hours.
func stepOf(d time.Duration) time.Duration {
	for _, s := range steps {
		if d/s <= mostBuckets && (s >= time.Hour || d <= 6*time.Hour) {
			return s
		}
	}
	return steps[len(steps)-1]
}

// draw makes the chart of a scope.
func (s *scope) draw(id string, counts event.Series, step time.Duration) timeline {
	t := timeline{ID: id, From: s.From.UnixMilli(), Until: s.Until.UnixMilli(), Width: chartWidth, Height: chartHeight, Step: words(step),
		Legend: []series{{refused, "refused", 0}, {monitored, "would have been refused", 0}, {noticed, "passed, something noticed", 0}, {passed, "passed", 0}}}
	for _, b := range counts.Buckets {
		t.Max = max(t.Max, b.Total())
	}
	for _, b := range counts.Buckets {
		t.stack(s, b, step)
	}
	t.Title = "Exchanges over time"
	t.Desc = fmt.Sprintf("%s: %d refused, %d would have been refused, %d passed with findings, %d passed; at most %d in %s.", s.Span(), t.Legend[0].Total, t.Legend[1].Total, t.Legend[2].Total, t.Legend[3].Total, t.Max, t.Step)
	if t.Partial = counts.Partial; t.Partial {
		t.Desc += " There were more: only the newest were counted."
	}
	layout := "15:04"
	if s.Until.Sub(s.From) > 24*time.Hour {
		layout = "01-02 15:04"
	}
	for i := range 5 {
		t.Ticks = append(t.Ticks, s.From.Add(s.Until.Sub(s.From)*time.Duration(i)/4).Format(layout))
	}
	return t
}

// stack draws one bucket, the worst at the bottom where it is seen best.
func (t *timeline) stack(s *scope, b event.Bucket, step time.Duration) {
	values := slices.Clone(b.Outcomes[:]) // the worst is last
	slices.Reverse(values)
	whole := float64(s.Until.Sub(s.From))
	x := float64(b.Start.Sub(s.From)) / whole * chartWidth
	w := float64(step) / whole * chartWidth
	y := float64(chartHeight)
	for i, n := range values {
		t.Legend[i].Total += n
		if n == 0 {
			continue
		}
		h := max(1, float64(n)/float64(t.Max)*chartHeight)
		y -= h
		t.Bars = append(t.Bars, bar{t.Legend[i].Class, fixed(max(0, x)), fixed(max(0, y)), fixed(max(0.5, min(w*0.88, chartWidth-x))), fixed(h)})
	}
	if b.Total() > 0 {
		t.Rows = append(t.Rows, chartRow{b.Start.UTC().Format("01-02 15:04:05"),
			s.With("range", "", "from", b.Start.UTC().Format("2006-01-02T15:04:05"), "to", b.Start.Add(step).UTC().Format("2006-01-02T15:04:05")), values})
	}
}

func fixed(v float64) string { return fmt.Sprintf("%.1f", v) }

// words is a step in words.
func words(d time.Duration) string {
	for _, u := range []struct {
		d    time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := d / u.d; n > 0 && d%u.d == 0 {
			if n == 1 {
				return "one " + u.name
			}
			return fmt.Sprintf("%d %ss", n, u.name)
		}
	}
	return d.String()
}

// tops is a list of the most frequent values.
type tops struct {
	Caption, What, Of, None, Class string
	listing[topRow]
}

type topRow struct {
	Label, Note, Href string
	N                 int64
	Percent           string
}

// rank makes rows of counts, of which a page shows some; the bar of the first is as long as there is room. Where there are
// as many as were asked for, there may be more: they are the most frequent, and are not sorted otherwise.
func (t tops) rank(s *scope, name string, counts []event.Share, asked, size int, row func(event.Share) topRow) tops {
	var rows []topRow
	for _, c := range counts {
		r := row(c)
		r.N, r.Percent = c.N, fixed(100*float64(c.N)/float64(max(1, counts[0].N)))
		rows = append(rows, r)
	}
	return t.of(s, name, rows, len(counts) >= asked, size)
}

// of is the table of rows that are made.
func (t tops) of(s *scope, name string, rows []topRow, cut bool, size int) tops {
	t.listing = tabled(s, name, rows, size, column[topRow]{Name: "value", Label: t.What, Cell: func(r topRow) any { return r.Label }, Plain: cut},
		column[topRow]{Name: "exchanges", Label: t.Of, Class: "n", Cell: func(r topRow) any { return r.N }, Plain: cut})
	if cut {
		t.Pager.Said += ", the most frequent"
	}
	return t
}
