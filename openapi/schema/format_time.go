package schema

import "strings"

// isDateTime checks RFC 3339, date-time.
func isDateTime(s string) bool {
	return len(s) > 11 && s[10]|0x20 == 't' && isDate(s[:10]) && isTime(s[11:])
}

// isDate checks RFC 3339, full-date.
func isDate(s string) bool {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return false
	}
	year, ok1 := digits(s[:4])
	month, ok2 := digits(s[5:7])
	day, ok3 := digits(s[8:])
	return ok1 && ok2 && ok3 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

func digits(s string) (n int, ok bool) {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, s != ""
}

// isTime checks RFC 3339, full-time. A leap second is right only at the end of a day in UTC.
func isTime(s string) bool {
	if len(s) < 9 || s[2] != ':' || s[5] != ':' {
		return false
	}
	hour, ok1 := digits(s[:2])
	minute, ok2 := digits(s[3:5])
	second, ok3 := digits(s[6:8])
	if !ok1 || !ok2 || !ok3 || hour > 23 || minute > 59 || second > 60 {
		return false
	}
	s = s[8:]
	if s[0] == '.' {
		i := 1
		for i < len(s) && isDigit(s[i]) {
			i++
		}
		if i == 1 || i == len(s) {
			return false
		}
		s = s[i:]
	}
	offset, ok := zone(s)
	utc := ((hour*60+minute-offset)%1440 + 1440) % 1440
	return ok && (second < 60 || utc == 23*60+59)
}

// zone reads Z or ±hh:mm as minutes.
func zone(s string) (minutes int, ok bool) {
	if len(s) == 1 {
		return 0, s[0]|0x20 == 'z'
	}
	if len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	hour, ok1 := digits(s[1:3])
	minute, ok2 := digits(s[4:])
	if !ok1 || !ok2 || hour > 23 || minute > 59 {
		return 0, false
	}
	minutes = hour*60 + minute
	if s[0] == '-' {
		minutes = -minutes
	}
	return minutes, true
}

// isDuration checks RFC 3339, appendix A.
func isDuration(s string) bool {
	if len(s) < 3 || s[0] != 'P' {
		return false
	}
	s = s[1:]
	if weeks, ok := strings.CutSuffix(s, "W"); ok {
		_, ok = digits(weeks)
		return ok
	}
	date, clock, hasClock := strings.Cut(s, "T")
	if hasClock && !units(clock, "HMS") {
		return false
	}
	return date == "" && hasClock || units(date, "YMD")
}

// units reads numbers followed by letters of order, of which none is left out between two.
func units(s, order string) bool {
	last := -1
	for s != "" {
		i := 0
		for i < len(s) && isDigit(s[i]) {
			i++
		}
		if i == 0 || i == len(s) {
			return false
		}
		at := strings.IndexByte(order, s[i])
		if at < 0 || last >= 0 && at != last+1 {
			return false
		}
		last, s = at, s[i+1:]
	}
	return last >= 0
}
