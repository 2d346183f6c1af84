// Package cron tells when a timer trigger fires, and fires it.
//
// In come cron expressions as CreateTrigger takes them, out come times and calls. It implements "Timer" of
// contract/events.md 3.4, after the vendor's page 583/9708: seven fields, or the five of old; the operators , - * / and
// in the fields of days ? L W #; both fields of days given means either (trap T8). Schedules run on the wall clock of
// UTC+8, which knows no summer time, while an event's Time is UTC (trap T7): times leave this package in UTC.
package cron

import (
	"errors"
	"math/bits"
	"strings"
	"time"
)

// ErrSyntax means that a text is no cron expression; the error names the field, its value and what it may be.
var ErrSyntax = errors.New("invalid cron expression")

// The years that a schedule can name (583/9708). Nothing fires outside them.
const (
	firstYear = 1970
	lastYear  = 2099
)

// zone is where schedules run.
func zone() *time.Location { return time.FixedZone("UTC+8", 8*60*60) }

// Schedule is a parsed expression. The zero value never fires. Schedules of the same text are equal.
type Schedule struct {
	text                    string
	seconds, minutes, hours uint64 // a bit for each value
	months                  uint64
	years                   [3]uint64 // bit 0 of the first is firstYear

	monthDays, weekdays days
}

// days is one of the two fields of days.
type days struct {
	given  bool   // is neither * nor ?
	values uint64 // a bit for each value

	last        bool      // L: the last day of the month
	lastWorkday bool      // LW: the last Monday to Friday of the month
	nearest     uint64    // 15W: the Monday to Friday of the month that is nearest to the day
	lastOf      uint64    // 5L: the last Friday of the month
	nth         [6]uint64 // 5#3: the third Friday of the month; the first index is not used
}

// String is the expression with seven fields, as the platform reads an old one back (contract/cloud-api.md 9.3).
func (s Schedule) String() string { return s.text }

// Next is the first time after the given one at which the schedule fires, or false if it never does again.
func (s Schedule) Next(after time.Time) (time.Time, bool) {
	from := after.In(zone())
	switch {
	case from.Year() > lastYear:
		return time.Time{}, false
	case from.Year() < firstYear:
		from = time.Date(firstYear, time.January, 1, 0, 0, 0, 0, zone())
	default:
		from = from.Truncate(time.Second).Add(time.Second)
	}
	for year := from.Year(); year <= lastYear; year++ {
		if at := year - firstYear; s.years[at/64]>>(at%64)&1 == 0 {
			continue
		}
		for month := time.January; month <= time.December; month++ {
			if s.months>>month&1 == 0 {
				continue
			}
			if found, ok := s.inMonth(year, month, from); ok {
				return found.UTC(), true
			}
		}
	}
	return time.Time{}, false
}

// inMonth finds the first firing of a month that is not before from.
func (s Schedule) inMonth(year int, month time.Month, from time.Time) (time.Time, bool) {
	for left := s.days(year, month); left != 0; left &= left - 1 {
		midnight := time.Date(year, month, bits.TrailingZeros64(left), 0, 0, 0, 0, zone())
		hour, minute, second := 0, 0, 0
		if midnight.Before(from) {
			if midnight.AddDate(0, 0, 1).Compare(from) <= 0 {
				continue
			}
			hour, minute, second = from.Clock()
		}
		if hour, minute, second, ok := s.inDay(hour, minute, second); ok {
			return time.Date(year, month, midnight.Day(), hour, minute, second, 0, zone()), true
		}
	}
	return time.Time{}, false
}

// inDay finds the first time of day that is not before the given one: each unit takes its next value, and where it has
// none or goes on, the units below it begin anew.
func (s Schedule) inDay(hour, minute, second int) (int, int, int, bool) {
	second, ok := atLeast(s.seconds, second)
	if !ok {
		minute++
	}
	if found, ok := atLeast(s.minutes, minute); !ok {
		hour++
		minute, second = first(s.minutes), first(s.seconds)
	} else if found > minute || second < 0 {
		minute, second = found, first(s.seconds)
	}
	found, ok := atLeast(s.hours, hour)
	if found > hour {
		minute, second = first(s.minutes), first(s.seconds)
	}
	return found, minute, second, ok
}

// atLeast is the smallest value of a set from one on; -1 if there is none.
func atLeast(set uint64, value int) (int, bool) {
	set = set >> value << value
	if set == 0 {
		return -1, false
	}
	return bits.TrailingZeros64(set), true
}

func first(set uint64) int { return bits.TrailingZeros64(set) }

// days are the days of a month on which the schedule fires, a bit for each.
func (s Schedule) days(year int, month time.Month) uint64 {
	last := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC)
	m := calendar{last: last.Day(), lastWeekday: last.Weekday()}
	switch {
	case s.monthDays.given && s.weekdays.given: // either, not both (D 583/9708)
		return m.monthDays(s.monthDays) | m.weekdays(s.weekdays)
	case s.monthDays.given:
		return m.monthDays(s.monthDays)
	case s.weekdays.given:
		return m.weekdays(s.weekdays)
	default:
		return m.all()
	}
}

// calendar is one month.
type calendar struct {
	last        int // its last day
	lastWeekday time.Weekday
}

func (m calendar) all() uint64 { return 1<<(m.last+1) - 2 }

func (m calendar) weekday(day int) time.Weekday {
	return (m.lastWeekday + time.Weekday(day-m.last+35)) % 7
}

func (m calendar) monthDays(f days) uint64 {
	set := f.values & m.all()
	if f.last {
		set |= 1 << m.last
	}
	if f.lastWorkday {
		set |= 1 << m.workday(m.last)
	}
	for left := f.nearest & m.all(); left != 0; left &= left - 1 {
		set |= 1 << m.workday(first(left))
	}
	return set
}

// workday is the Monday to Friday nearest to a day within the month.
func (m calendar) workday(day int) int {
	switch weekday := m.weekday(day); {
	case weekday == time.Saturday && day == 1:
		return day + 2
	case weekday == time.Saturday:
		return day - 1
	case weekday == time.Sunday && day == m.last:
		return day - 2
	case weekday == time.Sunday:
		return day + 1
	default:
		return day
	}
}

func (m calendar) weekdays(f days) uint64 {
	var set uint64
	for day := 1; day <= m.last; day++ {
		weekday := m.weekday(day)
		due := f.values | f.nth[(day+6)/7]
		if day+7 > m.last {
			due |= f.lastOf
		}
		set |= due >> weekday & 1 << day
	}
	return set
}

// normal is an expression with seven fields: the old form has neither seconds nor a year.
func normal(text string) []string {
	fields := strings.Fields(text)
	if len(fields) == oldFields {
		fields = append(append([]string{"0"}, fields...), "*")
	}
	return fields
}
