package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// maxValues bounds what is read, with aliases expanded: far more than any configuration has, far less than an alias
// bomb makes of a small file.
const maxValues = 100_000

// reader reads one file.
type reader struct {
	file     string
	opts     Options
	problems []*Problem
	budget   int              // of values still to be read
	given    map[string]value // what the file sets, by its key in full
	bad      map[string]bool  // keys in full with which something is wrong
}

// value is a node of the document in its place.
type value struct {
	path string     // the key in full, such as functions.hello.memory
	key  *yaml.Node // of the mapping that it stands in
	at   *yaml.Node // where it is written: itself, or its alias
	node *yaml.Node // itself, with aliases followed
}

// entry is a value with its name in the mapping.
type entry struct {
	value

	name string
}

func (r *reader) problemAt(line, column int, key string, reason error) {
	r.bad[key] = true
	r.problems = append(r.problems, &Problem{Position: r.position(line, column), Key: key, Reason: reason})
}

// problem reports something at a value.
func (r *reader) problem(v value, reason error) {
	at := v.at
	if isNull(v.node) && v.key != nil {
		at = v.key
	}
	r.problemAt(at.Line, at.Column, v.path, reason)
}

func (r *reader) position(line, column int) Position {
	return Position{File: r.file, Line: max(line, 1), Column: max(column, 1)}
}

func (v value) position(r *reader) Position { return r.position(v.at.Line, v.at.Column) }

// spend counts one value, and reports once that there are too many.
func (r *reader) spend(v value) bool {
	r.budget--
	if r.budget == 0 {
		r.problem(v, fmt.Errorf("with its aliases expanded the file has more than %d values; write fewer aliases", maxValues))
	}
	return r.budget > 0
}

// entries are the values of a mapping in their order, with what merge keys bring in behind. Keys that stand twice are
// reported. The result is false where it is no mapping, which is reported too.
func (r *reader) entries(v value, form string) ([]entry, bool) {
	if v.node.Kind != yaml.MappingNode {
		r.problem(v, wrongKind(v.node, "a mapping, such as "+form))
		return nil, false
	}
	var found []entry
	r.collect(v, &found, map[string]bool{}, map[*yaml.Node]bool{})
	return found, true
}

// collect adds the entries of a mapping that are not seen yet; above are the mappings that are being merged.
func (r *reader) collect(v value, found *[]entry, seen map[string]bool, above map[*yaml.Node]bool) {
	above[v.node] = true
	defer delete(above, v.node)
	lines := map[string]int{}
	var merges []value
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key, at := v.node.Content[i], v.node.Content[i+1]
		e := entry{value{path: v.path, key: key, at: at, node: followed(at)}, ""}
		if !r.spend(e.value) {
			return
		}
		name, ok := r.name(e.value)
		if !ok {
			continue
		}
		e.name, e.path = name, join(v.path, name)
		if line, twice := lines[name]; twice {
			r.problemAt(key.Line, key.Column, e.path, fmt.Errorf("this key stands twice, first in line %d; keep one of them", line))
			continue
		}
		lines[name] = key.Line
		switch {
		case key.ShortTag() == "!!merge":
			merges = append(merges, e.value)
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
func (r *reader) merge(v, merge value, found *[]entry, seen map[string]bool, above map[*yaml.Node]bool) {
	sources := []*yaml.Node{merge.at}
	if merge.node.Kind == yaml.SequenceNode {
		sources = merge.node.Content
	}
	for _, at := range sources {
		source := value{path: v.path, key: merge.key, at: at, node: followed(at)}
		switch {
		case !r.spend(source):
			return
		case source.node.Kind != yaml.MappingNode:
			r.problem(source, wrongKind(source.node, "the alias of a mapping after <<, such as <<: *defaults"))
		case above[source.node]:
			r.problem(source, errors.New("this merges a mapping into itself; name another one after <<"))
		default:
			r.collect(source, found, seen, above)
		}
	}
}

// name is the text of a key.
func (r *reader) name(v value) (string, bool) {
	key := followed(v.key)
	switch tag := key.ShortTag(); {
	case key.Kind != yaml.ScalarNode:
		r.problemAt(v.key.Line, v.key.Column, v.path, wrongKind(key, "a name as key"))
		return "", false
	case tag != "!!str" && tag != "!!int" && tag != "!!merge":
		r.problemAt(v.key.Line, v.key.Column, v.path, fmt.Errorf("the key %s is %s in YAML; write it in quotes", shown(key.Value), kind(key)))
		return "", false
	default:
		return key.Value, true
	}
}

// items are the values of a list.
func (r *reader) items(v value, form string) ([]value, bool) {
	if v.node.Kind != yaml.SequenceNode {
		r.problem(v, wrongKind(v.node, "a list, such as "+form))
		return nil, false
	}
	var found []value
	for n, at := range v.node.Content {
		item := value{path: fmt.Sprintf("%s[%d]", v.path, n), at: at, node: followed(at)}
		if !r.spend(item) {
			break
		}
		found = append(found, item)
	}
	return found, true
}

var decimal = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

// text reads a text. A whole number is taken as it is written, unless other readers of YAML would lose digits of it.
func (r *reader) text(v value) (string, bool) {
	switch tag := v.node.ShortTag(); {
	case v.node.Kind != yaml.ScalarNode || isNull(v.node):
		r.problem(v, wrongKind(v.node, "a text"))
	case tag == "!!str", tag == "!!int" && decimal.MatchString(v.node.Value):
		return v.node.Value, true
	case tag == "!!int":
		r.problem(v, fmt.Errorf("%s is a number in YAML, of which leading zeros and signs are lost; write it in quotes", shown(v.node.Value)))
	default:
		r.problem(v, fmt.Errorf("%s is %s in YAML; write it in quotes", shown(v.node.Value), kind(v.node)))
	}
	return "", false
}

// word reads a text of one line without control characters.
func (r *reader) word(v value) (string, bool) {
	text, ok := r.text(v)
	if ok && strings.ContainsFunc(text, unicode.IsControl) {
		r.problem(v, fmt.Errorf("%s holds a control character or a line's end; write it in one line", shown(text)))
		return "", false
	}
	return text, ok
}

// verbatim reads any scalar as it is written, so that nothing gets lost. Errors do not show it: it may be a secret.
func (r *reader) verbatim(v value) (string, bool) {
	if v.node.Kind != yaml.ScalarNode || isNull(v.node) {
		r.problem(v, wrongKind(v.node, `a text, "" for an empty one`))
		return "", false
	}
	if strings.Contains(v.node.Value, "\x00") {
		r.problem(v, errors.New("the value holds a zero byte, which no process can be given; encode it"))
		return "", false
	}
	return v.node.Value, true
}

// number reads a whole number between two limits; takes names them.
func (r *reader) number(v value, low, high int, takes string) (int, bool) {
	switch tag := v.node.ShortTag(); {
	case v.node.Kind != yaml.ScalarNode || isNull(v.node):
		r.problem(v, wrongKind(v.node, takes))
	case tag == "!!str" && v.node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 && decimal.MatchString(v.node.Value):
		r.problem(v, fmt.Errorf("%s is a text; write the number without quotes", shown(v.node.Value)))
	case tag != "!!int" || !decimal.MatchString(v.node.Value):
		r.problem(v, fmt.Errorf("%s is no whole number in plain digits; take %s, without the unit", shown(v.node.Value), takes))
	default:
		n, err := strconv.Atoi(v.node.Value)
		if err == nil && n >= low && n <= high {
			return n, true
		}
		r.problem(v, fmt.Errorf("%s; take %s", clipped(v.node.Value), takes))
	}
	return 0, false
}

// flag reads true or false.
func (r *reader) flag(v value) (bool, bool) {
	text := strings.ToLower(v.node.Value)
	switch {
	case v.node.Kind != yaml.ScalarNode || isNull(v.node):
		r.problem(v, wrongKind(v.node, "true or false"))
	case v.node.ShortTag() == "!!bool" && (text == "true" || text == "false"):
		return text == "true", true
	case text == "true" || text == "false":
		r.problem(v, fmt.Errorf("%s is a text; write it without quotes", shown(v.node.Value)))
	case text == "yes" || text == "on" || text == "y":
		r.problem(v, fmt.Errorf("%s is a text in YAML 1.2; write true", shown(v.node.Value)))
	case text == "no" || text == "off" || text == "n":
		r.problem(v, fmt.Errorf("%s is a text in YAML 1.2; write false", shown(v.node.Value)))
	default:
		r.problem(v, fmt.Errorf("%s; take true or false", shown(v.node.Value)))
	}
	return false, false
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" }

// followed is the node that an alias stands for.
func followed(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode && node.Alias != nil {
		return node.Alias
	}
	return node
}

func wrongKind(node *yaml.Node, wanted string) error {
	if isNull(node) {
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

// join is a key in full.
func join(path, name string) string {
	if !plainName.MatchString(name) {
		name = shown(name)
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// clipped is a text without quotes, not too long.
func clipped(text string) string { return strings.Trim(shown(text), `"`) }
