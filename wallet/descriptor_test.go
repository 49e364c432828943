package wallet

import (
	"strings"
	"testing"
)

// BIP380, "Test Vectors": checksums.
func TestDescriptorChecksum(t *testing.T) {
	for _, v := range []struct {
		text  string
		valid bool
	}{
		{"raw(deadbeef)#89f8spxm", true},
		{"raw(deadbeef)", false},
		{"raw(deadbeef)#", false},
		{"raw(deadbeef)#89f8spxmx", false},
		{"raw(deadbeef)#89f8spx", false},
		{"raw(deedbeef)#89f8spxm", false},
		{"raw(deadbeef)##9f8spxm", false},
		{"raw(Ü)#00000000", false},
	} {
		body, given, _ := strings.Cut(v.text, "#")
		sum, ok := descriptorChecksum(body)
		if got := ok && sum == given; got != v.valid {
			t.Errorf("%s: valid is %t", v.text, got)
		}
	}
}

// A checksum of two groups and a rest, and of every length of the rest.
func TestDescriptorChecksumLengths(t *testing.T) {
	seen := map[string]string{}
	for n := range 12 {
		body := strings.Repeat("0", n)
		sum, ok := descriptorChecksum(body)
		if !ok || len(sum) != 8 {
			t.Fatalf("%q: %q, %t", body, sum, ok)
		}
		if other, twice := seen[sum]; twice {
			t.Errorf("%q and %q have the same checksum", body, other)
		}
		seen[sum] = body
	}
}

func TestParseOrigin(t *testing.T) {
	for text, want := range map[string]string{
		"deadbeef":            "deadbeef",
		"DEADBEEF/0h/0'/0":    "deadbeef/0h/0h/0",
		"deadbeef/2147483647": "deadbeef/2147483647",
		"deadbeef/00h":        "deadbeef/0h",
	} {
		if got, err := parseOrigin(text); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
	}
}
