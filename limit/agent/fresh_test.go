package agent

import (
	"net/http"
	"testing"
	"time"
)

func TestFreshness(t *testing.T) {
	for _, c := range []struct {
		control []string
		age     string
		want    time.Duration
	}{
		{nil, "", time.Hour}, {[]string{"public, s-maxage=7"}, "", time.Hour}, {[]string{"public"}, "90000", time.Hour}, {[]string{`x="max-age"`}, "", time.Hour},
		{[]string{"max-age=600"}, "", 10 * time.Minute}, {[]string{"public ,\tMAX-AGE=600 "}, "", 10 * time.Minute}, {[]string{`max-age="600"`}, "", 10 * time.Minute},
		{[]string{"max-age=86400"}, "", 24 * time.Hour}, {[]string{"max-age=86401"}, "", 24 * time.Hour}, {[]string{"max-age=99999999999999999999999"}, "", 24 * time.Hour}, {[]string{"max-age=9223372037"}, "", 24 * time.Hour},
		{[]string{"max-age=59"}, "", time.Minute}, {[]string{"max-age=0"}, "", time.Minute}, {[]string{"max-age=600, no-store"}, "", time.Minute}, {[]string{"max-age=600", "No-Cache"}, "", time.Minute}, {[]string{`no-cache="set-cookie"`}, "", time.Minute},
		{[]string{"max-age=600, max-age=300"}, "", 5 * time.Minute}, {[]string{"max-age=300", "max-age=600"}, "", 5 * time.Minute},
		{[]string{"max-age"}, "", time.Minute}, {[]string{"max-age=-600"}, "", time.Minute}, {[]string{"max-age=+600"}, "", time.Minute}, {[]string{"max-age=6e9"}, "", time.Minute}, {[]string{"max-age=600.0"}, "", time.Minute}, {[]string{"max-age= 600"}, "", time.Minute}, {[]string{"max-age=0x10"}, "", time.Minute},
		{[]string{"max-age=600"}, "120", 8 * time.Minute}, {[]string{"max-age=600"}, "120, 599", 8 * time.Minute}, {[]string{"max-age=600"}, "600", time.Minute}, {[]string{"max-age=600"}, "99999999999999999999", time.Minute},
		{[]string{"max-age=600"}, "-86400", 10 * time.Minute}, {[]string{"max-age=600"}, "x", 10 * time.Minute}, {[]string{"max-age=600"}, "1.5", 10 * time.Minute},
	} {
		h := http.Header{"Cache-Control": c.control}
		if c.age != "" {
			h.Set("Age", c.age)
		}
		if got := freshness(h); got != c.want {
			t.Errorf("%q, age %q: %v, want %v", c.control, c.age, got, c.want)
		}
	}
}

// Whatever a directory says of itself, it is fetched no sooner than after a minute, and at least once in a day.
func FuzzFreshness(f *testing.F) {
	f.Add("max-age=600, no-store", "120")
	f.Add(`private="a, max-age=1", max-age="99999999999999"`, "-1, 2")
	f.Fuzz(func(t *testing.T, control, age string) {
		if got := freshness(http.Header{"Cache-Control": {control}, "Age": {age}}); got < leastFresh || got > mostFresh {
			t.Fatal(got)
		}
	})
}
