package main

import "context"

type demoCmd struct{}

// Run serves the demo.
func (demoCmd) Run(ctx context.Context, s *Settings, out *console) error { return nil }
