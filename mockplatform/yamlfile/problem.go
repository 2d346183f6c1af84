package yamlfile

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

// Problem is one thing that is wrong with a file. It is its format's Sentinel.
type Problem struct { //nolint:errname // the word of its readers
	Position

	// Key is where it is in the document, such as functions.hello.memory; empty where that is not known.
	Key string
	// Reason says what is wrong, with which value, and what is allowed.
	Reason error

	sentinel error
}

// Error is the place, the key and the reason.
func (p *Problem) Error() string {
	if p.Key == "" {
		return fmt.Sprintf("%s: %s", p.Position, p.Reason)
	}
	return fmt.Sprintf("%s: %s: %s", p.Position, p.Key, p.Reason)
}

// Unwrap gives the format's Sentinel and the reason.
func (p *Problem) Unwrap() []error { return []error{p.sentinel, p.Reason} }

// Err gives all problems by their place; nil where there are none.
func (r *Reader) Err() error {
	slices.SortStableFunc(r.problems, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	errs := make([]error, len(r.problems))
	for n, problem := range r.problems {
		errs[n] = problem
	}
	return errors.Join(errs...)
}

// Shown is a value as errors show it: quoted, on one line and not too long.
func Shown(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "…"
	}
	return fmt.Sprintf("%q", text)
}

// Near are the known words that somebody may have meant, the likeliest first: spelt with other case or signs, as a part
// of it, or with few wrong letters.
func Near(word string, known []string) []string {
	const longest = 40
	meant := plain(word)
	if meant == "" || len(meant) > longest {
		return nil
	}
	wrong, limit := map[string]int{}, 1+max(1, len(meant)/3)
	var found []string
	for _, candidate := range known {
		if wrong[candidate] = errorsIn(meant, plain(candidate), limit); wrong[candidate] < limit {
			found = append(found, candidate)
		}
	}
	slices.SortStableFunc(found, func(a, b string) int { return cmp.Compare(wrong[a], wrong[b]) })
	return found
}

// errorsIn is how many letters are wrong, as far as that is less than the limit. The beginning of a word is one.
func errorsIn(meant, known string, limit int) int {
	atLeast := max(len(meant)-len(known), len(known)-len(meant))
	switch {
	case len(meant) > 2 && len(known) > 2 && (strings.HasPrefix(known, meant) || strings.HasPrefix(meant, known)):
		return min(atLeast, 1)
	case atLeast >= limit:
		return atLeast
	default:
		return distance(meant, known)
	}
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
