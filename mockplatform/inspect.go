package mockplatform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/engine"
	"github.com/scfcert/scfcert/mockplatform/instance"
)

// ErrNotVisible means that something can be seen or done only by root beside a local engine.
var ErrNotVisible = engine.ErrNotVisible

// InstanceUsage is what an instance holds at a moment.
type InstanceUsage = instance.Usage

// ErrNoInstance means that the function has no instance to look at.
var ErrNoInstance = errors.New("the function has no instance")

// InstanceUsage looks at the function's instances. It is ErrNotVisible where that is not possible.
func (f *Function) InstanceUsage(ctx context.Context) ([]InstanceUsage, error) {
	var all []InstanceUsage
	for _, i := range f.scheduler.Instances() {
		u, err := i.Usage(ctx)
		if err != nil {
			return nil, err //nolint:wrapcheck // the room names itself
		}
		all = append(all, u)
	}
	return all, nil
}

// Connect makes so many bare connections to an instance, one after the other, as a health check by TCP would, and closes
// each without a request.
func (f *Function) Connect(ctx context.Context, times int) error {
	instances := f.scheduler.Instances()
	if len(instances) == 0 {
		return ErrNoInstance
	}
	for range times {
		if err := instances[0].Connect(ctx); err != nil {
			return err //nolint:wrapcheck // the room names itself
		}
	}
	return nil
}

// FillTmp fills /tmp of every instance to its last block; the result gives the room back. It is ErrNotVisible where that
// cannot be done.
func (f *Function) FillTmp() (free func() error, err error) {
	var frees []func() error
	free = func() error {
		var errs []error
		for _, one := range frees {
			errs = append(errs, one())
		}
		return errors.Join(errs...)
	}
	for _, i := range f.scheduler.Instances() {
		one, err := i.FillTmp()
		if err != nil {
			return nil, errors.Join(err, free())
		}
		frees = append(frees, one)
	}
	return free, nil
}

// AwaitExit waits so long for the end of an instance that nobody uses. It tells the evidence if the end came.
func (f *Function) AwaitExit(ctx context.Context, within time.Duration) (diagnose.Evidence, bool) {
	instances := f.scheduler.Instances()
	if len(instances) == 0 {
		return diagnose.Evidence{}, false
	}
	limit := time.NewTimer(within)
	defer limit.Stop()
	select {
	case <-instances[0].Exited():
		return instances[0].Ended(ctx), true
	case <-limit.C:
	case <-ctx.Done():
	}
	return diagnose.Evidence{}, false
}

// Kill ends the function's instances at once, as a crash would. It returns when they have gone.
func (f *Function) Kill(ctx context.Context) error {
	var errs []error
	for _, i := range f.scheduler.Instances() {
		errs = append(errs, i.Kill(ctx))
		select {
		case <-i.Exited():
		case <-ctx.Done():
			errs = append(errs, ctx.Err())
		}
	}
	return errors.Join(errs...)
}

// Headers are the common headers that every request carries, without its id. The credentials are hashes, as a probe tells
// them (docs/probe-protocol.md).
func (f *Function) Headers() map[string]string {
	headers := map[string]string{}
	for _, field := range contract.Headers() {
		values := f.headers[field.Name]
		if len(values) == 0 {
			continue
		}
		headers[field.Name] = values[0]
		if field.Credential {
			sum := sha256.Sum256([]byte(values[0]))
			headers[field.Name] = "sha256:" + hex.EncodeToString(sum[:])
		}
	}
	return headers
}

// Environment is what the platform puts into the process: the built-in variables and the function's own.
func (f *Function) Environment() map[string]string {
	variables := f.BuiltInEnvironment()
	maps.Copy(variables, f.spec.Environment)
	return variables
}

// TryPull asks the registry for the function's image as an engine would, and tells the status of the refusal, or 200.
// Without a user name no credential is shown.
func (f *Function) TryPull(ctx context.Context, username, password string) (status int, err error) {
	address := "http://" + f.platform.registry.Address()
	token := ""
	if username != "" {
		answer, err := f.ask(ctx, address+"/token?scope=repository:"+f.repository+":pull", func(r *http.Request) { r.SetBasicAuth(username, password) })
		if err != nil {
			return 0, err
		}
		defer func() { _ = answer.Body.Close() }()
		var given struct {
			Token string `json:"token"`
		}
		if answer.StatusCode != http.StatusOK || json.NewDecoder(answer.Body).Decode(&given) != nil {
			return answer.StatusCode, nil
		}
		token = given.Token
	}
	answer, err := f.ask(ctx, address+"/v2/"+f.repository+"/manifests/"+imageTag, func(r *http.Request) {
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
	})
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close() //nolint:wrapcheck // a close of our own
}

func (f *Function) ask(ctx context.Context, url string, prepare func(*http.Request)) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("ask the registry: %w", err)
	}
	prepare(request)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the registry: %w", err)
	}
	return answer, nil
}

// Leaks names the credentials of the platform's headers that a text holds, whole or in part.
func (p *Platform) Leaks(text string) []string { return p.secrets.found(text) }

// Changes lists what the function's instances changed outside mounts. It means something with WritableRoot.
func (f *Function) Changes(ctx context.Context) ([]diagnose.Change, error) {
	var changes []diagnose.Change
	for _, i := range f.scheduler.Instances() {
		found, err := i.Changes(ctx)
		if err != nil {
			return nil, err //nolint:wrapcheck // the engine names what failed
		}
		changes = append(changes, found...)
	}
	return changes, nil
}
