package wallet_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"checkout/chain"
	"checkout/wallet"
)

// Every index of a shared address has a tag of its own; the tags do not count.
func TestSharedAddresses(t *testing.T) {
	network, _ := chain.Catalogue().Network("xrp")
	const address = "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf"
	a, err := wallet.NewAccount(rand.Reader, "m", network, address)
	if err != nil {
		t.Fatal(err)
	}
	if shared, ok := wallet.SharedAddress(a.Identity); !ok || shared != address || a.Identity != wallet.SharedIdentity(address) {
		t.Errorf("its identity is %q", a.Identity)
	}
	same, err := wallet.NewAccount(rand.Reader, "m", network, "XVLhHMPHU98es4dbozjVtdWzVrDjtV5fdx1mHp98tDMoQXb")
	if err != nil || same.Identity != a.Identity || same.Descriptor != a.Descriptor {
		t.Errorf("its X-address is another account: %+v, %v", same, err)
	}
	var book wallet.Book
	seen, steps := map[string]bool{}, 0
	last := ""
	for index := range uint32(10_000) {
		text, err := book.Derive(a, index)
		if errors.Is(err, wallet.ErrNoAddress) {
			continue
		}
		shared, tag := chain.Unshared(text)
		if err != nil || shared != address || tag == "" || tag == "0" || seen[tag] {
			t.Fatalf("index %d is %q, %v", index, text, err)
		}
		if len(tag) == len(last) && tag > last {
			steps++
		}
		seen[tag], last = true, tag
	}
	if steps > 9000 {
		t.Error("the tags count upwards")
	}
	for name, text := range map[string]string{
		"a tag":             "XVLhHMPHU98es4dbozjVtdWzVrDjtV8AqEL4xcZj5whKbmc",
		"a test network":    "TVE26TYGhfLC7tQDno7G8dGtxSkYQn49b3qD26PK7FcGSKE",
		"a typing error":    "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpe",
		"an xpub":           "xpub6DCoCpSuQZB2jawqnGMEPS63ePKWkwWPH4TU45Q7LPXWuNd8TMtVxRrgjtEshuqpK3mdhaWHPFsBngh5GFZaM6si3yZdUsT8ddYM3PwnATt",
		"nothing":           "",
		"an address of EVM": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
	} {
		if _, err := wallet.NewAccount(rand.Reader, "m", network, text); !errors.Is(err, wallet.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := wallet.NewAccount(rand.Reader, "m", network, strings.Repeat("ab", 32)); !errors.Is(err, wallet.ErrPrivateKey) {
		t.Errorf("a private key: %v", err)
	}
	for text, want := range map[string]string{address: address, " " + address: address, "XVLhHMPHU98es4dbozjVtdWzVrDjtV8AqEL4xcZj5whKbmc": "XVLhHMPHU98es4dbozjVtdWzVrDjtV8AqEL4xcZj5whKbmc"} {
		if got, err := wallet.ParseAddress(network, text); err != nil || got != want {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
}

// Addresses of Tron, and what comes near to them.
func TestParseTronAddress(t *testing.T) {
	network, _ := chain.Catalogue().Network("tron")
	if got, err := wallet.ParseAddress(network, " TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t "); err != nil || got != "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t" {
		t.Errorf("it is %q, %v", got, err)
	}
	for name, text := range map[string]string{
		"a typing error": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u", "hex": "41a614f803b6fd780986a42c78ec9c7f77e6ded13c", "nobody's": "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb",
		"one of Ethereum": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "nothing": "",
	} {
		if got, err := wallet.ParseAddress(network, text); !errors.Is(err, wallet.ErrAddress) {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
}

// An address without a key: each index is one payer's, and no permanent address comes of it.
func TestOneAddressForAll(t *testing.T) {
	for id, address := range map[string]string{"ethereum": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "tron": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"} {
		network, _ := chain.Catalogue().Network(id)
		a, err := wallet.NewAccount(rand.Reader, "m", network, strings.ToLower(address[:2])+address[2:])
		if id == "tron" {
			a, err = wallet.NewAccount(rand.Reader, "m", network, address)
		}
		if err != nil {
			t.Fatal(err)
		}
		if shared, ok := wallet.SharedAddress(a.Identity); !ok || shared != address {
			t.Errorf("its identity is %q", a.Identity)
		}
		var book wallet.Book
		seen := map[string]bool{}
		for index := range uint32(100) {
			text, err := book.Derive(a, index)
			shown, _ := chain.Unshared(text)
			if err != nil || shown != address || !chain.IsExact(text) || seen[text] {
				t.Fatalf("index %d is %q, %v", index, text, err)
			}
			seen[text] = true
		}
		if chain.IsExact(address) || chain.IsExact(chain.Shared("r", "12")) {
			t.Error("another kind of address is taken for one")
		}
	}
}
