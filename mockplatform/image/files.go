package image

import (
	"archive/tar"
	"errors"
	"path"
	"slices"
	"strings"
)

// entry is what is kept of a file: never its content.
type entry struct {
	kind     byte // as in a tar header
	mode     int64
	uid, gid int
	size     int64
	link     string
	layer    int
}

// node is a file or directory of the image as all layers together show it.
type node struct {
	entry    entry
	children map[string]*node
}

func newRoot() *node {
	return &node{entry: entry{kind: tar.TypeDir, mode: 0o755}, children: map[string]*node{}}
}

// Whiteouts of the OCI image specification.
const (
	whiteout       = ".wh."
	whiteoutOpaque = ".wh..wh..opq"
)

var errTooDeep = errors.New("a path has more than 1000 elements")

const maxDepth = 1000

// apply lays a layer over what is there: first what it takes away from the layers below, then what it brings. Gone hears
// of each file or directory that is taken away or replaced.
func (n *node) apply(records []record, gone func(at string, n *node)) error {
	for _, r := range records {
		dir, base := path.Split(r.path)
		switch parent := n.at(dir); {
		case parent == nil || !strings.HasPrefix(base, whiteout):
		case base == whiteoutOpaque:
			for name, child := range parent.children {
				gone(path.Join(dir, name), child)
			}
			parent.children = nil
		default:
			name := strings.TrimPrefix(base, whiteout)
			if child := parent.children[name]; child != nil {
				gone(path.Join(dir, name), child)
			}
			delete(parent.children, name)
		}
	}
	for _, r := range records {
		if strings.HasPrefix(path.Base(r.path), whiteout) {
			continue
		}
		if strings.Count(r.path, "/") > maxDepth {
			return errTooDeep
		}
		target := n
		for _, element := range elements(r.path) {
			if target.children == nil {
				target.children = map[string]*node{}
			}
			next := target.children[element]
			if next == nil {
				next = &node{entry: entry{kind: tar.TypeDir, mode: 0o755}}
				target.children[element] = next
			}
			target = next
		}
		if target.entry.kind == tar.TypeReg {
			gone(r.path, &node{entry: target.entry})
		}
		target.entry = r.entry
		if r.entry.kind != tar.TypeDir {
			target.children = nil
		}
	}
	return nil
}

func elements(name string) []string {
	return strings.FieldsFunc(name, func(c rune) bool { return c == '/' })
}

// at finds a path without following links; nil if there is none.
func (n *node) at(name string) *node {
	for _, element := range elements(name) {
		if n = n.children[element]; n == nil {
			return nil
		}
	}
	return n
}

// maxLinks bounds the links followed for one path, as the kernel does with symbolic ones.
const maxLinks = 40

// follow finds a path through links of both kinds. It returns the path it ends at, and nil if there is nothing.
func (n *node) follow(name string) (string, *node) {
	pending := elements(path.Clean("/" + name))
	current, at := n, "/"
	for links := 0; len(pending) > 0; {
		next := current.children[pending[0]]
		if next == nil {
			return path.Join(append([]string{at}, pending...)...), nil
		}
		here := path.Join(at, pending[0])
		pending = pending[1:]
		switch next.entry.kind {
		case tar.TypeSymlink, tar.TypeLink:
			if links++; links > maxLinks {
				return here, nil
			}
			target := next.entry.link
			if next.entry.kind == tar.TypeSymlink && !path.IsAbs(target) { // a hard link counts from the root
				target = path.Join(at, target)
			}
			pending = append(elements(path.Clean("/"+target)), pending...)
			current, at = n, "/"
		default:
			current, at = next, here
		}
	}
	return at, current
}

// FilesUnder lists the files below a directory of the image, at most limit of them, sorted.
func (c *Candidate) FilesUnder(dir string, limit int) []string {
	_, start := c.files.follow(dir)
	var found []string
	var walk func(at string, n *node)
	walk = func(at string, n *node) {
		names := make([]string, 0, len(n.children))
		for name := range n.children {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if len(found) == limit {
				return
			}
			child := n.children[name]
			if child.entry.kind != tar.TypeDir {
				found = append(found, path.Join(at, name))
			}
			walk(path.Join(at, name), child)
		}
	}
	if start != nil {
		walk(path.Clean("/"+dir), start)
	}
	return found
}
