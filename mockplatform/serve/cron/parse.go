package cron

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// errNothing means that there is no value where one has to be.
var errNothing = errors.New("a value is missing")

// oldFields is how many fields the form of old has: minutes to day of week.
const oldFields = 5

// field is one place of an expression, with what it takes (583/9708).
type field struct {
	name     string
	min, max int
	names    []string // of the values from min on
	special  string   // what it takes beside numbers, names and operators
}

func fields() []field {
	return []field{
		{name: "seconds", min: 0, max: 59},
		{name: "minutes", min: 0, max: 59},
		{name: "hours", min: 0, max: 23},
		{
			name: "day of month", min: 1, max: 31,
			special: "? alone, L for the last day, LW for the last Monday to Friday, 15W for the Monday to Friday nearest to the 15th",
		},
		{
			name: "month", min: 1, max: 12,
			names: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"},
		},
		{
			name: "day of week", min: 0, max: 6, names: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"},
			special: "? alone, 5L for the last Friday of the month, 5#3 for the third",
		},
		{name: "year", min: firstYear, max: lastYear},
	}
}

// takes says what may stand in the field.
func (f field) takes() string {
	text := fmt.Sprintf("numbers from %d to %d", f.min, f.max)
	if f.names != nil {
		text += fmt.Sprintf(" or names from %s to %s", f.names[0], f.names[len(f.names)-1])
	}
	text += ", with , - * /"
	if f.special != "" {
		text += "; also " + f.special
	}
	return text
}

// Parse reads a cron expression of seven fields, or of the five of old. An error is ErrSyntax.
func Parse(text string) (Schedule, error) {
	parts := normal(text)
	known := fields()
	if len(parts) != len(known) {
		return Schedule{}, fmt.Errorf("%w: %q has %d fields; take seven (seconds, minutes, hours, day of month, month, day of week, year), or five (minutes to day of week)",
			ErrSyntax, text, len(parts))
	}
	s := Schedule{text: strings.Join(parts, " ")}
	sets := []func(value int){
		into(&s.seconds), into(&s.minutes), into(&s.hours), into(&s.monthDays.values), into(&s.months), into(&s.weekdays.values),
		func(year int) { s.years[(year-firstYear)/64] |= 1 << ((year - firstYear) % 64) },
	}
	specials := []func(item string) bool{3: s.monthDays.special, 5: s.weekdays.weekSpecial, 6: nil}
	for n, f := range known {
		if err := f.parse(parts[n], sets[n], specials[n]); err != nil {
			return Schedule{}, fmt.Errorf("%w: %s %q of %q: %w; take %s", ErrSyntax, f.name, parts[n], s.text, err, f.takes())
		}
	}
	s.monthDays.given, s.weekdays.given = given(parts[3]), given(parts[5])
	return s, nil
}

// given tells whether a field of days says anything.
func given(part string) bool { return part != "*" && part != "?" }

func into(set *uint64) func(int) { return func(value int) { *set |= 1 << value } }

// parse reads one field, in any case. special takes what is no value of the field, and refuses what it does not know.
func (f field) parse(part string, set func(int), special func(string) bool) error {
	if part == "?" && special != nil {
		return nil
	}
	for item := range strings.SplitSeq(strings.ToUpper(part), ",") {
		if special != nil && special(item) {
			continue
		}
		if err := f.item(item, set); err != nil {
			return err
		}
	}
	return nil
}

// item reads one element of a list: *, a value or a range, each with or without a step.
func (f field) item(item string, set func(int)) error {
	span, stepText, stepped := strings.Cut(item, "/")
	from, to := f.min, f.max
	if span != "*" {
		fromText, toText, ranged := strings.Cut(span, "-")
		var err error
		if from, err = f.value(fromText); err != nil {
			return err
		}
		switch {
		case ranged:
			if to, err = f.value(toText); err != nil {
				return err
			}
		case !stepped: // 1/10 means from 1 on
			to = from
		}
		if from > to {
			return fmt.Errorf("range %q ends before it begins", span)
		}
	}
	step := 1
	if stepped {
		var err error
		if step, err = number(stepText); err != nil || step < 1 || step > f.max {
			return fmt.Errorf("step %q of %q has to be from 1 to %d", stepText, item, f.max)
		}
	}
	for value := from; value <= to; value += step {
		set(value)
	}
	return nil
}

// value reads a number or a name.
func (f field) value(text string) (int, error) {
	for n, name := range f.names {
		if text == name {
			return f.min + n, nil
		}
	}
	value, err := number(text)
	switch {
	case text == "":
		return 0, errNothing
	case err != nil:
		return 0, fmt.Errorf("%q is unknown here", text)
	case value < f.min || value > f.max:
		return 0, fmt.Errorf("%s is out of range", text)
	}
	return value, nil
}

// number reads digits alone: no sign.
func number(text string) (int, error) {
	value, err := strconv.ParseUint(text, 10, 16)
	return int(value), err //nolint:wrapcheck // the caller tells
}

// special reads L, LW and 15W.
func (d *days) special(item string) bool {
	switch day, found := strings.CutSuffix(item, "W"); {
	case item == "L":
		d.last = true
	case item == "LW":
		d.lastWorkday = true
	case found:
		value, err := number(day)
		if err != nil || value < 1 || value > 31 {
			return false
		}
		d.nearest |= 1 << value
	default:
		return false
	}
	return true
}

// weekSpecial reads 5L, which takes a number alone (D 583/9708), and 5#3.
func (d *days) weekSpecial(item string) bool {
	week := fields()[5]
	if day, found := strings.CutSuffix(item, "L"); found {
		value, err := number(day)
		if err != nil || value > week.max {
			return false
		}
		d.lastOf |= 1 << value
		return true
	}
	day, nthText, found := strings.Cut(item, "#")
	if !found {
		return false
	}
	value, err := week.value(day)
	nth, nthErr := number(nthText)
	if err != nil || nthErr != nil || nth < 1 || nth >= len(d.nth) {
		return false
	}
	d.nth[nth] |= 1 << value
	return true
}
