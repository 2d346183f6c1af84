package mockplatform_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
)

// TestEveryReadingIsSeen switches each of contract/runtime.md 16 that an image or a caller can see to both values, and
// wants to see the difference on a real function.
func TestEveryReadingIsSeen(t *testing.T) {
	web := func(spec mockplatform.FunctionSpec) mockplatform.FunctionSpec {
		spec.Type = mockplatform.HTTP
		return spec
	}
	started := func(how string) func(mockplatform.FunctionSpec) mockplatform.FunctionSpec {
		return func(spec mockplatform.FunctionSpec) mockplatform.FunctionSpec {
			spec.Environment = map[string]string{"START": how}
			return spec
		}
	}
	status := func(r mockplatform.Result) string {
		return fmt.Sprintf("%d %s", r.Status.Code, r.ErrorMessage)
	}
	seen := map[string]bool{
		"gateway-error-status": true, // in the package gateway
		"freeze-between":       true, // by TestAFrozenInstanceStandsStillBetweenRequests
	}
	for name, c := range map[string]struct {
		image string // a violator; chaos if empty
		spec  func(mockplatform.FunctionSpec) mockplatform.FunctionSpec
		see   func(t *testing.T, f *mockplatform.Function) string
		want  map[string]string // by value
	}{
		"image-port": {
			spec: func(s mockplatform.FunctionSpec) mockplatform.FunctionSpec {
				s.ImagePort, s.Environment = 8080, map[string]string{"LISTEN": "8080"}
				return s
			},
			see:  func(t *testing.T, f *mockplatform.Function) string { t.Helper(); return status(ask(t, f, "", 0)) },
			want: map[string]string{"strict": "refused", "lenient": "200 "},
		},
		"root-filesystem": {
			see: func(t *testing.T, f *mockplatform.Function) string {
				t.Helper()
				result := ask(t, f, "fill-root", 20)
				return fmt.Sprintf("%s, %d MiB in the layer, %s", result.Body, result.LayerBytes>>20, answer(t, f, "fill-tmp", 1))
			},
			want: map[string]string{"read-only": "open /fill: read-only file system, 0 MiB in the layer, all 1", "writable": "all 20, 20 MiB in the layer, all 1"},
		},
		"process-user": {
			see: func(t *testing.T, f *mockplatform.Function) string {
				t.Helper()
				_, uid, _ := strings.Cut(answer(t, f, "", 0), `"uid":`)
				return uid + " " + answer(t, f, "fill-tmp", 1)
			},
			want: map[string]string{"image": "0} all 1", "10000": "10000} all 1"},
		},
		"init-timeout": {
			spec: started("silent"),
			see:  func(t *testing.T, f *mockplatform.Function) string { t.Helper(); return status(ask(t, f, "", 0)) },
			want: map[string]string{"30s": "446 " + contract.PortBindingMessage(30*time.Second), "3s": "446 " + contract.PortBindingMessage(3*time.Second)},
		},
		"readiness-probe": {
			image: "ipv6-only",
			spec: func(s mockplatform.FunctionSpec) mockplatform.FunctionSpec {
				s.InitTimeout = 3 * time.Second
				return s
			},
			see:  func(t *testing.T, f *mockplatform.Function) string { t.Helper(); return status(ask(t, f, "", 0)) },
			want: map[string]string{"connect": "446 " + contract.PortBindingMessage(3*time.Second), "none": "443 UserCodeError"},
		},
		"oversize-status": {
			spec: web,
			see: func(t *testing.T, f *mockplatform.Function) string {
				t.Helper()
				return status(ask(t, f, "answer", 6<<20+1))
			},
			want: map[string]string{"410": "410 The HTTP response body exceeds the size limit.", "407": "407 The size of response exceeds the upper limit (6MB)"},
		},
		"response-request-id": {
			spec: web,
			see: func(t *testing.T, f *mockplatform.Function) string {
				t.Helper()
				good, _ := trigger(f, "/")
				bad, _ := trigger(f, "/?do=close")
				return fmt.Sprint(len(good.Header().Get(contract.HeaderRequestID)), len(bad.Header().Get(contract.HeaderRequestID)))
			},
			want: map[string]string{"false": "0 0", "true": "36 36"},
		},
		"client-headers": {
			spec: web,
			see: func(t *testing.T, f *mockplatform.Function) string {
				t.Helper()
				result, err := f.Do(t.Context(), mockplatform.Request{Target: "/?do=leak", Header: http.Header{"X-Scf-Remote-Addr": {"1.2.3.4"}, "X-Scf-Name": {"forged"}}})
				check(t, err)
				return fmt.Sprint(strings.Contains(string(result.Body), "1.2.3.4"), strings.Contains(string(result.Body), "forged"))
			},
			want: map[string]string{"strip": "false false", "pass-unknown": "true false"},
		},
		"non-success-answer": {
			see: func(t *testing.T, f *mockplatform.Function) string {
				t.Helper()
				return status(ask(t, f, "status", 503))
			},
			want: map[string]string{"lenient": "200 ", "strict": "443 UserCodeError"},
		},
		"web-response-line": {
			spec: web,
			see: func(t *testing.T, f *mockplatform.Function) string {
				t.Helper()
				return strconv.FormatBool(slices.Contains(platformLines(ask(t, f, "", 0).Log), "Response"))
			},
			want: map[string]string{"false": "false", "true": "true"},
		},
		"execution-role": {
			see: func(t *testing.T, f *mockplatform.Function) string {
				t.Helper()
				result := ask(t, f, "leak", 0)
				return strconv.Itoa(strings.Count(string(result.Body), "scfcertmarker"))
			},
			want: map[string]string{"true": "3", "false": "0"},
		},
		"upstream-keep-alive": {
			see: func(t *testing.T, f *mockplatform.Function) string {
				t.Helper()
				first, second := answer(t, f, "connection", 0), answer(t, f, "connection", 0)
				return fmt.Sprint(first == second, strings.HasSuffix(first, "close true"))
			},
			want: map[string]string{"true": "true false", "false": "false true"},
		},
		"billing-step": {
			see: func(t *testing.T, f *mockplatform.Function) string {
				t.Helper()
				up := func(d, step time.Duration) time.Duration { return (d + step - 1).Truncate(step) }
				for { // until the two differ
					result := ask(t, f, "sleep", 30)
					fine, coarse := up(result.Duration, time.Millisecond), up(result.Duration, 100*time.Millisecond)
					if fine != coarse {
						return map[time.Duration]string{fine: "fine", coarse: "coarse"}[result.Bill.Billed]
					}
				}
			},
			want: map[string]string{"1ms": "fine", "100ms": "coarse"},
		},
		"bill-init": {
			see: func(t *testing.T, f *mockplatform.Function) string {
				t.Helper()
				result := ask(t, f, "", 0)
				return strconv.FormatBool(result.Bill.Billed > result.ColdStart.Total())
			},
			want: map[string]string{"false": "false", "true": "true"},
		},
	} {
		seen[name] = true
		for value, want := range c.want {
			t.Run(name+"="+value, func(t *testing.T) {
				t.Parallel()
				readings := contract.DefaultReadings()
				check(t, readings.Set(name, value))
				p := openWith(t, mockplatform.Options{Readings: &readings})
				spec := mockplatform.FunctionSpec{Image: chaos(t, p), MemoryMB: 512, Timeout: 10 * time.Second}
				if c.image != "" {
					spec.Image = violator(t, p, c.image)
				}
				if c.spec != nil {
					spec = c.spec(spec)
				}
				f, err := p.Deploy(t.Context(), spec)
				got := "refused"
				if !errors.Is(err, mockplatform.ErrSpec) {
					check(t, err)
					got = c.see(t, f)
				}
				if got != want {
					t.Errorf("it is %q, want %q", got, want)
				}
			})
		}
	}
	for _, row := range contract.ReadingTable() {
		if !seen[row.Name] {
			t.Errorf("%s is not seen", row.Name)
		}
	}
}
