package store

import "testing"

func TestOlder(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want bool
	}{
		{"3.51.2", "3.51.3", true}, {"3.51.3", "3.51.3", false}, {"3.52.0", "3.51.3", false}, {"3.9.9", "3.51.3", true}, {"4.0.0", "3.51.3", false}, {"garbage", "3.51.3", true},
	} {
		if got := older(row.a, row.b); got != row.want {
			t.Errorf("%s is older than %s: %v", row.a, row.b, got)
		}
	}
}
