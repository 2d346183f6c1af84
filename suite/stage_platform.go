package suite

import (
	"context"
	"fmt"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/image"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
	"github.com/scfcert/scfcert/suite/check"
)

// probeSpec is a function of the built-in probe. Its memory is small, so that it takes little of the machine.
func probeSpec(name string, candidate *image.Candidate) mockplatform.FunctionSpec {
	return mockplatform.FunctionSpec{Name: "probe-" + name, Image: candidate, MemoryMB: 512} //nolint:mnd // MB
}

// probe has the built-in sample look at the platform from inside, in two invocations of one instance.
func (r *runner) probe(ctx context.Context) error {
	candidate, err := samplefunctions.Resolve(ctx, r.platform, BuiltIn, nil)
	if err != nil {
		return err
	}
	return r.deployed(ctx, probeSpec("event", candidate), func(f *mockplatform.Function) error {
		p := &r.observed.Probe
		p.Environment = f.BuiltInEnvironment()
		for _, result := range []*mockplatform.Result{&p.First, &p.Second} {
			saw, err := r.askProbe(ctx, f, result)
			if err != nil || result.Status.Code != contract.StatusSuccess.Code {
				return fmt.Errorf("the built-in probe does not run on this engine: %d %s: %s (%w)", result.Status.Code, result.Status.Name, result.ErrorMessage, err)
			}
			if result == &p.First {
				p.Saw = saw
			}
		}
		return nil
	})
}

// restOfPlatform has the built-in sample look at the rest of it.
func (r *runner) restOfPlatform(ctx context.Context) error {
	candidate, err := samplefunctions.Resolve(ctx, r.platform, BuiltIn, nil)
	if err != nil {
		return err
	}
	p := &r.observed.Probe
	web := probeSpec("http", candidate)
	web.Type = mockplatform.HTTP
	err = r.deployed(ctx, web, func(f *mockplatform.Function) error {
		request, want := probeRequest()
		p.Request = want
		result, err := f.Do(ctx, request)
		if err != nil {
			return err //nolint:wrapcheck // it says all
		}
		if p.SawRequest, err = check.ParseReport(result.Body); err != nil {
			return fmt.Errorf("the built-in probe: %w", err)
		}
		if p.Unauthorized, err = f.TryPull(ctx, "", ""); err != nil {
			return err //nolint:wrapcheck // it says all
		}
		p.Wrong, err = f.TryPull(ctx, "tmp-nobody", "wrong")
		return err //nolint:wrapcheck // it says all
	})
	if err != nil {
		return err
	}
	accelerated := probeSpec("accelerated", candidate)
	accelerated.Accelerate = true
	err = r.deployed(ctx, accelerated, func(f *mockplatform.Function) error {
		before := f.Transfers().Requests
		result, err := f.InvokeBy(ctx, mockplatform.Timer, probeEvent(nil))
		if err != nil {
			return err //nolint:wrapcheck // it says all
		}
		if result.ColdStart != nil {
			p.Accelerated = *result.ColdStart
		}
		p.AcceleratedRequests = f.Transfers().Requests - before
		p.Timed, err = check.ParseReport(result.Body)
		return err //nolint:wrapcheck // names itself
	})
	if err != nil {
		return err
	}
	provisioned := probeSpec("provisioned", candidate)
	provisioned.Version = "1"
	return r.deployed(ctx, provisioned, func(f *mockplatform.Function) error {
		if err := f.Provision(ctx, 1); err != nil {
			return err //nolint:wrapcheck // it says all
		}
		var err error
		p.Provisioned, err = f.Invoke(ctx, probeEvent(nil))
		return err //nolint:wrapcheck // it says all
	})
}
