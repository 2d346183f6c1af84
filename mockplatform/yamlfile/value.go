package yamlfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// maxValues bounds what is read, with aliases expanded: far more than any file has, far less than an alias bomb makes of
// a small one.
const maxValues = 100_000

// Format is what distinguishes one kind of file from another.
type Format struct {
	// Sentinel is what every problem of such a file is.
	Sentinel error
	// MaxBytes bounds the size, and TooLarge says what to do about it.
	MaxBytes int
	TooLarge string
	// Least is the shortest file, Entries what it lists, and Guide what shows how to write one.
	Least, Entries, Guide string
}

// Load reads the text of a file, as far as it may be long. The error is the Sentinel.
func (f Format) Load(path string) ([]byte, error) {
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("%w: %w; %s tells how to write one", f.Sentinel, err, f.Guide)
	}
	defer file.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(file, int64(f.MaxBytes)+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w; name a file", f.Sentinel, err)
	}
	return text, nil
}

// Reader reads one file and collects what is wrong with it.
type Reader struct {
	file     string
	format   Format
	problems []*Problem
	budget   int             // of values still to be read
	bad      map[string]bool // keys in full with which something is wrong
}

// NewReader makes a reader; the file's name stands in problems.
func NewReader(file string, format Format) *Reader {
	return &Reader{file: file, format: format, budget: maxValues, bad: map[string]bool{}}
}

// Value is a node of the document in its place.
type Value struct {
	Path string     // the key in full, such as functions.hello.memory
	Key  *yaml.Node // of the mapping that it stands in
	At   *yaml.Node // where it is written: itself, or its alias
	Node *yaml.Node // itself, with aliases followed
}

// Entry is a value with its name in the mapping.
type Entry struct {
	Value

	Name string
}

// Bad tells whether something is wrong with a key in full.
func (r *Reader) Bad(path string) bool { return r.bad[path] }

// ProblemAt reports something at a place.
func (r *Reader) ProblemAt(line, column int, key string, reason error) {
	r.bad[key] = true
	r.problems = append(r.problems, &Problem{Position: r.Position(line, column), Key: key, Reason: reason, sentinel: r.format.Sentinel})
}

// Problem reports something at a value.
func (r *Reader) Problem(v Value, reason error) {
	at := v.At
	if IsNull(v.Node) && v.Key != nil {
		at = v.Key
	}
	r.ProblemAt(at.Line, at.Column, v.Path, reason)
}

// Passes reports what is wrong with a value, if anything.
func (r *Reader) Passes(v Value, err error) bool {
	if err != nil {
		r.Problem(v, err)
	}
	return err == nil
}

// PassesKey reports what is wrong with a value's key, if anything.
func (r *Reader) PassesKey(v Value, err error) bool {
	if err != nil {
		r.ProblemAt(v.Key.Line, v.Key.Column, v.Path, err)
	}
	return err == nil
}

// Missing reports a key that has to be there, at the name of the mapping that lacks it.
func (r *Reader) Missing(v Value, name, example string) {
	at := v.At
	if v.Key != nil {
		at = v.Key
	}
	r.ProblemAt(at.Line, at.Column, Join(v.Path, name), fmt.Errorf("this key is missing; write %s: %s", name, example))
}

// KnownKey tells that a name is none of the known ones; nil if it is one.
func KnownKey(name string, names []string) error {
	if slices.Contains(names, name) {
		return nil
	}
	hint := "known are " + strings.Join(names, ", ")
	if meant := Near(name, names); len(meant) > 0 {
		hint = fmt.Sprintf("did you mean %s?", meant[0])
	}
	return fmt.Errorf("there is no such key; %s", hint)
}

// Position is a place in the reader's file.
func (r *Reader) Position(line, column int) Position {
	return Position{File: r.file, Line: max(line, 1), Column: max(column, 1)}
}

// Place is where a value is written.
func (r *Reader) Place(v Value) Position { return r.Position(v.At.Line, v.At.Column) }

// spend counts one value, and reports once that there are too many.
func (r *Reader) spend(v Value) bool {
	r.budget--
	if r.budget == 0 {
		r.Problem(v, fmt.Errorf("with its aliases expanded the file has more than %d values; write fewer aliases", maxValues))
	}
	return r.budget > 0
}

// Entries are the values of a mapping in their order, with what merge keys bring in behind. Keys that stand twice are
// reported. The result is false where it is no mapping, which is reported too.
func (r *Reader) Entries(v Value, form string) ([]Entry, bool) {
	if v.Node.Kind != yaml.MappingNode {
		r.Problem(v, wrongKind(v.Node, "a mapping, such as "+form))
		return nil, false
	}
	if !r.Tagged(v, "!!map") {
		return nil, false
	}
	var found []Entry
	r.collect(v, &found, map[string]bool{}, map[*yaml.Node]bool{})
	return found, true
}

// collect adds the entries of a mapping that are not seen yet; above are the mappings that are being merged.
func (r *Reader) collect(v Value, found *[]Entry, seen map[string]bool, above map[*yaml.Node]bool) {
	above[v.Node] = true
	defer delete(above, v.Node)
	lines := map[string]int{}
	var merges []Value
	for i := 0; i+1 < len(v.Node.Content); i += 2 {
		key, at := v.Node.Content[i], v.Node.Content[i+1]
		e := Entry{Value{Path: v.Path, Key: key, At: at, Node: followed(at)}, ""}
		if !r.spend(e.Value) {
			return
		}
		name, ok := r.name(e.Value)
		if !ok {
			continue
		}
		e.Name, e.Path = name, Join(v.Path, name)
		if line, twice := lines[name]; twice {
			r.ProblemAt(key.Line, key.Column, e.Path, fmt.Errorf("this key stands twice, first in line %d; keep one of them", line))
			continue
		}
		lines[name] = key.Line
		switch {
		case key.ShortTag() == "!!merge":
			merges = append(merges, e.Value)
		case !seen[name]:
			seen[name] = true
			*found = append(*found, e)
		}
	}
	for _, merge := range merges {
		r.merge(v, merge, found, seen, above)
	}
}

// merge adds what a merge key names: a mapping, or a list of some.
func (r *Reader) merge(v, merge Value, found *[]Entry, seen map[string]bool, above map[*yaml.Node]bool) {
	sources := []*yaml.Node{merge.At}
	if merge.Node.Kind == yaml.SequenceNode {
		sources = merge.Node.Content
	}
	for _, at := range sources {
		source := Value{Path: v.Path, Key: merge.Key, At: at, Node: followed(at)}
		switch {
		case !r.spend(source):
			return
		case source.Node.Kind != yaml.MappingNode:
			r.Problem(source, wrongKind(source.Node, "the alias of a mapping after <<, such as <<: *defaults"))
		case !r.Tagged(source, "!!map"):
		case above[source.Node]:
			r.Problem(source, errors.New("this merges a mapping into itself; name another one after <<"))
		default:
			r.collect(source, found, seen, above)
		}
	}
}

// name is the text of a key.
func (r *Reader) name(v Value) (string, bool) {
	key := followed(v.Key)
	switch tag := key.ShortTag(); {
	case key.Kind != yaml.ScalarNode:
		r.ProblemAt(v.Key.Line, v.Key.Column, v.Path, wrongKind(key, "a name as key"))
		return "", false
	case tag != "!!str" && tag != "!!int" && tag != "!!merge":
		r.ProblemAt(v.Key.Line, v.Key.Column, v.Path, fmt.Errorf("the key %s is %s in YAML; write it in quotes", Shown(key.Value), kind(key)))
		return "", false
	default:
		return key.Value, true
	}
}

// Tagged reports a value with another tag than these: who wrote it meant something that is not done here.
func (r *Reader) Tagged(v Value, tags ...string) bool {
	tag := v.Node.ShortTag()
	if slices.Contains(tags, tag) {
		return true
	}
	r.Problem(v, fmt.Errorf("the tag %s means nothing here; take it out", clipped(tag)))
	return false
}

// Items are the values of a list.
func (r *Reader) Items(v Value, form string) ([]Value, bool) {
	if v.Node.Kind != yaml.SequenceNode {
		r.Problem(v, wrongKind(v.Node, "a list, such as "+form))
		return nil, false
	}
	if !r.Tagged(v, "!!seq") {
		return nil, false
	}
	var found []Value
	for n, at := range v.Node.Content {
		item := Value{Path: fmt.Sprintf("%s[%d]", v.Path, n), At: at, Node: followed(at)}
		if !r.spend(item) {
			break
		}
		found = append(found, item)
	}
	return found, true
}

var decimal = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

// Text reads a text. A whole number is taken as it is written, unless other readers of YAML would lose digits of it.
func (r *Reader) Text(v Value) (string, bool) {
	switch tag := v.Node.ShortTag(); {
	case v.Node.Kind != yaml.ScalarNode || IsNull(v.Node):
		r.Problem(v, wrongKind(v.Node, "a text"))
	case tag == "!!str", tag == "!!int" && decimal.MatchString(v.Node.Value):
		return v.Node.Value, true
	case tag == "!!int":
		r.Problem(v, fmt.Errorf("%s is a number in YAML, of which leading zeros and signs are lost; write it in quotes", Shown(v.Node.Value)))
	default:
		r.Problem(v, fmt.Errorf("%s is %s in YAML; write it in quotes", Shown(v.Node.Value), kind(v.Node)))
	}
	return "", false
}

// Word reads a text of one line without control characters.
func (r *Reader) Word(v Value) (string, bool) {
	text, ok := r.Text(v)
	if ok && strings.ContainsFunc(text, func(c rune) bool { return unicode.IsControl(c) || c == '\u2028' || c == '\u2029' }) {
		r.Problem(v, fmt.Errorf("%s holds a control character or a line's end; write it in one line", Shown(text)))
		return "", false
	}
	return text, ok
}

// Verbatim reads any scalar as it is written, so that nothing gets lost. Errors do not show it: it may be a secret.
func (r *Reader) Verbatim(v Value) (string, bool) {
	if v.Node.Kind != yaml.ScalarNode || IsNull(v.Node) {
		r.Problem(v, wrongKind(v.Node, `a text, "" for an empty one`))
		return "", false
	}
	if !r.Tagged(v, "!!str", "!!int", "!!float", "!!bool", "!!timestamp", "!!merge") {
		return "", false
	}
	if strings.Contains(v.Node.Value, "\x00") {
		r.Problem(v, errors.New("the value holds a zero byte, which no process can be given; encode it"))
		return "", false
	}
	return v.Node.Value, true
}

// Number reads a whole number between two limits; takes names them.
func (r *Reader) Number(v Value, low, high int, takes string) (int, bool) {
	switch tag := v.Node.ShortTag(); {
	case v.Node.Kind != yaml.ScalarNode || IsNull(v.Node):
		r.Problem(v, wrongKind(v.Node, takes))
	case tag == "!!str" && v.Node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 && decimal.MatchString(v.Node.Value):
		r.Problem(v, fmt.Errorf("%s is a text; write the number without quotes", Shown(v.Node.Value)))
	case tag != "!!int" || !decimal.MatchString(v.Node.Value):
		r.Problem(v, fmt.Errorf("%s is no whole number in plain digits; take %s, without the unit", Shown(v.Node.Value), takes))
	default:
		n, err := strconv.Atoi(v.Node.Value)
		if err == nil && n >= low && n <= high {
			return n, true
		}
		r.Problem(v, fmt.Errorf("%s; take %s", clipped(v.Node.Value), takes))
	}
	return 0, false
}

// Flag reads true or false.
func (r *Reader) Flag(v Value) (bool, bool) {
	text := strings.ToLower(v.Node.Value)
	switch {
	case v.Node.Kind != yaml.ScalarNode || IsNull(v.Node):
		r.Problem(v, wrongKind(v.Node, "true or false"))
	case v.Node.ShortTag() == "!!bool" && (text == "true" || text == "false"):
		return text == "true", true
	case text == "true" || text == "false":
		r.Problem(v, fmt.Errorf("%s is a text; write it without quotes", Shown(v.Node.Value)))
	case text == "yes" || text == "on" || text == "y":
		r.Problem(v, fmt.Errorf("%s is a text in YAML 1.2; write true", Shown(v.Node.Value)))
	case text == "no" || text == "off" || text == "n":
		r.Problem(v, fmt.Errorf("%s is a text in YAML 1.2; write false", Shown(v.Node.Value)))
	default:
		r.Problem(v, fmt.Errorf("%s; take true or false", Shown(v.Node.Value)))
	}
	return false, false
}

// IsNull tells that a value is empty or null.
func IsNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" }

// followed is the node that an alias stands for.
func followed(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode && node.Alias != nil {
		return node.Alias
	}
	return node
}

func wrongKind(node *yaml.Node, wanted string) error {
	if IsNull(node) {
		return fmt.Errorf("there is no value; write %s, or take the key out", wanted)
	}
	return fmt.Errorf("this is %s; write %s", kind(node), wanted)
}

// kind names what a node is.
func kind(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default: // a scalar: its tag tells
	}
	switch tag := node.ShortTag(); tag {
	case "!!str":
		return "a text"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "a truth value"
	case "!!null":
		return "no value"
	case "!!timestamp":
		return "a date"
	default:
		return "of the type " + clipped(tag)
	}
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,60}$`)

// Join is a key in full.
func Join(path, name string) string {
	if !plainName.MatchString(name) {
		name = Shown(name)
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// clipped is a text without quotes, not too long.
func clipped(text string) string { return strings.Trim(Shown(text), `"`) }
