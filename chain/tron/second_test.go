package tron_test

import (
	"testing"

	"checkout/chain/tron/devnet"
)

// proxied is a second provider of the same chain.
func proxied(t *testing.T, l *lab) (url string, err error) {
	t.Helper()
	p, err := devnet.Start(t.Context(), l.Process)
	if err != nil {
		return "", err
	}
	t.Cleanup(func() { _ = p.Stop() })
	return p.URL(), nil
}
