package serve

import "context"

// Recycle makes the first function cold.
func Recycle(ctx context.Context, s *Server) error {
	v, _ := s.functions[0].state()
	return v.function.Recycle(ctx)
}

// Instances is how many instances the first function has.
func Instances(s *Server) int {
	v, _ := s.functions[0].state()
	return len(v.function.InstanceStates())
}
