package image

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Kind is what a start file is.
type Kind string

// The kinds of start files.
const (
	Missing   Kind = "missing"
	Directory Kind = "directory"
	ELF       Kind = "elf"
	Script    Kind = "script"
	Other     Kind = "other"
)

// Program is the start program of an image as its layers show it.
type Program struct {
	// Path is where it was found, behind links; or the name that was looked for.
	Path string
	Kind Kind
	Mode int64 // permission bits
	UID  int
	// Executable means that somebody may execute it.
	Executable bool
	// Searched lists the directories of PATH that were looked through.
	Searched []string
	// HoldsLine means that the first word of the start command holds spaces and no such file exists.
	HoldsLine bool

	Machine string // of an ELF file, such as "x86_64"
	// Loader is the dynamic loader that an ELF file asks for; empty for a static one.
	Loader        string
	LoaderMissing bool

	// Interpreter is what a script's first line names; for "#!/usr/bin/env NAME" it is what NAME leads to.
	Interpreter        string
	InterpreterMissing bool
	InterpreterMachine string
	// CRLF means that the first line of a script ends as on DOS, which makes its end part of the interpreter's name.
	CRLF bool
}

// defaultPath is the engine's PATH for an image that sets none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// headBytes of a file are read to tell what it is.
const headBytes = 64 << 10

// Program finds and looks at the program that a start command runs.
func (c *Candidate) Program(ctx context.Context, argv []string) (Program, error) {
	if len(argv) == 0 {
		return Program{Kind: Missing}, nil
	}
	found, searched := c.search(argv[0])
	if found == nil {
		return Program{Path: argv[0], Kind: Missing, Searched: searched, HoldsLine: strings.ContainsAny(argv[0], " \t")}, nil
	}
	p := Program{Path: found.path, Mode: found.node.entry.mode, UID: found.node.entry.uid, Searched: searched, Executable: found.node.entry.mode&0o111 != 0}
	if found.node.entry.kind == tar.TypeDir {
		p.Kind = Directory
		return p, nil
	}
	head, err := c.head(ctx, found)
	if err != nil {
		return Program{}, err
	}
	switch {
	case strings.HasPrefix(string(head), elfMagic):
		p.Kind = ELF
		p.Machine, p.Loader = elfHeader(head)
		if p.Loader != "" {
			_, loader := c.files.follow(p.Loader)
			p.LoaderMissing = loader == nil
		}
	case strings.HasPrefix(string(head), "#!"):
		p.Kind = Script
		return p, c.interpreter(ctx, head, &p)
	default:
		p.Kind = Other
	}
	return p, nil
}

// located is a file and where it is.
type located struct {
	path string
	node *node
}

// search finds a program as the engine does: by its path from the working directory, or along PATH.
func (c *Candidate) search(name string) (*located, []string) {
	if strings.Contains(name, "/") {
		if !path.IsAbs(name) {
			name = path.Join("/", c.Config.Config.WorkingDir, name)
		}
		if at, found := c.files.follow(name); found != nil {
			return &located{at, found}, nil
		}
		return nil, nil
	}
	directories := defaultPath
	for _, variable := range c.Config.Config.Env {
		if value, ok := strings.CutPrefix(variable, "PATH="); ok {
			directories = value
		}
	}
	searched := strings.Split(directories, ":")
	var lesser *located // there, but not to be executed: the engine goes on looking
	for _, directory := range searched {
		at, found := c.files.follow(path.Join("/", directory, name))
		if found == nil || found.entry.kind == tar.TypeDir {
			continue
		}
		if found.entry.mode&0o111 != 0 {
			return &located{at, found}, searched
		}
		if lesser == nil {
			lesser = &located{at, found}
		}
	}
	return lesser, searched
}

// interpreter looks at the first line of a script.
func (c *Candidate) interpreter(ctx context.Context, head []byte, p *Program) error {
	line, _, _ := strings.Cut(string(head), "\n")
	p.CRLF = strings.HasSuffix(line, "\r")
	fields := strings.Fields(strings.TrimPrefix(strings.TrimSuffix(line, "\r"), "#!"))
	if len(fields) == 0 {
		p.InterpreterMissing = true
		return nil
	}
	name := fields[0]
	if path.Base(name) == "env" && len(fields) > 1 {
		if _, env := c.files.follow(name); env != nil {
			rest := fields[1:]
			for len(rest) > 1 && (strings.HasPrefix(rest[0], "-") || strings.Contains(rest[0], "=")) {
				rest = rest[1:]
			}
			name = rest[0]
		}
	}
	p.Interpreter = name
	found, _ := c.search(name)
	if found == nil || found.node.entry.kind == tar.TypeDir {
		p.InterpreterMissing = true
		return nil
	}
	p.Interpreter = found.path
	text, err := c.head(ctx, found)
	if err != nil {
		return err
	}
	p.InterpreterMachine, _ = elfHeader(text)
	return nil
}

// head reads the first bytes of a file from its layer.
func (c *Candidate) head(ctx context.Context, file *located) ([]byte, error) {
	layer := c.Layers[file.node.entry.layer]
	opened, err := c.OpenBlob(ctx, layer.Digest)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file.path, err)
	}
	defer func() { _ = opened.Close() }()
	unpacked, _, err := unpack(bufio.NewReaderSize(&contextReader{ctx, opened}, 256<<10))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file.path, err)
	}
	defer func() { _ = unpacked.Close() }()
	var head []byte
	for files := tar.NewReader(unpacked); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return head, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file.path, err)
		}
		if path.Join("/", header.Name) == file.path && header.Typeflag == tar.TypeReg {
			// A layer may hold a path twice; the last one counts, as on disk. That is rare: stop at the first.
			head, err = io.ReadAll(io.LimitReader(files, headBytes))
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", file.path, err)
			}
			return head, nil
		}
	}
}
