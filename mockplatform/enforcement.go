package mockplatform

import "github.com/scfcert/scfcert/mockplatform/contract"

// Strength tells how a limit is held.
type Strength string

// The strengths. A soft limit is looser than SCF's or only measured.
const (
	Hard Strength = "hard"
	Soft Strength = "soft"
	None Strength = "none"
)

// Enforcement tells how the limits of a function are held on this engine.
type Enforcement struct {
	Tmp, Rootfs, Memory, CPU Strength
}

// Enforcement of a function with so much memory. Where /tmp has to be a tmpfs its pages count as the function's memory:
// the memory limit is raised by its size, and both are soft for that reason.
func (p *Platform) Enforcement(memoryMB int) Enforcement {
	e := Enforcement{Tmp: Hard, Rootfs: Hard, Memory: Hard, CPU: Hard}
	switch {
	case p.readings.RootFilesystem == "writable":
		e.Tmp, e.Rootfs = Soft, Soft // the layer's size is measured after each request, and nothing holds it
	case !p.pool.OwnTmp():
		e.Tmp, e.Memory = Soft, Soft
	}
	if contract.CPUs(memoryMB) > float64(p.engine.Info().CPUs) {
		e.CPU = Soft
	}
	return e
}
