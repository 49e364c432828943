package chain

import (
	"strings"
	"testing"
)

// Addresses with their hex form, as the issuers of the tokens and TRON's documentation publish them.
func TestTronAddresses(t *testing.T) {
	for text, hex := range map[string]string{
		"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t": "41a614f803b6fd780986a42c78ec9c7f77e6ded13c",
		"TEkxiTehnzSmSe2XqrBj4w32RUN966rdz8": "413487b63d30b5b2c87fb7ffa8bcfade38eaac1abe",
		"T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb": "410000000000000000000000000000000000000000",
	} {
		account, ok := ParseTronAddress(text)
		if !ok || TronHex(account) != hex || TronAddress(account) != text {
			t.Errorf("%s is %s, %v, want %s", text, TronHex(account), ok, hex)
		}
		if again, ok := ParseTronHex(hex); !ok || again != account {
			t.Errorf("%s is %x, %v", hex, again, ok)
		}
	}
	for name, text := range map[string]string{
		"a typing error": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u", "too short": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6", "hex": "41a614f803b6fd780986a42c78ec9c7f77e6ded13c",
		"one of Bitcoin": "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "small letters": "tr7nhqjekqxgtci8q8zy4pl8otszgjlj6t", "a letter base58 has not": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj0t", "nothing": "",
	} {
		if account, ok := ParseTronAddress(text); ok {
			t.Errorf("%s is taken for %x", name, account)
		}
	}
	for _, text := range []string{"", "41", "42a614f803b6fd780986a42c78ec9c7f77e6ded13c", "41a614f803b6fd780986a42c78ec9c7f77e6ded13", "41z614f803b6fd780986a42c78ec9c7f77e6ded13c"} {
		if account, ok := ParseTronHex(text); ok {
			t.Errorf("%q is taken for %x", text, account)
		}
	}
}

func FuzzTronAddress(f *testing.F) {
	f.Add("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")
	f.Add("T" + strings.Repeat("1", 33))
	f.Fuzz(func(t *testing.T, text string) {
		if account, ok := ParseTronAddress(text); ok && TronAddress(account) != text {
			t.Fatalf("%q is read as %s", text, TronAddress(account))
		}
	})
}
