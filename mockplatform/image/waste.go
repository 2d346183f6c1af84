package image

import (
	"archive/tar"
	"path"
	"slices"
	"strings"
)

// Waste is what a layer holds for nothing.
type Waste struct {
	Path  string
	Bytes int64
	Layer int // that holds it, from 1
	// By is the layer that replaces or deletes it, from 1; 0 for a cache that is still there.
	By int
}

// maxWastes bounds what is kept of wasted files, the largest of them.
const maxWastes = 1000

// Wasted lists files that later layers replace or delete, the largest first, and what all of them take.
func (c *Candidate) Wasted() (files []Waste, bytes int64) {
	return c.wasted, c.wastedBytes
}

// waste notes a file and all below it that a layer takes away.
func (c *Candidate) waste(at string, n *node, by int) {
	if n.entry.kind == tar.TypeReg && n.entry.layer != by {
		c.wastedBytes += n.entry.size
		c.wasted = append(c.wasted, Waste{Path: at, Bytes: n.entry.size, Layer: n.entry.layer + 1, By: by + 1})
		if len(c.wasted) > 2*maxWastes {
			c.sortWasted()
		}
	}
	for name, child := range n.children {
		c.waste(path.Join(at, name), child, by)
	}
}

func (c *Candidate) sortWasted() {
	slices.SortFunc(c.wasted, func(a, b Waste) int {
		if a.Bytes != b.Bytes {
			return int(b.Bytes - a.Bytes)
		}
		return strings.Compare(a.Path, b.Path)
	})
	c.wasted = c.wasted[:min(len(c.wasted), maxWastes)]
}

// cacheFolders are those of package managers, which nothing needs when a function runs.
func cacheFolders() []string {
	return []string{
		"/var/lib/apt/lists", "/var/cache/apt", "/var/cache/apk", "/var/cache/yum", "/var/cache/dnf", "/root/.cache/pip", "/root/.cache/go-build",
		"/root/.npm/_cacache", "/root/.cache/yarn", "/usr/local/share/.cache/yarn", "/root/.cache/node-gyp", "/root/.composer/cache", "/root/.m2/repository", "/root/.gradle/caches",
	}
}

// Caches lists folders of package managers' caches that the image holds, with what they take.
func (c *Candidate) Caches() []Waste {
	var found []Waste
	for _, folder := range cacheFolders() {
		_, start := c.files.follow(folder)
		if start == nil {
			continue
		}
		w := Waste{Path: folder}
		var walk func(n *node)
		walk = func(n *node) {
			if n.entry.kind == tar.TypeReg {
				w.Bytes += n.entry.size
				w.Layer = max(w.Layer, n.entry.layer+1)
			}
			for _, child := range n.children {
				walk(child)
			}
		}
		walk(start)
		if w.Bytes > 0 {
			found = append(found, w)
		}
	}
	return found
}
