//go:build !linux

package sandbox

import (
	"context"
	"errors"
)

type tmpDir struct{ path string }

func newTmpDir(context.Context, string, int) (*tmpDir, error) {
	return nil, errors.New("file systems for /tmp can be made on Linux only")
}

func (*tmpDir) visibleTo(int) error          { return errors.ErrUnsupported }
func (*tmpDir) usage() (int64, int64, error) { return 0, 0, errors.ErrUnsupported }
func (*tmpDir) fill() (func() error, error)  { return nil, errors.ErrUnsupported }
func (*tmpDir) unmount() error               { return nil }
