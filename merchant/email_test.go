package merchant

import (
	"strings"
	"testing"
)

func TestEmail(t *testing.T) {
	for _, good := range []string{
		"kim@example.com", "k.i+m@sub.example.co", "o'brien@shop.example", "a&b@shop.example", "1@2.3", strings.Repeat("a", 64) + "@" + strings.Repeat("b", 63) + ".example",
	} {
		if !Email(good) {
			t.Errorf("%q refused", good)
		}
	}
	for _, bad := range []string{
		"", "kim", "@example.com", "kim@", "kim@example", "kim@.com", "a b@example.com", "kim@example.com,x@y.zz", "kim@exa\nmple.com", ".kim@example.com",
		"kim@@example.com", strings.Repeat("x", 65) + "@example.com", "x@" + strings.Repeat("y", 250) + ".com", "kim@example.com?bcc=x", "kim@-example.com", `"kim"@example.com`,
	} {
		if Email(bad) {
			t.Errorf("%q taken", bad)
		}
	}
}
