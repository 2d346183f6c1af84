package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"

	"github.com/scfcert/scfcert/mockplatform/engine"
)

// InspectImage looks up an image; engine.ErrImageNotFound if the engine does not hold it.
func (e *Engine) InspectImage(ctx context.Context, ref string) (engine.Image, error) {
	found, err := e.client.ImageInspect(ctx, ref)
	if cerrdefs.IsNotFound(err) {
		return engine.Image{}, fmt.Errorf("%w: %s", engine.ErrImageNotFound, ref)
	}
	if err != nil {
		return engine.Image{}, fmt.Errorf("inspect image %s: %w", ref, broken(err))
	}
	return engine.Image{
		ID: found.ID, Tags: found.RepoTags, RepoDigests: found.RepoDigests,
		Architecture: found.Architecture, OS: found.Os, SizeBytes: found.Size,
	}, nil
}

// SaveImage streams an image as a docker-save archive.
func (e *Engine) SaveImage(ctx context.Context, id string) (io.ReadCloser, error) {
	stream, err := e.client.ImageSave(ctx, []string{id})
	if cerrdefs.IsNotFound(err) {
		return nil, fmt.Errorf("%w: %s", engine.ErrImageNotFound, id)
	}
	if err != nil {
		return nil, fmt.Errorf("save image %s: %w", id, broken(err))
	}
	return stream, nil
}

// LoadImage loads a docker-save archive.
func (e *Engine) LoadImage(ctx context.Context, archive io.Reader) error {
	answer, err := e.client.ImageLoad(ctx, archive, client.ImageLoadWithQuiet(true))
	if err != nil {
		return fmt.Errorf("load image: %w", broken(err))
	}
	defer func() { _ = answer.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer, 64<<10))
	if err != nil {
		return fmt.Errorf("load image: %w", broken(err))
	}
	if strings.Contains(string(text), `"errorDetail"`) {
		return fmt.Errorf("load image: engine says %s", text)
	}
	return nil
}

// PullImage pulls a reference by tag. By tag, because an engine asks nobody about a digest that it holds already.
func (e *Engine) PullImage(ctx context.Context, ref string, credential engine.Credential, progress func(engine.PullProgress)) error {
	auth, err := authconfig.Encode(registry.AuthConfig{Username: credential.Username, Password: credential.Password})
	if err != nil {
		return fmt.Errorf("encode credential for %s: %w", ref, err)
	}
	stream, err := e.client.ImagePull(ctx, ref, client.ImagePullOptions{RegistryAuth: auth})
	if err != nil {
		return pullError(ref, broken(err))
	}
	defer func() { _ = stream.Close() }()
	layers := map[string]engine.PullProgress{}
	for message, err := range stream.JSONMessages(ctx) {
		if err != nil {
			return pullError(ref, broken(err))
		}
		if message.Error != nil {
			return pullError(ref, message.Error)
		}
		if progress == nil || message.Progress == nil || message.Status != "Downloading" {
			continue
		}
		layers[message.ID] = engine.PullProgress{DoneBytes: message.Progress.Current, TotalBytes: message.Progress.Total}
		var sum engine.PullProgress
		for _, layer := range layers {
			sum.DoneBytes += layer.DoneBytes
			sum.TotalBytes += layer.TotalBytes
		}
		progress(sum)
	}
	return nil
}

// pullError sorts the engine's words into the sentinels.
func pullError(ref string, err error) error {
	text := err.Error()
	contains := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(text, part) {
				return true
			}
		}
		return false
	}
	switch {
	case errors.Is(err, engine.ErrUnavailable):
		return fmt.Errorf("pull %s: %w", ref, err)
	case contains("no space left on device"):
		return fmt.Errorf("pull %s: %w", ref, broken(err))
	case contains("unexpected EOF", "connection reset by peer"):
		return fmt.Errorf("%w: it broke off: %s: %w", engine.ErrRegistryUnreachable, ref, err)
	case contains("connection refused", "no such host", "i/o timeout", "network is unreachable", "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("%w: %s: %w", engine.ErrRegistryUnreachable, ref, err)
	case contains("unauthorized", "denied", "manifest unknown", "not found", "no matching manifest"):
		return fmt.Errorf("%w: %s: %w", engine.ErrPullRefused, ref, err)
	default:
		return fmt.Errorf("pull %s: %w", ref, err)
	}
}
