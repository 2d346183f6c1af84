package compare

import (
	"math"
	"slices"
)

// exactLimit is up to how many values of both sides together the exact distribution is counted out. It takes a few
// milliseconds there, and the normal one is close above.
const exactLimit = 60

// median is that of sorted values, of which there is at least one.
func median(sorted []float64) float64 {
	n := len(sorted)
	return sorted[(n-1)/2]/2 + sorted[n/2]/2 // in halves, for the sum could overflow
}

// shift is the Hodges-Lehmann estimate of how far the new values lie above the old ones: the median of all differences.
// Neither side is empty.
func shift(before, after []float64) float64 {
	differences := make([]float64, 0, len(before)*len(after))
	for _, b := range before {
		for _, a := range after {
			differences = append(differences, a-b)
		}
	}
	slices.Sort(differences)
	return median(differences)
}

// mannWhitney is the two-sided p-value of the Mann-Whitney U test: how likely values of one source, dealt to the sides
// by chance, give rank sums at least as far from the middle as these. It is exact, ties included, up to exactLimit.
func mannWhitney(a, b []float64) float64 {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) == 0 {
		return 1
	}
	ranks, first := doubledRanks(a, b)
	if len(ranks) <= exactLimit {
		return exact(ranks, len(a), first)
	}
	return approximate(ranks, len(a), first)
}

// doubledRanks are the ranks of all values, times two so that those of ties are whole, and their sum over a.
func doubledRanks(a, b []float64) (ranks []int, first int) {
	all := slices.Concat(a, b)
	slices.Sort(all)
	for start := 0; start < len(all); {
		end := start
		for end < len(all) && all[end] == all[start] {
			end++
		}
		rank := start + 1 + end // the first and the last rank of the ties, whose mean is half of it
		for range end - start {
			ranks = append(ranks, rank)
		}
		start = end
	}
	for _, value := range a {
		n, _ := slices.BinarySearch(all, value)
		first += ranks[n]
	}
	return ranks, first
}

// exact counts the choices of size ranks by their sum, and of these the share that is as far out as the one seen.
func exact(ranks []int, size, sum int) float64 {
	most := 0
	for _, rank := range ranks {
		most += rank
	}
	ways := make([][]float64, size+1) // by number of ranks, by sum
	for n := range ways {
		ways[n] = make([]float64, most+1)
	}
	ways[0][0] = 1
	for _, rank := range ranks {
		for n := size; n > 0; n-- {
			for s := most; s >= rank; s-- {
				ways[n][s] += ways[n-1][s-rank]
			}
		}
	}
	// The middle is size*(N+1): distances are whole.
	middle := size * (len(ranks) + 1)
	far, all := 0.0, 0.0
	for s, n := range ways[size] {
		all += n
		if abs(s-middle) >= abs(sum-middle) {
			far += n
		}
	}
	return far / all
}

func abs(n int) int { return max(n, -n) }

// approximate is the normal approximation, corrected for ties and for continuity.
func approximate(ranks []int, size, sum int) float64 {
	total, other := float64(len(ranks)), float64(len(ranks)-size)
	ties := 0.0
	for start := 0; start < len(ranks); {
		end := start
		for end < len(ranks) && ranks[end] == ranks[start] {
			end++
		}
		t := float64(end - start)
		ties += t*t*t - t
		start = end
	}
	variance := float64(size) * other / 12 * (total + 1 - ties/(total*(total-1)))
	if variance <= 0 {
		return 1 // all values are the same
	}
	distance := float64(abs(sum-size*(len(ranks)+1)))/2 - 0.5 //nolint:mnd // ranks are doubled; half a step of continuity
	return min(1, math.Erfc(max(0, distance)/math.Sqrt(2*variance)))
}

// leastP is the smallest p-value that sides of these sizes can give: all values of one above all of the other.
func leastP(n, m int) float64 {
	choices := 1.0
	for k := 1; k <= min(n, m); k++ {
		choices *= float64(max(n, m)+k) / float64(k)
	}
	return min(1, 2/choices)
}

// holm corrects p-values for their number with the method of Holm: a corrected value at most alpha is a find, and one
// false find or more has at most the chance alpha, however the values depend on each other.
func holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for n := range order {
		order[n] = n
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case ps[a] < ps[b]:
			return -1
		case ps[a] > ps[b]:
			return 1
		default:
			return 0
		}
	})
	corrected, highest := make([]float64, len(ps)), 0.0
	for n, place := range order {
		highest = max(highest, min(1, ps[place]*float64(len(ps)-n)))
		corrected[place] = highest
	}
	return corrected
}
