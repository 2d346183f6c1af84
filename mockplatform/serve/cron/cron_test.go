package cron

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// at reads a time on the wall clock of UTC+8.
func at(t testing.TB, text string) time.Time {
	t.Helper()
	read, err := time.ParseInLocation(time.DateTime, text, zone())
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func parsed(t testing.TB, text string) Schedule {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAScheduleFiresAtTheTimesOfUTCPlus8ThatItNames(t *testing.T) {
	for name, test := range map[string]struct{ cron, after, want string }{ // 2026-02-03 is a Tuesday
		// The examples of 583/9708.
		"every five seconds":               {"*/5 * * * * * *", "2026-02-03 10:00:01", "2026-02-03 10:00:05 2026-02-03 10:00:10"},
		"at 2 on the first":                {"0 0 2 1 * * *", "2026-02-03 10:00:00", "2026-03-01 02:00:00 2026-04-01 02:00:00"},
		"at 10:15 on the first":            {"0 15 10 1 * * *", "2026-02-01 10:15:00", "2026-03-01 10:15:00"},
		"at 10:15 on Monday to Friday":     {"0 15 10 * * MON-FRI *", "2026-02-06 10:14:59", "2026-02-06 10:15:00 2026-02-09 10:15:00"},
		"at 10, 14 and 16":                 {"0 0 10,14,16 * * * *", "2026-02-03 10:00:00", "2026-02-03 14:00:00 2026-02-03 16:00:00 2026-02-04 10:00:00"},
		"every half hour from 9 to 17":     {"0 */30 9-17 * * * *", "2026-02-03 17:00:00", "2026-02-03 17:30:00 2026-02-04 09:00:00"},
		"at noon on Wednesday":             {"0 0 12 * * WED *", "2026-02-03 10:00:00", "2026-02-04 12:00:00 2026-02-11 12:00:00"},
		"1/10 is minutes 1, 11 and so on":  {"0 1/10 * * * * *", "2026-02-03 10:01:00", "2026-02-03 10:11:00 2026-02-03 10:21:00 2026-02-03 10:31:00"},
		"1-15 is both ends":                {"0 0 0 1-15 * * *", "2026-02-14 00:00:00", "2026-02-15 00:00:00 2026-03-01 00:00:00"},
		"day 2, whatever day of the week":  {"0 0 0 2 * ? *", "2026-02-03 10:00:00", "2026-03-02 00:00:00"},
		"Wednesday, whatever day of month": {"0 0 0 ? * 3 *", "2026-02-03 10:00:00", "2026-02-04 00:00:00"},
		"L is the month's last day":        {"0 0 0 L * ? *", "2026-02-03 10:00:00", "2026-02-28 00:00:00 2026-03-31 00:00:00 2026-04-30 00:00:00"},
		"5L is the last Friday":            {"0 0 0 ? * 5L *", "2026-02-03 10:00:00", "2026-02-27 00:00:00 2026-03-27 00:00:00"},
		"10W before a Sunday's Monday":     {"0 0 0 10W * ? *", "2026-05-01 00:00:00", "2026-05-11 00:00:00"}, // the 10th is a Sunday
		"10W on a Saturday":                {"0 0 0 10W * ? *", "2026-01-01 00:00:00", "2026-01-09 00:00:00 2026-02-10 00:00:00"},
		"LW is the last working day":       {"0 0 0 LW * ? *", "2026-02-03 10:00:00", "2026-02-27 00:00:00 2026-03-31 00:00:00"},
		"5#3 is the third Friday":          {"0 0 0 ? * 5#3 *", "2026-02-03 10:00:00", "2026-02-20 00:00:00 2026-03-20 00:00:00"},
		"old form: minutes come first":     {"30 2 * * *", "2026-02-03 10:00:00", "2026-02-04 02:30:00"},
		"one time only":                    {"33 22 11 6 7 * 2026", "2026-02-03 10:00:00", "2026-07-06 11:22:33 never"},

		"1W stays in the month":                {"0 0 0 1W 8 ? *", "2026-02-03 10:00:00", "2026-08-03 00:00:00"},  // the 1st is a Saturday
		"31W stays in the month":               {"0 0 0 31W 5 ? *", "2026-02-03 10:00:00", "2026-05-29 00:00:00"}, // the 31st is a Sunday
		"30W passes over February":             {"0 0 0 30W * ? *", "2026-02-03 10:00:00", "2026-03-30 00:00:00"}, // which has no 30th
		"fifth Sundays are rare":               {"0 0 0 ? * SUN#5 *", "2026-02-03 10:00:00", "2026-03-29 00:00:00 2026-05-31 00:00:00"},
		"0 is Sunday":                          {"0 0 0 * * 0 *", "2026-02-03 10:00:00", "2026-02-08 00:00:00"},
		"both fields of days: either":          {"0 0 0 13 * FRI *", "2026-02-06 00:00:00", "2026-02-13 00:00:00 2026-02-20 00:00:00 2026-02-27 00:00:00 2026-03-06 00:00:00 2026-03-13 00:00:00"},
		"either, with a step":                  {"0 0 0 */20 * MON *", "2026-02-17 00:00:00", "2026-02-21 00:00:00 2026-02-23 00:00:00 2026-03-01 00:00:00"},
		"either, not only the day of month":    {"0 0 0 1 * WED *", "2026-02-03 10:00:00", "2026-02-04 00:00:00"},
		"lists mix all":                        {"0 0 0 1,10-11,30/1,L 2 ? *", "2026-02-01 00:00:00", "2026-02-10 00:00:00 2026-02-11 00:00:00 2026-02-28 00:00:00 2027-02-01 00:00:00"},
		"names in any case":                    {"0 0 0 * feb-Mar mon *", "2026-02-03 10:00:00", "2026-02-09 00:00:00"},
		"29 February":                          {"0 0 0 29 2 * *", "2026-02-03 10:00:00", "2028-02-29 00:00:00 2032-02-29 00:00:00"},
		"2100 has no schedule":                 {"* * * * * * *", "2099-12-31 23:59:58", "2099-12-31 23:59:59 never"},
		"29 February never in these years":     {"0 0 0 29 2 * 2026-2027,2030", "2026-02-03 10:00:00", "never"},
		"30 February":                          {"0 0 0 30 2 * *", "2026-02-03 10:00:00", "never"},
		"a year that has been":                 {"0 0 0 1 1 * 2020", "2026-02-03 10:00:00", "never"},
		"before all years":                     {"0 0 0 1 1 * *", "0001-01-01 00:00:00", "1970-01-01 00:00:00 1971-01-01 00:00:00"},
		"over the end of a year":               {"0 59 23 31 12 ? 2026/3", "2026-12-31 23:59:00", "2029-12-31 23:59:00"},
		"over the end of minute and hour":      {"30 30 12 * * * *", "2026-02-03 12:30:30", "2026-02-04 12:30:30"},
		"a later second of the same minute":    {"10,50 30 12 * * * *", "2026-02-03 12:30:10", "2026-02-03 12:30:50"},
		"a later minute begins at its seconds": {"10 * * * * * *", "2026-02-03 12:30:50", "2026-02-03 12:31:10"},
		"a later hour begins at its minutes":   {"10 5 * * * * *", "2026-02-03 12:30:50", "2026-02-03 13:05:10"},
		"a minute ahead begins at its seconds": {"10,50 30 * * * * *", "2026-02-03 12:20:30", "2026-02-03 12:30:10 2026-02-03 12:30:50"},
		"an hour ahead begins at its minutes":  {"0 10,50 12 * * * *", "2026-02-03 10:40:00", "2026-02-03 12:10:00 2026-02-03 12:50:00"},
		"clocks that skip an hour elsewhere":   {"0 30 2 * * * *", "2026-03-08 00:00:00", "2026-03-08 02:30:00 2026-03-09 02:30:00"},
	} {
		t.Run(name, func(t *testing.T) {
			s := parsed(t, test.cron)
			now := at(t, test.after)
			want := strings.Fields(test.want)
			for len(want) > 0 {
				next, ok := s.Next(now)
				if want[0] == "never" {
					if ok {
						t.Fatalf("fires at %s, wanted never", next.In(zone()))
					}
					return
				}
				if text := want[0] + " " + want[1]; !ok || next.In(zone()).Format(time.DateTime) != text {
					t.Fatalf("fires at %s (%t), wanted %s", next.In(zone()), ok, text)
				}
				if next.Location() != time.UTC {
					t.Fatalf("the time is in %s, wanted UTC", next.Location())
				}
				now, want = next, want[2:]
			}
		})
	}
}

func TestAFractionOfASecondDoesNotFireASecondTime(t *testing.T) {
	s := parsed(t, "* * * * * * *")
	now := at(t, "2026-02-03 10:00:00").Add(time.Nanosecond)
	if next, _ := s.Next(now); !next.Equal(at(t, "2026-02-03 10:00:01")) {
		t.Errorf("after %s comes %s", now, next)
	}
}

func TestTheZeroScheduleNeverFires(t *testing.T) {
	if next, ok := (Schedule{}).Next(time.Unix(0, 0)); ok {
		t.Errorf("fires at %s", next)
	}
}

func TestAScheduleIsReadBackWithSevenFields(t *testing.T) {
	for text, want := range map[string]string{
		"*/5 * * * *":             "0 */5 * * * * *", // contract/cloud-api.md 9.3
		" 0  0 2\t1 * MON-FRI * ": "0 0 2 1 * MON-FRI *",
	} {
		s := parsed(t, text)
		if s.String() != want {
			t.Errorf("%q is read back as %q, wanted %q", text, s, want)
		}
		if parsed(t, s.String()) != s {
			t.Errorf("%q means something else when read back", text)
		}
	}
}

func TestAnErrorNamesTheFieldItsValueAndWhatItTakes(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                 {"0 fields", "take seven", "or five"},
		"* * * * * *":                      {"6 fields"},
		"* * * * * * * *":                  {"8 fields"},
		"60 * * * * * *":                   {`seconds "60" of "60 * * * * * *"`, "60 is out of range", "take numbers from 0 to 59, with , - * /"},
		"* 1-60 * * * * *":                 {`minutes "1-60"`, "60 is out of range"},
		"* * 24 * * * *":                   {`hours "24"`, "0 to 23"},
		"* * * 0 * * *":                    {`day of month "0"`, "1 to 31", "LW"},
		"* * * * FOO * *":                  {`month "FOO"`, `"FOO" is unknown here`, "1 to 12 or names from JAN to DEC"},
		"* * * * MON * *":                  {`month "MON"`},
		"* * * * * 7 *":                    {`day of week "7"`, "0 to 6 or names from SUN to SAT", "5#3"},
		"* * * * * * 1969":                 {`year "1969"`, "1970 to 2099"},
		"* * * * * * 2100":                 {`year "2100"`},
		"60 * * * *":                       {`minutes "60" of "0 60 * * * * *"`},
		"*/0 * * * * * *":                  {`step "0" of "*/0" has to be from 1 to 59`},
		"*/60 * * * * * *":                 {`step "60"`},
		"*/ * * * * * *":                   {`step ""`},
		"*/5/5 * * * * * *":                {`step "5/5"`},
		"*/-5 * * * * * *":                 {`step "-5"`},
		"/5 * * * * * *":                   {"a value is missing"},
		"1, * * * * * *":                   {"a value is missing"},
		"1- * * * * * *":                   {"a value is missing"},
		"+1 * * * * * *":                   {`"+1" is unknown here`},
		"1-2-3 * * * * * *":                {`"2-3" is unknown here`},
		"*-5 * * * * * *":                  {`"*" is unknown here`},
		"99999999999999999999 * * * * ? *": {"is unknown here"},
		"* * * * * FRI-MON *":              {`day of week "FRI-MON"`, `range "FRI-MON" ends before it begins`},
		"? * * * * * *":                    {`seconds "?"`},
		"* * * * ? * *":                    {`month "?"`},
		"* * * 1,? * * *":                  {`day of month "1,?"`},
		"* * * 32W * * *":                  {`day of month "32W"`},
		"* * * W * * *":                    {`day of month "W"`},
		"* * * 5L * * *":                   {`day of month "5L"`},
		"* * * * * L *":                    {`day of week "L"`},
		"* * * * * FRIL *":                 {`day of week "FRIL"`}, // a number alone, 583/9708
		"* * * * * 7L *":                   {`day of week "7L"`},
		"* * * * * 5#6 *":                  {`day of week "5#6"`},
		"* * * * * 5#0 *":                  {`day of week "5#0"`},
		"* * * * * 7#1 *":                  {`day of week "7#1"`},
		"* * * * * # *":                    {`day of week "#"`},
		"* * * * * 15W *":                  {`day of week "15W"`},
	} {
		_, err := Parse(text)
		if !errors.Is(err, ErrSyntax) {
			t.Errorf("%q: %v, wanted ErrSyntax", text, err)
			continue
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q: %q does not say %q", text, err, part)
			}
		}
	}
}

// fires tells whether a schedule names a second, without the search of Next and its arithmetic of calendars.
func (s Schedule) fires(now time.Time) bool {
	now = now.In(zone())
	has := func(set uint64, value int) bool { return set&(1<<value) != 0 }
	since := now.Year() - firstYear
	if since < 0 || now.Year() > lastYear || now.Nanosecond() != 0 || !has(s.years[since/64], since%64) ||
		!has(s.months, int(now.Month())) || !has(s.hours, now.Hour()) || !has(s.minutes, now.Minute()) || !has(s.seconds, now.Second()) {
		return false
	}
	month, week := s.monthDays.onDay(now), s.weekdays.onWeekday(now)
	switch {
	case s.monthDays.given && s.weekdays.given:
		return month || week
	case s.monthDays.given:
		return month
	case s.weekdays.given:
		return week
	default:
		return true
	}
}

func (d *days) onDay(now time.Time) bool {
	last := now.AddDate(0, 0, 1).Month() != now.Month()
	if d.values&(1<<now.Day()) != 0 || d.last && last {
		return true
	}
	if now.Weekday() == time.Saturday || now.Weekday() == time.Sunday {
		return false
	}
	// A workday stands for the days around it that are none and to which no other workday of the month is nearer.
	for shift := -2; shift <= 2; shift++ {
		other := now.AddDate(0, 0, shift)
		if other.Month() != now.Month() {
			continue
		}
		otherLast := other.AddDate(0, 0, 1).Month() != other.Month()
		if d.nearest&(1<<other.Day()) == 0 && (!d.lastWorkday || !otherLast) {
			continue
		}
		switch {
		case shift == 0,
			other.Weekday() == time.Saturday && shift == 1,
			other.Weekday() == time.Sunday && shift == -1,
			other.Weekday() == time.Saturday && shift == -2 && other.Day() == 1,
			other.Weekday() == time.Sunday && shift == 2 && otherLast:
			return true
		}
	}
	return false
}

func (d *days) onWeekday(now time.Time) bool {
	bit := uint64(1) << now.Weekday()
	return d.values&bit != 0 || d.lastOf&bit != 0 && now.AddDate(0, 0, 7).Month() != now.Month() || d.nth[(now.Day()-1)/7+1]&bit != 0
}

func FuzzNextIsTheFirstTimeThatMatches(f *testing.F) {
	for _, text := range []string{
		"*/5 * * * * * *", "0 15 10 * * MON-FRI *", "0 0 2 L,15W * 5#3 2027/3", "33 22 11 30 2 * 2026", "*/5 * * * *",
		"59 59 23 LW 12 5L 2099", "0 0 0 1W,31W 1,FEB ? *", "", "/,-*", "9999999999 * * * * ? #",
	} {
		f.Add(text, int64(1770000000))
	}
	f.Add("* * * * * * *", int64(-1<<62))
	f.Add("* * * * * * *", int64(1<<62))
	f.Fuzz(func(t *testing.T, text string, seconds int64) {
		s, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrSyntax) {
				t.Fatal(err)
			}
			return
		}
		if again, err := Parse(s.String()); err != nil || again != s {
			t.Fatalf("%q is %q when read back: %v", text, again, err)
		}
		after := time.Unix(seconds, 1)
		next, ok := s.Next(after)
		if ok && (!next.After(after) || !s.fires(next)) {
			t.Fatalf("%q: %s follows %s", text, next, after)
		}
		// Nothing is passed over: neither soon, nor just before.
		for n := range 200 {
			if between := time.Unix(seconds+1+int64(n), 0); s.fires(between) && (!ok || between.Before(next)) {
				t.Fatalf("%q fires at %s, before %s (%t)", text, between, next, ok)
			}
			if before := next.Add(-time.Duration(n+1) * time.Second); ok && before.After(after) && s.fires(before) {
				t.Fatalf("%q fires at %s, before %s", text, before, next)
			}
		}
		// Nor on a day in between, at the time of day at which it fires.
		for day := range 400 {
			if before := next.AddDate(0, 0, -day-1); ok && before.After(after) && s.fires(before) {
				t.Fatalf("%q fires at %s, before %s", text, before, next)
			}
		}
	})
}
