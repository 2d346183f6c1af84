package samplefunctions

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"path"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/image"
)

// spec is what a violator's image is made of.
type spec struct {
	below, files []image.File // two layers; the lower one only where it has files
	config       v1.Config
	architecture string
	zeros        int64 // bytes of a file on top, which take no room in a registry
	zstd         bool
	manifestType types.MediaType
}

func (s spec) image() (v1.Image, error) {
	var layers []v1.Layer
	add := func(layer v1.Layer, err error) error {
		layers = append(layers, layer)
		return err
	}
	if len(s.below) > 0 {
		if err := add(image.NewLayer(s.below...)); err != nil {
			return nil, err //nolint:wrapcheck // it says all
		}
	}
	pack := image.NewLayer
	if s.zstd {
		pack = image.NewZstdLayer
	}
	if err := add(pack(s.files...)); err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	if s.zeros > 0 {
		if err := add(zeros(s.zeros)); err != nil {
			return nil, err
		}
	}
	img, err := image.FromLayers(s.architecture, s.config, layers...)
	if err == nil && s.manifestType != "" {
		img = mutate.MediaType(img, s.manifestType)
	}
	return img, err //nolint:wrapcheck // it says all
}

// zeros is a layer of one file that holds nothing but zeros.
func zeros(size int64) (v1.Layer, error) {
	var packed bytes.Buffer
	packer, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed) // a valid level
	archive := tar.NewWriter(packer)
	err := archive.WriteHeader(&tar.Header{Name: "model.bin", Mode: 0o644, Typeflag: tar.TypeReg, Size: size})
	block := make([]byte, 1<<20)
	for left := size; left > 0 && err == nil; left -= int64(len(block)) {
		_, err = archive.Write(block[:min(left, int64(len(block)))])
	}
	if err == nil {
		err = archive.Close()
	}
	if err == nil {
		err = packer.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("make a large layer: %w", err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil })
	if err != nil {
		return nil, fmt.Errorf("make a large layer: %w", err)
	}
	return layer, nil
}

// noise is text that does not compress, the same every time.
func noise(size int) string {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // no secret
	text := make([]byte, size)
	for n := range text {
		text[n] = byte('!' + random.IntN('~'-'!')) //nolint:gosec // printable
	}
	return string(text)
}

// fromSecondStart gives a function a variable from its second start on.
func fromSecondStart(function, variable string) *mockplatform.Tampering {
	var mu sync.Mutex
	starts := 0
	return &mockplatform.Tampering{Environment: func(name string, env []string) []string {
		mu.Lock()
		defer mu.Unlock()
		if name != function {
			return env
		}
		if starts++; starts == 1 {
			return env
		}
		return append(env, variable)
	}}
}

// The functions with which a certification looks at the platform.
const (
	probeEvent       = "probe-event"
	probeHTTP        = "probe-http"
	probeAccelerated = "probe-accelerated"
	probeProvisioned = "probe-provisioned"
)

// platformViolators are the good image on a platform with a fault.
func platformViolators() []Violator {
	tampered := func(name, fault, requirement string, reason diagnose.Code, tamper mockplatform.Tampering) Violator {
		return violating("none", fault, requirement, reason).with(func(s *Setup) { s.Tamper = &tamper }).named(name)
	}
	request := func(function string, change func(*mockplatform.TamperedRequest)) mockplatform.Tampering {
		return mockplatform.Tampering{Request: func(name string, r *mockplatform.TamperedRequest) {
			if name == function {
				change(r)
			}
		}}
	}
	result := func(function string, change func(*mockplatform.Result)) mockplatform.Tampering {
		return mockplatform.Tampering{Result: func(name string, r *mockplatform.Result) {
			if name == function {
				change(r)
			}
		}}
	}
	deployed := func(function string, change func(*mockplatform.FunctionSpec)) mockplatform.Tampering {
		return mockplatform.Tampering{Spec: func(s *mockplatform.FunctionSpec) {
			if s.Name == function {
				change(s)
			}
		}}
	}
	return []Violator{
		tampered("platform-open-registry", "the registry gives images to anybody", "platform.credential", diagnose.PlatformCredential, mockplatform.Tampering{OpenRegistry: true}),
		tampered("platform-no-uin", "TENCENTCLOUD_UIN is not set", "environment.variables", diagnose.PlatformEnvironment, mockplatform.Tampering{Environment: func(name string, env []string) []string {
			var kept []string
			for _, variable := range env {
				if name != probeEvent || !strings.HasPrefix(variable, contract.EnvUin+"=") {
					kept = append(kept, variable)
				}
			}
			return kept
		}}),
		tampered("platform-no-header", "X-Scf-Uin is not sent", "headers.common", diagnose.PlatformHeaders, request(probeEvent, func(r *mockplatform.TamperedRequest) { r.Header.Del(contract.HeaderUin) })),
		tampered("platform-no-trigger", "X-Scf-Trigger-Src is not sent with a timer's event", "headers.trigger-source", diagnose.PlatformTrigger, request(probeAccelerated, func(r *mockplatform.TamperedRequest) { r.Header.Del(contract.HeaderTriggerSrc) })),
		tampered("platform-forged-header", "a client's X-Scf-Name gets through", "headers.client", diagnose.PlatformClient, request(probeHTTP, func(r *mockplatform.TamperedRequest) {
			r.Header = r.Header.Clone()
			r.Header[contract.HeaderName] = r.Client[contract.HeaderName]
		})),
		tampered("platform-cleans-path", "the path of a request is tidied up", "http.pass-through", diagnose.PlatformPassThrough, request(probeHTTP, func(r *mockplatform.TamperedRequest) {
			where, query, _ := strings.Cut(r.Target, "?")
			r.Target = path.Clean(where) + "?" + query
		})),
		tampered("platform-writable-root", "the root file system can be written", "platform.limits", diagnose.PlatformLimits, deployed(probeEvent, func(s *mockplatform.FunctionSpec) { s.WritableRoot = true })),
		tampered("platform-loses-output", "stderr is not filed", "logs.collected", diagnose.PlatformLogs, result(probeEvent, func(r *mockplatform.Result) {
			var kept []mockplatform.LogLine
			for _, line := range r.Log {
				if line.Source != mockplatform.FromStderr {
					kept = append(kept, line)
				}
			}
			r.Log = kept
		})),
		tampered("platform-no-acceleration", "image acceleration does nothing", "platform.acceleration", diagnose.PlatformAcceleration, deployed(probeAccelerated, func(s *mockplatform.FunctionSpec) { s.Accelerate = false })),
		tampered("platform-not-provisioned", "the first request meets a cold start", "platform.provisioned", diagnose.PlatformProvisioned, result(probeProvisioned, func(r *mockplatform.Result) { r.ColdStart = &mockplatform.ColdStart{} })),
		tampered("platform-bills-wrong", "a bill is a GBs too high", "platform.billing", diagnose.PlatformBilling, result(probeEvent, func(r *mockplatform.Result) { r.Bill.GBs++ })),
	}
}
