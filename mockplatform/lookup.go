package mockplatform

import (
	"context"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// Target names a function as the cloud API's callers do (contract/runtime.md 8.1).
type Target struct {
	Namespace string // default "default"
	Name      string
	Qualifier string // a version; default "$LATEST", which "$DEFAULT" means too
}

// Lookup finds a deployed function. Without one the status is 435 FunctionNotFound, or 442 QualifierNotFound where only
// the version is missing; else it is 200.
func (p *Platform) Lookup(target Target) (*Function, contract.Status) {
	namespace, qualifier := orElse(target.Namespace, "default"), orElse(target.Qualifier, latest)
	if qualifier == "$DEFAULT" {
		qualifier = latest
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	status := contract.StatusFunctionNotFound
	for _, f := range p.functions {
		if f.spec.Namespace != namespace || f.spec.Name != target.Name {
			continue
		}
		if f.spec.Version == qualifier {
			return f, contract.StatusSuccess
		}
		status = contract.StatusQualifierNotFound
	}
	return nil, status
}

// Invoke sends an event to the function that is named; what Lookup does not find is a Result with its status.
func (p *Platform) Invoke(ctx context.Context, target Target, event []byte) (Result, error) {
	f, status := p.Lookup(target)
	if f == nil {
		id, err := NewRequestID()
		return Result{RequestID: id, Started: time.Now(), Status: status, ErrorMessage: status.Message()}, err
	}
	return f.Invoke(ctx, event)
}
