package config

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scfcert/scfcert/mockplatform/yamlfile"
)

// row is what the table says of a key.
type row struct {
	name, unit, fallback, limits, clause, about string
	required                                    bool
	only                                        Type   // of functions that may have the key; empty: both
	kind, sample                                string // what it holds, and such a value
	schema                                      map[string]any
	rows                                        []row // of the mapping, or of a list's items
}

// key is a row, and how its value gets into a T.
type key[T any] struct {
	row

	read func(r *reader, v value, into *T)
}

// section is a mapping's keys.
type section[T any] []key[T]

func (s section[T]) rows() []row {
	rows := make([]row, len(s))
	for n, k := range s {
		rows[n] = k.row
	}
	return rows
}

func (s section[T]) names() []string {
	names := make([]string, len(s))
	for n, k := range s {
		names[n] = k.name
	}
	return names
}

// example is a short mapping of the section, for errors.
func (s section[T]) example() string { return fmt.Sprintf("{%s: %s}", s[0].name, s[0].example()) }

// example is a value that the key could have.
func (k row) example() string { return orElse(k.sample, k.fallback) }

// read takes all keys of a mapping.
func (s section[T]) read(r *reader, v value, into *T) bool {
	entries, ok := r.Entries(v, s.example())
	if !ok {
		return false
	}
	for _, e := range entries {
		if v.Path == "" && strings.HasPrefix(e.Name, "x-") { // a place for anchors
			continue
		}
		at := slices.IndexFunc(s, func(k key[T]) bool { return k.name == e.Name })
		if at < 0 {
			r.PassesKey(e.Value, yamlfile.KnownKey(e.Name, s.names()))
			continue
		}
		r.given[e.Path] = e.Value
		s[at].read(r, e.Value, into)
	}
	for _, k := range s {
		if _, given := r.given[yamlfile.Join(v.Path, k.name)]; k.required && !given {
			r.Missing(v, k.name, k.example())
		}
	}
	return true
}

// text is a key with a text of one line.
func text[T any](k row, put func(*T, string), check func(string) error) key[T] {
	k.kind = orElse(k.kind, "text")
	k.schema = with(map[string]any{"type": []string{"string", "integer"}}, k.schema)
	return key[T]{row: k, read: func(r *reader, v value, into *T) {
		if got, ok := r.Word(v); ok && r.Passes(v, check(got)) {
			put(into, got)
		}
	}}
}

// number is a key with a whole number from low to high; what it takes is said in its limits.
func number[T any](k row, low, high int, put func(*T, int), check func(int) error) key[T] {
	k.kind = "number"
	bounds := map[string]any{"type": "integer", "minimum": low}
	if high < math.MaxInt32 {
		bounds["maximum"] = high
	}
	k.schema = with(bounds, k.schema)
	takes := strings.TrimSpace(k.limits + " " + k.unit)
	return key[T]{row: k, read: func(r *reader, v value, into *T) {
		if got, ok := r.Number(v, low, high, takes); ok && r.Passes(v, check(got)) {
			put(into, got)
		}
	}}
}

// seconds is a key with a whole number of seconds.
func seconds[T any](k row, low, high time.Duration, put func(*T, time.Duration), check func(time.Duration) error) key[T] {
	k.unit = "seconds"
	return number(k, int(low/time.Second), int(high/time.Second),
		func(into *T, n int) { put(into, time.Duration(n)*time.Second) },
		func(n int) error { return check(time.Duration(n) * time.Second) })
}

// truth is a key with true or false.
func truth[T any](k row, put func(*T, bool)) key[T] {
	k.kind, k.limits = "true or false", orElse(k.limits, "true, false")
	k.schema = with(map[string]any{"type": "boolean"}, k.schema)
	return key[T]{row: k, read: func(r *reader, v value, into *T) {
		if got, ok := r.Flag(v); ok {
			put(into, got)
		}
	}}
}

// choice is a key with one of a few words.
func choice[T any, S ~string](k row, put func(*T, S), values ...S) key[T] {
	k.kind, k.limits = "text", listed(values)
	k.schema = with(map[string]any{"enum": values}, k.schema)
	return key[T]{row: k, read: func(r *reader, v value, into *T) {
		got, ok := r.Word(v)
		switch {
		case !ok:
		case slices.Contains(values, S(got)):
			put(into, S(got))
		default:
			hint := ""
			if meant := yamlfile.Near(got, words(values)); len(meant) > 0 {
				hint = fmt.Sprintf("; did you mean %s?", meant[0])
			}
			r.Problem(v, fmt.Errorf("%s; take %s%s", yamlfile.Shown(got), listed(values), hint))
		}
	}}
}

// list is a key with a list of texts.
func list[T any](k row, put func(*T, []string), check func(string) error) key[T] {
	k.kind = "list of texts"
	k.schema = with(map[string]any{"type": "array", "items": map[string]any{"type": "string"}}, k.schema)
	if k.required {
		k.schema["minItems"] = 1
	}
	return key[T]{row: k, read: func(r *reader, v value, into *T) {
		items, ok := r.Items(v, k.sample)
		if ok && k.required && len(items) == 0 {
			r.Problem(v, fmt.Errorf("the list is empty; write at least one item, such as %s", k.sample))
		}
		var all []string
		for _, item := range items {
			if got, ok := r.Word(item); ok && r.Passes(item, check(got)) {
				all = append(all, got)
			}
		}
		put(into, all)
	}}
}

// mapping is a key with a mapping of its own, which begins as start.
func mapping[T, U any](k row, keys section[U], start U, put func(*T, U)) key[T] {
	k.kind, k.rows = "mapping", keys.rows()
	return key[T]{row: k, read: func(r *reader, v value, into *T) {
		inner := start
		if keys.read(r, v, &inner) {
			put(into, inner)
		}
	}}
}

// anything passes.
func anything[V any](V) error { return nil }

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

func someText(text string) error {
	if text == "" {
		return errors.New(`"" is empty; write a text, or take the key out`)
	}
	return nil
}

func with(schema, more map[string]any) map[string]any {
	schema = maps.Clone(schema)
	maps.Copy(schema, more)
	return schema
}

func orElse[T comparable](value, fallback T) T {
	var none T
	if value == none {
		return fallback
	}
	return value
}

func inSeconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
