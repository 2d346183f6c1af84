package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Position is a place in a file, counted from 1. A line ends as YAML 1.1 has it, at U+0085, U+2028 and U+2029 too.
type Position struct {
	File         string
	Line, Column int
}

// String is FILE:LINE:COLUMN, which editors and terminals follow.
func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// Problem is one thing that is wrong with a file. It is ErrConfig.
type Problem struct { //nolint:errname // the word of its readers
	Position

	// Key is where it is in the document, such as functions.hello.memory; empty where that is not known.
	Key string
	// Reason says what is wrong, with which value, and what is allowed.
	Reason error
}

// Error is the place, the key and the reason.
func (p *Problem) Error() string {
	if p.Key == "" {
		return fmt.Sprintf("%s: %s", p.Position, p.Reason)
	}
	return fmt.Sprintf("%s: %s: %s", p.Position, p.Key, p.Reason)
}

// Unwrap gives ErrConfig and the reason.
func (p *Problem) Unwrap() []error { return []error{ErrConfig, p.Reason} }

// joined gives all problems by their place.
func (r *reader) joined() error {
	slices.SortStableFunc(r.problems, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	errs := make([]error, len(r.problems))
	for n, problem := range r.problems {
		errs[n] = problem
	}
	return errors.Join(errs...)
}

// shown is a value as errors show it: quoted, on one line and not too long.
func shown(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "…"
	}
	return fmt.Sprintf("%q", text)
}

// listed joins what can be chosen.
func listed[S ~string](values []S) string {
	all := words(values)
	last := len(all) - 1
	if last == 0 {
		return all[0]
	}
	return strings.Join(all[:last], ", ") + " or " + all[last]
}

func words[S ~string](values []S) []string {
	all := make([]string, len(values))
	for n, value := range values {
		all[n] = string(value)
	}
	return all
}

// near is the known word that somebody may have meant: spelt with other case or signs, as a part of it, or with few
// wrong letters. It is empty where there is none.
func near(word string, known []string) string {
	const longest = 40
	meant := plain(word)
	if meant == "" || len(meant) > longest {
		return ""
	}
	best, fewest := "", 1+max(1, len(meant)/3)
	for _, candidate := range known {
		c := plain(candidate)
		wrong := max(len(meant)-len(c), len(c)-len(meant)) // at least
		if len(meant) > 2 && len(c) > 2 && (strings.HasPrefix(c, meant) || strings.HasPrefix(meant, c)) {
			wrong = min(wrong, 1)
		} else if wrong < fewest {
			wrong = distance(meant, c)
		}
		if wrong < fewest {
			best, fewest = candidate, wrong
		}
	}
	return best
}

// plain is a word without what people spell differently.
func plain(word string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(word), "-", ""), "_", "")
}

// distance is how many letters must be put in, taken out, replaced or swapped with their neighbour to make b of a.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replaced := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			rows[i][j] = min(replaced, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
