//go:build !embedded

package program

import (
	"embed"
	"io/fs"
)

func embedded() fs.FS { return embed.FS{} }
