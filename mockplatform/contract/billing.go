package contract

import "time"

// Bill is what one invocation costs (runtime.md 12, S22). The configured memory is billed, not what was used.
type Bill struct {
	// Duration of the invocation, without the initialisation.
	Duration time.Duration
	// Billed is the duration rounded up to the step in force; with the reading bill-init the initialisation is in it.
	Billed   time.Duration
	MemoryMB int
	// UsedBytes is the peak of the memory used.
	UsedBytes int64
	// GBs are gigabyte-seconds: MemoryMB/1024 × Billed in seconds.
	GBs float64
}

// NewBill makes the bill of an invocation by the readings in force (Q22).
func NewBill(duration, initialisation time.Duration, memoryMB int, usedBytes int64, r Readings) Bill {
	billed := duration
	if r.BillInit {
		billed += initialisation
	}
	if step := max(r.BillingStep, time.Millisecond); billed%step != 0 {
		billed += step - billed%step
	}
	return Bill{Duration: duration, Billed: billed, MemoryMB: memoryMB, UsedBytes: usedBytes, GBs: GBSeconds(memoryMB, billed)}
}

// GBSeconds is the resource use of a memory size over a time: 256 MB × 1760 ms = 0.44 GBs (S22).
func GBSeconds(memoryMB int, d time.Duration) float64 {
	return float64(memoryMB) / 1024 * d.Seconds() //nolint:mnd // MB in a GB
}
