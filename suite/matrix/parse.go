package matrix

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/scfcert/scfcert/mockplatform/yamlfile"
	"github.com/scfcert/scfcert/suite"
	"github.com/scfcert/scfcert/suite/report"
)

// ErrFile means that a matrix file cannot be used. Each single reason is a *yamlfile.Problem; errors.Join holds them by
// line.
var ErrFile = errors.New("invalid matrix file")

// Bounds of a file.
const (
	MaxBytes  = 256 << 10
	MaxRuns   = 1000
	MaxValues = 1000 // of one key
)

// Plan is what a file says is to be certified.
type Plan struct {
	// Images and Variants are the names, in the order of the file. A single "" in Variants means that there are none.
	Images, Variants []string
	Runs             []Run
}

// Run is one image in one variant.
type Run struct {
	Image, Variant string // names
	// Options have neither ReportDir nor what the machine brings.
	Options suite.Options
}

// Name is the run's name, and its folder: IMAGE or IMAGE/VARIANT.
func (r *Run) Name() string { return path.Join(r.Image, r.Variant) }

// Load reads a file. Relative paths in it count from its folder. The error is ErrFile.
func Load(file string) (Plan, error) {
	text, err := format().Load(file)
	if err != nil {
		return Plan{}, err //nolint:wrapcheck // it is ErrFile
	}
	return Parse(file, text, filepath.Dir(file))
}

// Parse reads a text. The name stands in errors; relative paths count from base. The error is ErrFile.
func Parse(name string, text []byte, base string) (Plan, error) {
	r := &reader{Reader: yamlfile.NewReader(name, format())}
	r.read(text)
	var plan Plan
	if r.Err() == nil {
		plan = r.plan(base)
	}
	if err := r.Err(); err != nil {
		return Plan{}, err //nolint:wrapcheck // each problem is ErrFile
	}
	return plan, nil
}

func format() yamlfile.Format {
	return yamlfile.Format{
		Sentinel: ErrFile, MaxBytes: MaxBytes, TooLarge: "write several files",
		Least: "images: [my-function:1.0]", Entries: "images", Guide: "docs/matrix.md",
	}
}

// entry is an image or a variant of the file.
type entry struct {
	name, reference string
	settings        []setting
	at              yamlfile.Value
}

// setting is one key with its value, or with one of its values.
type setting struct {
	name, text string
	at         yamlfile.Value
}

// reader reads one file.
type reader struct {
	*yamlfile.Reader

	images, variants []entry
	defaults         []setting
	files            suite.Files
}

const (
	imagesKey, variantsKey, defaultsKey = "images", "variants", "defaults"
	nameKey, imageKey                   = "name", "image"
)

// read takes the file apart, and notes all that is wrong with its form.
func (r *reader) read(text []byte) {
	top, ok := r.Document(text)
	if !ok {
		return
	}
	entries, ok := r.Entries(top, "{images: [my-function:1.0]}")
	if !ok {
		return
	}
	given := false
	for _, e := range entries {
		switch {
		case !r.PassesKey(e.Value, yamlfile.KnownKey(e.Name, []string{imagesKey, variantsKey, defaultsKey})):
		case e.Name == defaultsKey:
			r.defaults = r.entry(e.Value, nil).settings
		case e.Name == variantsKey:
			r.variants = r.list(e.Value, []string{nameKey})
		default:
			given = true
			r.images = r.list(e.Value, []string{nameKey, imageKey})
		}
	}
	if !given {
		r.Missing(top, imagesKey, "[my-function:1.0]")
	}
}

// list reads images or variants; own are their keys beside the settings.
func (r *reader) list(v yamlfile.Value, own []string) []entry {
	form := "[{name: event, type: event}, {name: http, type: http}]"
	if slices.Contains(own, imageKey) {
		form = "[my-function:1.0, {image: other:2.0, memory: 512}]"
	}
	items, ok := r.Items(v, form)
	switch {
	case ok && len(items) == 0:
		r.Problem(v, fmt.Errorf("the list is empty; write %s", form))
	case len(items) > MaxRuns: // each of which is held against each
		r.Problem(v, fmt.Errorf("the list has %d items, each of them at least one run; take at most %d runs, and several files for more", len(items), MaxRuns))
		return nil
	}
	var all []entry
	for _, item := range items {
		e := r.entry(item, own)
		if first := slices.IndexFunc(all, func(other entry) bool { return strings.EqualFold(other.name, e.name) }); first >= 0 && e.name != "" {
			r.Problem(item, fmt.Errorf("%s is the name of two of them, first in line %d; give one of them another with name: (file systems may not tell capital letters)", yamlfile.Shown(e.name), all[first].at.At.Line))
		}
		all = append(all, e)
	}
	return all
}

// entry reads one image, one variant, or the defaults.
func (r *reader) entry(v yamlfile.Value, own []string) entry {
	e := entry{at: v}
	if slices.Contains(own, imageKey) && v.Node.Kind == yaml.ScalarNode {
		e.reference, _ = r.Word(v)
		e.name = r.named(v, derived(e.reference))
		return e
	}
	known := append(slices.Clone(own), settingNames()...)
	entries, ok := r.Entries(v, "{type: event, memory: 512}")
	if !ok {
		return e
	}
	for _, one := range entries {
		switch {
		case !r.PassesKey(one.Value, yamlfile.KnownKey(one.Name, known)):
		case one.Name == nameKey && own != nil:
			text, _ := r.Word(one.Value)
			e.name = r.named(one.Value, text)
		case one.Name == imageKey && own != nil:
			e.reference, _ = r.Word(one.Value)
		default:
			e.settings = append(e.settings, r.setting(one)...)
		}
	}
	switch {
	case slices.Contains(own, imageKey) && e.reference == "" && !r.Bad(yamlfile.Join(v.Path, imageKey)):
		r.Missing(v, imageKey, "my-function:1.0")
	case slices.Contains(own, imageKey) && e.name == "" && !r.Bad(yamlfile.Join(v.Path, nameKey)):
		e.name = r.named(v, derived(e.reference))
	case len(own) == 1 && e.name == "" && !r.Bad(yamlfile.Join(v.Path, nameKey)):
		r.Missing(v, nameKey, "event")
	}
	return e
}

// setting reads a key of scfcert run: a text, a list of some, or a mapping for what is written NAME=VALUE there.
func (r *reader) setting(e yamlfile.Entry) []setting {
	repeated := slices.Contains([]string{"env", "reading", "event"}, e.Name)
	var found []setting
	add := func(at yamlfile.Value, before string) {
		if text, ok := r.Verbatim(at); ok {
			found = append(found, setting{e.Name, before + text, at})
		}
	}
	switch {
	case repeated && e.Node.Kind == yaml.SequenceNode:
		items, _ := r.Items(e.Value, "[timer]")
		for _, item := range items {
			add(item, "")
		}
	case repeated && e.Name != "event" && e.Node.Kind == yaml.MappingNode:
		pairs, _ := r.Entries(e.Value, "{NAME: value}")
		for _, pair := range pairs {
			if r.PassesKey(pair.Value, pairName(pair.Name)) {
				add(pair.Value, pair.Name+"=")
			}
		}
	default:
		add(e.Value, "")
	}
	if len(found) > MaxValues { // of which every run would get each
		r.Problem(e.Value, fmt.Errorf("there are %d values; take at most %d", len(found), MaxValues))
		return nil
	}
	for _, s := range found {
		if s.name == "event" && s.text == "-" {
			r.Problem(s.at, errors.New(`"-" is standard input, which many runs cannot share; name a JSON file or a trigger`))
		}
	}
	return found
}

// pairName tells what is wrong with the name in NAME=VALUE.
func pairName(name string) error {
	if name == "" || strings.Contains(name, "=") {
		return fmt.Errorf("%s is no name; write one without =, and the value behind the colon", yamlfile.Shown(name))
	}
	return nil
}

// settingNames are the flags of scfcert run that say how a function is certified.
func settingNames() []string {
	set := flag.NewFlagSet("", flag.ContinueOnError)
	suite.Bind(set)
	var names []string
	set.VisitAll(func(f *flag.Flag) {
		if !slices.Contains([]string{"image", "report-dir", "procs"}, f.Name) {
			names = append(names, f.Name)
		}
	})
	return names
}

var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

// named is a name that may stand for a folder.
func (r *reader) named(v yamlfile.Value, text string) string {
	if text == "" && r.Bad(v.Path) {
		return ""
	}
	if !validName.MatchString(text) {
		r.Problem(v, fmt.Errorf("%s cannot be the name of a folder; give one with name: of letters, digits, _, . and -, at most 64, which begins with a letter or a digit", yamlfile.Shown(text)))
		return ""
	}
	if reserved(text) {
		r.Problem(v, fmt.Errorf("%s is the name of a file of the overview or of a report, so that no folder can have it; give another one with name: NAME", yamlfile.Shown(text)))
		return ""
	}
	return text
}

// reserved tells that a file of an overview or of a report has this name.
func reserved(name string) bool {
	files := slices.Concat(slices.Collect(maps.Keys(report.OverviewFiles())), slices.Collect(maps.Keys(report.Files())))
	return slices.ContainsFunc(files, func(file string) bool { return strings.EqualFold(file, name) })
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// derived is the name of an image that has none: the last part of its reference.
func derived(reference string) string {
	reference, _, _ = strings.Cut(reference, "@")
	if scheme, rest, found := strings.Cut(reference, ":"); found && slices.Contains([]string{"oci", "tar", "engine", "registry"}, scheme) {
		reference = rest
	}
	return strings.Trim(unfit.ReplaceAllString(path.Base(reference), "-"), "-.")
}

// plan makes runs of what was read, and notes what no run could make sense of.
func (r *reader) plan(base string) Plan {
	var plan Plan
	variants := r.variants
	if len(variants) == 0 {
		variants = []entry{{}}
	}
	if runs := len(r.images) * len(variants); runs > MaxRuns {
		r.ProblemAt(1, 1, "", fmt.Errorf("%d images in %d variants are %d runs; take at most %d, and several files for more", len(r.images), len(variants), runs, MaxRuns))
		return plan
	}
	for _, v := range variants {
		plan.Variants = append(plan.Variants, v.name)
	}
	for _, i := range r.images {
		plan.Images = append(plan.Images, i.name)
		for _, v := range variants {
			if opts, ok := r.options(i, v, base); ok {
				plan.Runs = append(plan.Runs, Run{Image: i.name, Variant: v.name, Options: opts})
			}
		}
	}
	return plan
}

// options are what the flags of scfcert run would make of an image in a variant. What a variant says goes before what the
// image says, and that before the defaults; variables and readings add up.
func (r *reader) options(i, v entry, base string) (suite.Options, bool) {
	set := flag.NewFlagSet("", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	flags := suite.Bind(set)
	flags.Share(&r.files)
	layers := [][]setting{{{imageKey, i.reference, i.at}}, r.defaults, i.settings, v.settings}
	events := 0 // the last layer that names some: they replace one another
	for n, layer := range layers {
		if slices.ContainsFunc(layer, func(s setting) bool { return s.name == "event" }) {
			events = n
		}
	}
	for n, layer := range layers {
		for _, s := range layer {
			if s.name == "event" && n != events {
				continue
			}
			if err := set.Set(s.name, s.text); err != nil { // a number's: no other value is refused here
				r.once(s.at, fmt.Errorf("%s: %w", yamlfile.Shown(s.text), err))
				return suite.Options{}, false
			}
		}
	}
	opts, err := flags.Options(base)
	if err != nil {
		at := v.at
		if at.Node == nil {
			at = i.at
		}
		r.once(at, fmt.Errorf("%s: %w", path.Join(i.name, v.name), err))
		return suite.Options{}, false
	}
	opts.ReportDir = ""
	return opts, true
}

// once reports a problem of a place that several runs share.
func (r *reader) once(v yamlfile.Value, err error) {
	if !r.Bad(v.Path) {
		r.Problem(v, err)
	}
}
