package chain

import (
	"encoding/hex"
	"strings"
	"testing"
)

// The addresses and X-addresses of XLS-5d and of the reference implementation's tests (xrpl-codec).
func TestXRPAddresses(t *testing.T) {
	for _, v := range []struct{ classic, tag, main, test string }{
		{"rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf", "", "XVLhHMPHU98es4dbozjVtdWzVrDjtV5fdx1mHp98tDMoQXb", "TVE26TYGhfLC7tQDno7G8dGtxSkYQn49b3qD26PK7FcGSKE"},
		{"rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf", "0", "XVLhHMPHU98es4dbozjVtdWzVrDjtV8AqEL4xcZj5whKbmc", "TVE26TYGhfLC7tQDno7G8dGtxSkYQnSy8RHqGHoGJ59spi2"},
		{"rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf", "1", "XVLhHMPHU98es4dbozjVtdWzVrDjtV8xvjGQTYPiAx6gwDC", "TVE26TYGhfLC7tQDno7G8dGtxSkYQnSz1uDimDdPYXzSpyw"},
		{"rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf", "4294967295", "XVLhHMPHU98es4dbozjVtdWzVrDjtV18pX8yuPT7y4xaEHi", "TVE26TYGhfLC7tQDno7G8dGtxSkYQnXoy6kSDh6rZzApc69"},
	} {
		account, ok := ParseXRPAddress(v.classic)
		if !ok || XRPAddress(account) != v.classic {
			t.Fatalf("%s is %x, %v", v.classic, account, ok)
		}
		for main, text := range map[bool]string{true: v.main, false: v.test} {
			if got, ok := XAddress(account, v.tag, main); !ok || got != text {
				t.Errorf("%s with %q is %s, want %s", v.classic, v.tag, got, text)
			}
			a, tag, is, ok := ParseXAddress(text)
			if !ok || a != account || tag != v.tag || is != main {
				t.Errorf("%s is %s with %q, main %v, %v", text, XRPAddress(a), tag, is, ok)
			}
		}
	}
	zero, ok := ParseXRPAddress("rrrrrrrrrrrrrrrrrrrrrhoLvTp") // ACCOUNT_ZERO
	if !ok || hex.EncodeToString(zero[:]) != strings.Repeat("00", 20) {
		t.Errorf("the account of zeros is %x, %v", zero, ok)
	}
	for name, text := range map[string]string{
		"a typing error": "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpe", "an X-address": "XVLhHMPHU98es4dbozjVtdWzVrDjtV5fdx1mHp98tDMoQXb",
		"a letter it has not": "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYp0", "one of Bitcoin": "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "nothing": "", "too short": "rGWrZyQqhTp9Xu7G5Pkay",
	} {
		if a, ok := ParseXRPAddress(text); ok {
			t.Errorf("%s is taken for %x", name, a)
		}
	}
	for name, text := range map[string]string{
		"a typing error": "XVLhHMPHU98es4dbozjVtdWzVrDjtV5fdx1mHp98tDMoQXc", "a classic one": "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf", "nothing": "",
	} {
		if a, tag, _, ok := ParseXAddress(text); ok {
			t.Errorf("%s is taken for %x with %q", name, a, tag)
		}
	}
	for _, tag := range []string{"-1", "4294967296", "x", "1.0"} {
		if text, ok := XAddress(zero, tag, true); ok {
			t.Errorf("the tag %q makes %s", tag, text)
		}
	}
}

func FuzzXRPAddress(f *testing.F) {
	f.Add("rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf")
	f.Add("XVLhHMPHU98es4dbozjVtdWzVrDjtV18pX8yuPT7y4xaEHi")
	f.Fuzz(func(t *testing.T, text string) {
		if a, ok := ParseXRPAddress(text); ok && XRPAddress(a) != text {
			t.Fatalf("%q is read as %s", text, XRPAddress(a))
		}
		if a, tag, main, ok := ParseXAddress(text); ok {
			if again, ok := XAddress(a, tag, main); !ok || again != text {
				t.Fatalf("%q is read as %s", text, again)
			}
		}
	})
}

func TestSharedAddresses(t *testing.T) {
	for _, v := range [][3]string{{"rX", "", "rX"}, {"rX", "12", "rX#12"}} {
		text := Shared(v[0], v[1])
		address, tag := Unshared(text)
		if text != v[2] || address != v[0] || tag != v[1] {
			t.Errorf("%q with %q is %q, and that %q with %q", v[0], v[1], text, address, tag)
		}
	}
}
