package compare

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
)

// apart makes two samples without ties whose smaller U is the one given.
func apart(n, m, u int) (a, b []float64) {
	for k := range n {
		a = append(a, float64(k)*1000) // each of a lies below all of b, but for u pairs
	}
	for k := range m {
		b = append(b, float64(n)*1000+float64(k))
	}
	for k := n - 1; k >= 0 && u > 0; k-- { // raise the greatest of a over so many of b
		over := min(u, m)
		a[k] = float64(n)*1000 + float64(over) - 0.5 - float64(n-k)*1e-3
		u -= over
	}
	return a, b
}

// The tables are those that every textbook has: the greatest U that is significant in a two-tailed test.
func TestTheTestAgreesWithThePublishedTables(t *testing.T) {
	for _, c := range []struct {
		n, m  int
		u     int
		alpha float64
	}{
		{4, 4, 0, 0.05}, {5, 5, 2, 0.05}, {6, 6, 5, 0.05}, {7, 7, 8, 0.05}, {8, 8, 13, 0.05}, {9, 9, 17, 0.05}, {10, 10, 23, 0.05}, {12, 12, 37, 0.05}, {15, 15, 64, 0.05}, {20, 20, 127, 0.05},
		{5, 5, 0, 0.01}, {6, 6, 2, 0.01}, {7, 7, 4, 0.01}, {8, 8, 7, 0.01}, {9, 9, 11, 0.01}, {10, 10, 16, 0.01}, {12, 12, 27, 0.01}, {15, 15, 51, 0.01}, {20, 20, 105, 0.01},
		{5, 8, 6, 0.05}, {8, 5, 6, 0.05}, {5, 10, 8, 0.05}, {6, 9, 10, 0.05},
	} {
		at, above := mannWhitney(apart(c.n, c.m, c.u)), mannWhitney(apart(c.n, c.m, c.u+1))
		if at > c.alpha || above <= c.alpha {
			t.Errorf("n=%d m=%d: p is %.4f at U=%d and %.4f at U=%d, with %.2f between in the tables", c.n, c.m, at, c.u, above, c.u+1, c.alpha)
		}
	}
}

func TestTheTestAgreesWithAWorkedExample(t *testing.T) {
	// Hollander and Wolfe (1973), as in the manual of R's wilcox.test: W = 35, exact, two-sided.
	a := []float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46}
	b := []float64{1.15, 0.88, 0.90, 0.74, 1.21}
	if p := mannWhitney(a, b); math.Abs(p-0.2544) > 0.0001 {
		t.Errorf("p is %v", p)
	}
}

// byForce deals the values in every possible way.
func byForce(a, b []float64) float64 {
	all := slices.Concat(a, b)
	u := func(mask uint) int { // twice the U of the chosen, ties as half, away from its middle
		total := 0
		for i, x := range all {
			for j, y := range all {
				if mask>>i&1 == 1 && mask>>j&1 == 0 {
					switch {
					case x > y:
						total += 2
					case x == y:
						total++
					}
				}
			}
		}
		return abs(total - len(a)*len(b))
	}
	seen, far, ways := u(1<<len(a)-1), 0, 0
	for mask := range uint(1) << len(all) {
		if bits.OnesCount(mask) != len(a) {
			continue
		}
		ways++
		if u(mask) >= seen {
			far++
		}
	}
	return float64(far) / float64(ways)
}

func TestTheTestIsExactWithAndWithoutTies(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	draw := func(values int) []float64 {
		all := make([]float64, 1+random.IntN(6))
		for n := range all {
			all[n] = float64(random.IntN(values))
		}
		return all
	}
	for range 120 {
		values := []int{1, 3, 6, 1000}[random.IntN(4)]
		a, b := draw(values), draw(values)
		if got, want := mannWhitney(a, b), byForce(a, b); math.Abs(got-want) > 1e-12 {
			t.Errorf("%v and %v: p is %v, want %v", a, b, got, want)
		}
	}
}

func TestAboveTheLimitTheTestIsNearTheExactOne(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 40 {
		values := []int{5, 20, 100000}[random.IntN(3)]
		a, b := make([]float64, 30), make([]float64, 30)
		for n := range a {
			a[n], b[n] = float64(random.IntN(values)), float64(random.IntN(values))*1.2
		}
		ranks, sum := doubledRanks(a, b)
		if near, sure := approximate(ranks, len(a), sum), exact(ranks, len(a), sum); math.Abs(near-sure) > 0.005 {
			t.Errorf("p is about %v, exactly %v", near, sure)
		}
	}
	far := make([]float64, 100)
	same := make([]float64, 100)
	for n := range far {
		far[n] = 1
	}
	if p := mannWhitney(far, same); p > 1e-10 {
		t.Errorf("a hundred that are apart give %v", p)
	}
	if p := mannWhitney(same, same); p != 1 {
		t.Errorf("a hundred that are the same give %v", p)
	}
	if p := mannWhitney(nil, same); p != 1 {
		t.Errorf("nothing gives %v", p)
	}
}

func TestTheLeastPIsThatOfSamplesThatDoNotOverlap(t *testing.T) {
	for n := 1; n < 12; n++ {
		for m := 1; m < 12; m++ {
			if got, want := leastP(n, m), mannWhitney(apart(n, m, 0)); math.Abs(got-want) > 1e-12 {
				t.Errorf("n=%d m=%d: it is %v, want %v", n, m, got, want)
			}
		}
	}
}

func TestHolmAgreesWithAWorkedExample(t *testing.T) {
	got := holm([]float64{0.01, 0.04, 0.03, 0.005})
	for n, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		if math.Abs(got[n]-want) > 1e-12 {
			t.Errorf("number %d is %v, want %v", n, got[n], want)
		}
	}
	if got := holm([]float64{0.9, 0.8}); got[0] != 1 || got[1] != 1 {
		t.Errorf("it is %v: above 1", got)
	}
	if got := holm(nil); len(got) != 0 {
		t.Errorf("nothing gives %v", got)
	}
}

func TestShiftIsTheMedianOfAllDifferences(t *testing.T) {
	if got := shift([]float64{1, 2, 3}, []float64{4, 5, 7}); got != 3 {
		t.Errorf("it is %v", got)
	}
	if got := shift([]float64{1, 2}, []float64{1, 4}); got != 1 { // 0, 3, -1, 2
		t.Errorf("it is %v", got)
	}
}
