package mockplatform_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/engine"
	"github.com/scfcert/scfcert/mockplatform/engine/docker/reap"
	"github.com/scfcert/scfcert/mockplatform/engine/enginetest"
)

// try invokes a function that need not succeed.
func try(t *testing.T, f *mockplatform.Function, do string, n int) (mockplatform.Result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return f.Invoke(ctx, fmt.Appendf(nil, `{"do":%q,"n":%d}`, do, n))
}

// TestAnEngineThatRefusesIsNoFaultOfTheImage has the engine refuse what it is asked, as engines were recorded to. The
// result is an error of the platform's, 500 for an HTTP caller, and the next invocation of another function works.
func TestAnEngineThatRefusesIsNoFaultOfTheImage(t *testing.T) {
	proxy := enginetest.NewProxy(t)
	p := openWith(t, mockplatform.Options{Host: proxy.Host})
	image := chaos(t, p)
	const full = "write /var/lib/docker/tmp/GetImageBlob1: no space left on device"
	for name, c := range map[string]struct {
		method, path string
		message      string
		stream       bool
		want         error
	}{
		"a pull on a full disk":      {http.MethodPost, "/images/create$", full, true, engine.ErrDiskFull},
		"a container on a full disk": {http.MethodPost, "/containers/create$", full, false, engine.ErrDiskFull},
		"a start on a full disk":     {http.MethodPost, "/containers/.*/start$", full, false, engine.ErrDiskFull},
		"a container":                {http.MethodPost, "/containers/create$", "Conflict. The container name is already in use", false, nil},
		"an attachment":              {http.MethodPost, "/containers/.*/attach$", "attach to container", false, nil}, // the client drops the text
		"a start":                    {http.MethodPost, "/containers/.*/start$", "cgroups: cgroup mountpoint does not exist: unknown", false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			other := deploy(t, p, mockplatform.FunctionSpec{Name: "other", Image: image, MemoryMB: 512})
			f := deploy(t, p, mockplatform.FunctionSpec{Image: image, MemoryMB: 512})
			web := deploy(t, p, mockplatform.FunctionSpec{Image: image, Type: mockplatform.HTTP, MemoryMB: 512})
			if c.stream {
				message := fmt.Sprintf(`{"errorDetail":{"message":%q},"error":%q}`, c.message, c.message)
				proxy.Stream(c.method, c.path, message)
				proxy.Stream(c.method, c.path, message)
			} else {
				proxy.Answer(c.method, c.path, -1, http.StatusInternalServerError, c.message)
			}
			result, err := try(t, f, "", 0)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.message) {
				t.Errorf("the invocation gives %d %q, %v", result.Status.Code, result.ErrorMessage, err)
			}
			if answer, _ := trigger(web, "/"); answer.Code != http.StatusInternalServerError || answer.Body.String() != `{"errorMessage":"InternalError","statusCode":500}` {
				t.Errorf("the HTTP trigger answers %d %s", answer.Code, answer.Body)
			}
			proxy.Restore()
			if got := ask(t, other, "", 0); got.Status.Code != http.StatusOK {
				t.Errorf("another function gives %d %q", got.Status.Code, got.ErrorMessage)
			}
			if got := ask(t, f, "", 0); got.Status.Code != http.StatusOK {
				t.Errorf("once the engine is well the function gives %d %q", got.Status.Code, got.ErrorMessage)
			}
			check(t, errors.Join(f.Close(t.Context()), other.Close(t.Context()), web.Close(t.Context())))
		})
	}
}

// TestAnEngineThatDisappears breaks every connection to the engine in the middle of something.
func TestAnEngineThatDisappears(t *testing.T) {
	proxy := enginetest.NewProxy(t)
	p, err := mockplatform.Open(t.Context(), mockplatform.Options{Host: proxy.Host})
	check(t, err)
	t.Cleanup(func() {
		_ = p.Close(t.Context()) // it may know of containers that are gone
		proxy.AwaitGone(t)
	})
	image := chaos(t, p)
	for name, c := range map[string]struct {
		do     string
		n      int
		during string // a path of the engine's; empty: the request
	}{
		"in a pull":                 {"", 0, "/images/create$"},
		"in a start":                {"", 0, "/containers/.*/start$"},
		"in a request":              {"sleep", 1000, ""},
		"in a stream of output":     {"write", 32, ""},
		"while a request would die": {"exit", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := deploy(t, p, mockplatform.FunctionSpec{Image: image, MemoryMB: 512, Timeout: 10 * time.Second})
			if c.during == "" {
				ask(t, f, "", 0)
			}
			var wait sync.WaitGroup
			if c.during != "" {
				proxy.Before(http.MethodPost, c.during, proxy.Cut)
			} else {
				wait.Go(func() {
					running(t, f)
					proxy.Cut()
				})
			}
			result, err := try(t, f, c.do, c.n)
			wait.Wait()
			if err == nil && result.Status.Code != http.StatusOK && result.Status.Code != 439 {
				t.Errorf("it ends with %d %q", result.Status.Code, result.ErrorMessage)
			}
			if err == nil && result.Status.Code == 439 && c.do != "exit" {
				t.Error("the function is said to have exited")
			}
			if c.during == "" && err == nil && !result.LogLost {
				t.Error("the log is said to be whole")
			}
			proxy.Restore()
			other := deploy(t, p, mockplatform.FunctionSpec{Name: "other", Image: image, MemoryMB: 512})
			for _, one := range []*mockplatform.Function{other, f} {
				if got := ask(t, one, "", 0); got.Status.Code != http.StatusOK || output(got, mockplatform.FromStdout) != "stdout of "+got.RequestID+"\n" {
					t.Errorf("once the engine is back %s gives %d %q", one.Spec().Name, got.Status.Code, got.ErrorMessage)
				}
			}
		})
	}
}

// TestASandboxThatDies: the namespace lives on with the function in it.
func TestASandboxThatDies(t *testing.T) {
	eng := enginetest.Open(t)
	p := openWith(t, mockplatform.Options{Engine: eng})
	f := deploy(t, p, mockplatform.FunctionSpec{Image: chaos(t, p), MemoryMB: 512})
	ask(t, f, "", 0)
	cli, err := client.New(client.FromEnv)
	check(t, err)
	defer func() { _ = cli.Close() }()
	sandboxes, err := cli.ContainerList(t.Context(), client.ContainerListOptions{
		Filters: client.Filters{}.Add("label", reap.LabelRun+"="+eng.Run(), reap.LabelRole+"=sandbox"),
	})
	check(t, err)
	for _, box := range sandboxes.Items { // those in stock too
		_, err := cli.ContainerKill(t.Context(), box.ID, client.ContainerKillOptions{Signal: "KILL"})
		check(t, err)
	}
	if got := ask(t, f, "", 0); got.Status.Code != http.StatusOK || got.ColdStart != nil {
		t.Errorf("the function gives %d %q, cold start %v", got.Status.Code, got.ErrorMessage, got.ColdStart != nil)
	}
	for _, result := range together(t, f, "sleep 500", "sleep 500", "sleep 500") { // which needs new ones
		if result.Status.Code != http.StatusOK {
			t.Errorf("status %d %q", result.Status.Code, result.ErrorMessage)
		}
	}
}

// TestARegistryThatDisappears during a pull is a fault of the platform's.
func TestARegistryThatDisappears(t *testing.T) {
	proxy := enginetest.NewProxy(t)
	p := openWith(t, mockplatform.Options{Host: proxy.Host})
	f := deploy(t, p, mockplatform.FunctionSpec{Image: unseen(t, p), MemoryMB: 512})
	proxy.Before(http.MethodPost, "/images/create$", func() { check(t, mockplatform.CloseRegistry(t.Context(), p)) })
	result, err := try(t, f, "", 0)
	if !errors.Is(err, engine.ErrRegistryUnreachable) {
		t.Errorf("it gives %d %q, %v", result.Status.Code, result.ErrorMessage, err)
	}
}

// TestACredentialThatExpiresIsRenewed has the clock go on between the issue of a credential and its use.
func TestACredentialThatExpiresIsRenewed(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	proxy := enginetest.NewProxy(t)
	p := openWith(t, mockplatform.Options{Host: proxy.Host, CredentialTTL: time.Minute, Clock: clock})
	f := deploy(t, p, mockplatform.FunctionSpec{Image: unseen(t, p), MemoryMB: 256})
	pass := func() {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(2 * time.Minute)
	}
	seen := 0
	for range 2 { // at first, and in the middle of a scale-out
		proxy.Before(http.MethodPost, "/images/create$", pass)
		for _, result := range together(t, f, "", "") {
			if result.Status.Code != http.StatusOK {
				t.Errorf("status %d %q", result.Status.Code, result.ErrorMessage)
			}
		}
		refused := f.Transfers().Refusals
		if len(refused) <= seen {
			t.Error("no pull was refused")
		}
		for _, one := range refused[seen:] {
			if one.Reason != "the temporary credential has expired; request a new one" {
				t.Errorf("a pull was refused: %s", one.Reason)
			}
		}
		seen = len(refused)
		check(t, f.Recycle(t.Context()))
	}
}

// TestEverySoftPlaceWorks: where we are not root beside the engine, limits are loose and output ends with a quiet
// window, and everything else is the same.
func TestEverySoftPlaceWorks(t *testing.T) {
	for name, local := range map[string]bool{"a user without root": true, "another machine's process": false} {
		t.Run(name, func(t *testing.T) {
			p := openWith(t, mockplatform.Options{Engine: enginetest.SeenFrom(enginetest.Open(t), local, false), Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
			if got := p.Enforcement(128); got != (mockplatform.Enforcement{Tmp: mockplatform.Soft, Rootfs: mockplatform.Hard, Memory: mockplatform.Soft, CPU: mockplatform.Hard}) {
				t.Errorf("enforcement is %+v", got)
			}
			image := chaos(t, p)
			f := deploy(t, p, mockplatform.FunctionSpec{Image: image, MemoryMB: 128, Timeout: 30 * time.Second})
			for n := range 5 {
				result := ask(t, f, "", 0)
				if result.Status.Code != http.StatusOK || (result.ColdStart != nil) != (n == 0) || result.PeakBytes == 0 {
					t.Errorf("status %d %q, cold start %v, %d bytes", result.Status.Code, result.ErrorMessage, result.ColdStart != nil, result.PeakBytes)
				}
				for _, source := range []mockplatform.Source{mockplatform.FromStdout, mockplatform.FromStderr} {
					if got := output(result, source); got != string(source)+" of "+result.RequestID+"\n" {
						t.Errorf("%s is %q", source, got)
					}
				}
			}
			if got := answer(t, f, "fill-tmp", 600); !strings.HasPrefix(got, "after 512: ") || !strings.Contains(got, "no space left on device") {
				t.Errorf("/tmp is full %s", got)
			}
			row{434, "Task memory exceeded 128 MB", yes()}.holds(t, f, ask(t, f, "eat", 4096))
			spec := mockplatform.FunctionSpec{Image: violator(t, p, "loopback-only"), InitTimeout: 3 * time.Second}
			row{446, strings.Replace(portText, "6000", "3000", 1), nil}.holds(t, f, ask(t, deploy(t, p, spec), "", 0))
		})
	}
}

// TestAnImageThatHasGoneAfterItsPullIsPulledAgain has somebody else remove the image between the pull and its use.
func TestAnImageThatHasGoneAfterItsPullIsPulledAgain(t *testing.T) {
	proxy := enginetest.NewProxy(t)
	p := openWith(t, mockplatform.Options{Host: proxy.Host})
	f := deploy(t, p, mockplatform.FunctionSpec{Name: "pulled-again", Image: chaos(t, p), MemoryMB: 256})
	docker, err := client.New(client.FromEnv)
	check(t, err)
	defer func() { _ = docker.Close() }()
	removed := 0
	proxy.Before(http.MethodGet, "/images/.*pulled-again.*/json$", func() {
		images, err := docker.ImageList(t.Context(), client.ImageListOptions{})
		check(t, err)
		for _, image := range images.Items {
			for _, tag := range image.RepoTags {
				if strings.Contains(tag, "/pulled-again-") {
					_, err := docker.ImageRemove(t.Context(), tag, client.ImageRemoveOptions{Force: true})
					check(t, err)
					removed++
				}
			}
		}
	})
	if result := ask(t, f, "", 0); result.Status.Code != http.StatusOK || removed != 1 {
		t.Errorf("%d images were removed, and the invocation gives %d %q", removed, result.Status.Code, result.ErrorMessage)
	}
}
