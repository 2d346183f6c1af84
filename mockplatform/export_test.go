package mockplatform

import "context"

// CloseRegistry ends a platform's registry as if it had crashed.
func CloseRegistry(ctx context.Context, p *Platform) error { return p.registry.Close(ctx) }

// Dir is the directory of a platform's run.
func Dir(p *Platform) string { return p.dir }
