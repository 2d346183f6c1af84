package image

import (
	"archive/tar"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Denial is a file that the image's user may not use.
type Denial struct {
	Path   string
	Mode   int64 // permission bits
	UID    int   // owner
	GID    int
	Needed string // "read", "execute" or "enter"; empty where the image does not know the user
	// User is the process's user as the image names it, with its uid.
	User string
}

// String tells it in a sentence.
func (d Denial) String() string {
	if d.Needed == "" {
		return fmt.Sprintf("USER is %q, which is not in the image's %s", d.User, d.Path)
	}
	return fmt.Sprintf("%s may not %s %s, which has mode %04o and belongs to %d:%d", d.User, d.Needed, d.Path, d.Mode, d.UID, d.GID)
}

// identity is who a process is.
type identity struct {
	text     string
	uid, gid int
	groups   []int
}

// Bits of a file's permissions.
const (
	mayRead    = 4
	mayExecute = 1
)

func (who identity) may(e entry, bit int64) bool {
	switch {
	case who.uid == 0:
		return bit == mayRead || e.kind == tar.TypeDir || e.mode&0o111 != 0
	case who.uid == e.uid:
		return e.mode>>6&bit != 0
	case who.gid == e.gid || slices.Contains(who.groups, e.gid):
		return e.mode>>3&bit != 0
	default:
		return e.mode&bit != 0
	}
}

// Denied finds the first of the start files that the image's user may not read or execute: the program, its interpreter
// or loader, and arguments that are files of the image. It is nil where all can be used. A USER that the image does not
// know is a denial without a file. User replaces the image's USER where it is not empty.
func (c *Candidate) Denied(ctx context.Context, argv []string, program Program, user string) (*Denial, error) {
	if user == "" {
		user = c.Config.Config.User
	}
	who, unknown, err := c.identify(ctx, user)
	if err != nil {
		return nil, err
	}
	if unknown != "" {
		return &Denial{Path: unknown, User: user}, nil
	}
	needs := []struct {
		name string
		bit  int64
	}{{program.Path, mayExecute}, {program.Interpreter, mayExecute}, {program.Loader, mayExecute}}
	if program.Kind == Script {
		needs = append(needs, struct {
			name string
			bit  int64
		}{program.Path, mayRead})
	}
	for _, word := range argv[min(1, len(argv)):] {
		name := word
		if !path.IsAbs(name) {
			name = path.Join("/", c.Config.Config.WorkingDir, name)
		}
		if _, found := c.files.follow(name); found != nil && found.entry.kind == tar.TypeReg && !strings.HasPrefix(word, "-") {
			needs = append(needs, struct {
				name string
				bit  int64
			}{name, mayRead})
		}
	}
	for _, need := range needs {
		if need.name == "" {
			continue
		}
		if denial := c.denied(who, need.name, need.bit); denial != nil {
			return denial, nil
		}
	}
	return nil, nil //nolint:nilnil // nothing is denied
}

// denied walks to a file as the kernel does.
func (c *Candidate) denied(who identity, name string, bit int64) *Denial {
	resolved, file := c.files.follow(name)
	if file == nil {
		return nil // somebody else's finding
	}
	denial := func(at string, e entry, needed string) *Denial {
		return &Denial{Path: at, Mode: e.mode, UID: e.uid, GID: e.gid, Needed: needed, User: who.text}
	}
	current, at := c.files, "/"
	for _, element := range elements(path.Dir(resolved)) {
		at = path.Join(at, element)
		if current = current.children[element]; current == nil {
			return nil
		}
		if !who.may(current.entry, mayExecute) {
			return denial(at, current.entry, "enter")
		}
	}
	if who.may(file.entry, bit) {
		return nil
	}
	needed := "read"
	if bit == mayExecute {
		needed = "execute"
	}
	return denial(resolved, file.entry, needed)
}

// identify resolves USER as the engine does: a name or a number, with or without a group. A name that the image does not
// know gives the file that does not hold it.
func (c *Candidate) identify(ctx context.Context, user string) (_ identity, unknown string, _ error) {
	if user == "" {
		return identity{text: "root (uid 0)"}, "", nil
	}
	name, group, hasGroup := strings.Cut(user, ":")
	who := identity{text: user}
	passwd, err := c.lines(ctx, "/etc/passwd")
	if err != nil {
		return who, "", err
	}
	uid, numeric := strconv.Atoi(name)
	who.uid = uid
	known := numeric == nil
	for _, fields := range passwd {
		if len(fields) < 4 || fields[0] != name && (numeric != nil || fields[2] != name) { //nolint:mnd // name, password, uid, gid
			continue
		}
		who.uid, _ = strconv.Atoi(fields[2])
		who.gid, _ = strconv.Atoi(fields[3])
		name, known = fields[0], true
		break
	}
	if !known {
		return who, "/etc/passwd", nil
	}
	groups, err := c.lines(ctx, "/etc/group")
	if err != nil {
		return who, "", err
	}
	gid, numeric := strconv.Atoi(group)
	if known = !hasGroup || numeric == nil; numeric == nil {
		who.gid = gid
	}
	for _, fields := range groups {
		if len(fields) < 4 { //nolint:mnd // name, password, gid, members
			continue
		}
		gid, _ := strconv.Atoi(fields[2])
		if hasGroup && fields[0] == group {
			who.gid, known = gid, true
		} else if !hasGroup && slices.Contains(strings.Split(fields[3], ","), name) {
			who.groups = append(who.groups, gid)
		}
	}
	if !known {
		return who, "/etc/group", nil
	}
	who.text = fmt.Sprintf("%s (uid %d)", user, who.uid)
	return who, "", nil
}

// lines reads a small file of colon-separated fields; a file that is not there has none.
func (c *Candidate) lines(ctx context.Context, name string) ([][]string, error) {
	at, found := c.files.follow(name)
	if found == nil || found.entry.kind != tar.TypeReg {
		return nil, nil
	}
	text, err := c.head(ctx, &located{at, found})
	if err != nil {
		return nil, err
	}
	var all [][]string
	for line := range strings.Lines(string(text)) {
		all = append(all, strings.Split(strings.TrimSpace(line), ":"))
	}
	return all, nil
}

// InTmp lists start files that lie below /tmp, where the platform's own /tmp hides them.
func (c *Candidate) InTmp(argv []string, program Program) []string {
	var hidden []string
	for _, name := range append([]string{program.Path, program.Interpreter, program.Loader}, argv...) {
		if name == "" || strings.HasPrefix(name, "-") {
			continue
		}
		if !path.IsAbs(name) {
			name = path.Join("/", c.Config.Config.WorkingDir, name)
		}
		at, found := c.files.follow(name)
		if found != nil && found.entry.kind != tar.TypeDir && strings.HasPrefix(at, "/tmp/") && !slices.Contains(hidden, at) {
			hidden = append(hidden, at)
		}
	}
	return hidden
}
