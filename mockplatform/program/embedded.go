//go:build embedded

package program

import (
	"embed"
	"io/fs"
)

//go:embed embedded/*
var files embed.FS

func embedded() fs.FS {
	sub, err := fs.Sub(files, "embedded")
	if err != nil {
		panic(err) // the name is a constant
	}
	return sub
}
