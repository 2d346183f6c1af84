package suite

import (
	"context"
	"errors"
	"fmt"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
	"github.com/scfcert/scfcert/suite/report"
)

// lookAtImage fetches what can be seen without running the image.
func (r *runner) lookAtImage(ctx context.Context) error {
	candidate, err := samplefunctions.Resolve(ctx, r.platform, r.opts.Image, r.progress)
	if err != nil {
		return err //nolint:wrapcheck // it says all that the user needs
	}
	o := &r.observed
	o.Candidate, o.MemoryMB = candidate, r.opts.MemoryMB
	if o.MemoryMB == 0 {
		o.MemoryMB = contract.DefaultMemoryMB(candidate.UncompressedBytes)
	}
	config := candidate.Config.Config
	o.Argv, o.ArgvError = contract.ResolveArgv(r.opts.Command, r.opts.Args, config.Entrypoint, config.Cmd)
	if o.ArgvError == nil {
		if o.Program, err = candidate.Program(ctx, o.Argv.Words); err != nil {
			return fmt.Errorf("look at the start program: %w", err)
		}
		user := ""
		if o.Readings.ProcessUser != "image" {
			user = o.Readings.ProcessUser
		}
		if o.Denied, err = candidate.Denied(ctx, o.Argv.Words, o.Program, user); err != nil {
			return fmt.Errorf("look at the start files: %w", err)
		}
		o.InTmp = candidate.InTmp(o.Argv.Words, o.Program)
	}
	o.Wasted, o.WastedBytes = candidate.Wasted()
	o.Caches = candidate.Caches()
	r.describeImage()
	return nil
}

func (r *runner) describeImage() {
	o, out := &r.observed, &r.report
	words := o.Argv.Words
	first := min(len(words), 1)
	out.Image = report.Image{
		Reference: out.Image.Reference, Source: string(o.Candidate.Source), Digest: o.Candidate.Digest.String(), DigestKind: o.Candidate.DigestKind,
		MediaType: string(o.Candidate.MediaType), Architecture: o.Candidate.Architecture, CompressedBytes: o.Candidate.CompressedBytes,
		Estimated: o.Candidate.Estimated, UncompressedBytes: o.Candidate.UncompressedBytes,
		Command: append([]string{}, words[:first]...), Args: append([]string{}, words[first:]...),
	}
	out.Function.MemoryMB = o.MemoryMB
	info, strength := r.platform.Engine(), r.platform.Enforcement(o.MemoryMB)
	out.Engine = report.Engine{Name: info.Name, Version: info.Version, Enforcement: report.Enforcement{
		Tmp: string(strength.Tmp), Rootfs: string(strength.Rootfs), Memory: string(strength.Memory), CPU: string(strength.CPU),
	}}
	r.margin("image size", float64(o.Candidate.UncompressedBytes), contract.MaxImageBytes, "bytes")
}

// margin notes how much of a limit was used.
func (r *runner) margin(name string, used, limit float64, unit string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Margins = append(r.report.Margins, report.Margin{Name: name, Used: used, Limit: limit, Unit: unit})
}

// spec is the function as the user described it. The name tells the functions of a certification apart.
func (r *runner) spec(name string, kind mockplatform.Type) mockplatform.FunctionSpec {
	spec := mockplatform.FunctionSpec{
		Name: "candidate-" + name, Type: kind, Image: r.observed.Candidate, Command: r.opts.Command, Args: r.opts.Args,
		Environment: r.opts.Environment, MemoryMB: r.observed.MemoryMB, Timeout: r.opts.Timeout, InitTimeout: r.opts.InitTimeout,
	}
	readings := r.observed.Readings
	readings.UpstreamKeepAlive = readings.UpstreamKeepAlive && !r.closing
	spec.Readings = &readings
	return spec
}

// deployed deploys a function, has something done with it, and takes it away again.
func (r *runner) deployed(ctx context.Context, spec mockplatform.FunctionSpec, do func(*mockplatform.Function) error) error {
	f, err := r.platform.Deploy(ctx, spec)
	if err != nil {
		return err //nolint:wrapcheck // it says all
	}
	return errors.Join(do(f), f.Close(ctx))
}
