package samplefunctions_test

import (
	"flag"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	samplefunctions "github.com/scfcert/scfcert/sample-functions"
	"github.com/scfcert/scfcert/suite"
)

var repeat = flag.Int("repeat", 2, "how often TestTheSameImageGetsTheSameVerdict certifies each image; make soak takes 20")

// TestTheSameImageGetsTheSameVerdict certifies a good and a bad image again and again, in random order.
func TestTheSameImageGetsTheSameVerdict(t *testing.T) {
	violators := samplefunctions.Violators()
	at := slices.IndexFunc(violators, func(v samplefunctions.Violator) bool { return v.Name == "writes-rootfs" })
	images := map[string]suite.Options{"good": {}, "bad": options(t, violators[at], programs(t))}
	var order []string
	for name := range images {
		order = append(order, slices.Repeat([]string{name}, *repeat)...)
	}
	seed := rand.Uint64()
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(order), func(a, b int) { order[a], order[b] = order[b], order[a] })
	t.Logf("seed %d", seed)
	first := map[string]map[string]string{}
	for n, name := range order {
		certified := certify(t, images[name])
		got := map[string]string{"verdict": string(certified.Verdict), "fault": certified.Fault}
		for _, q := range certified.Requirements {
			got[q.ID] = string(q.Outcome) + " " + string(q.Reason) + " " + q.Because
		}
		if first[name] == nil {
			first[name] = got
		}
		if !maps.Equal(got, first[name]) {
			show(t, certified)
			t.Errorf("run %d, of the %s image, differs from its first one", n+1, name)
		}
	}
	if first["good"]["verdict"] == first["bad"]["verdict"] {
		t.Errorf("both are %s", first["good"]["verdict"])
	}
}
