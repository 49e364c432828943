package coinspaid

import (
	"math/big"
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"checkout/api"
	"checkout/money"
)

// TestPlainIsExact: a number with an exponent is refused or becomes the plain decimal of exactly its value.
func TestPlainIsExact(t *testing.T) {
	number := rapid.StringMatching(`(0|[1-9][0-9]{0,22})(\.[0-9]{1,20})?([eE][-+]?[0-9]{1,2})?`)
	rapid.Check(t, func(t *rapid.T) {
		text := number.Draw(t, "number")
		got, ok := plain(api.Value{Kind: api.Number, Text: text})
		if !ok {
			return
		}
		want, _ := new(big.Rat).SetString(text)
		if value, _ := new(big.Rat).SetString(got); value.Cmp(want) != 0 || !money.CheckGrammar(got) {
			t.Fatalf("%s became %s", text, got)
		}
	})
}

// FuzzPlain wants every number of JSON, however long, refused or read exactly.
func FuzzPlain(f *testing.F) {
	for _, text := range []string{"1.0e-5", "5e-05", "1e-7", "1e18", "1E+2", "0.000e-18", "1e999999999", "-0", "12345678901234567890.123456789012345678"} {
		f.Add(text)
	}
	small := regexp.MustCompile(`^[0-9.]+([eE][-+]?0*[0-9]{1,2})?$`)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := api.ParseJSON([]byte(text))
		if err != nil || v.Kind != api.Number {
			return
		}
		got, ok := plain(v)
		if !ok {
			return
		}
		if !small.MatchString(v.Text) || !money.CheckGrammar(got) {
			t.Fatalf("%s became %s", text, got)
		}
		want, _ := new(big.Rat).SetString(v.Text)
		if value, _ := new(big.Rat).SetString(got); value.Cmp(want) != 0 {
			t.Fatalf("%s became %s", text, got)
		}
	})
}
