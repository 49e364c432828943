package money

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var (
	eur = Currency{Code: "EUR", Scale: 2, Kind: Fiat}
	jpy = Currency{Code: "JPY", Scale: 0, Kind: Fiat}
	btc = Currency{Code: "BTC", Scale: 8, Kind: Crypto}
	eth = Currency{Code: "ETH", Scale: 18, Kind: Crypto}
)

func TestGrammar(t *testing.T) {
	for _, text := range []string{
		"0", "1", "10", "0.1", "0.0", "1.50", "12345678901234567890", "99999999999999999999.999999999999999999", "0.000000000000000001",
	} {
		if !CheckGrammar(text) {
			t.Errorf("%q is refused", text)
		}
	}
	for _, text := range []string{
		"", ".", "1.", ".5", "00", "01", "-1", "+1", " 1", "1 ", "1e5", "1E5", "0x10", "1_000", "1,000", "1,5", "1.2.3", "NaN", "Inf",
		"123456789012345678901", "0.1234567890123456789", "１", "1\n", "1/2", "٣",
	} {
		if CheckGrammar(text) {
			t.Errorf("%q is accepted", text)
		}
		if _, err := Parse(eth, text); !errors.Is(err, ErrFormat) {
			t.Errorf("Parse(%q): %v", text, err)
		}
		if _, err := ParseRate(btc, eur, text); !errors.Is(err, ErrRate) {
			t.Errorf("ParseRate(%q): %v", text, err)
		}
	}
}

func TestParse(t *testing.T) {
	for _, row := range []struct {
		cur   Currency
		text  string
		minor string
		err   error
	}{
		{eur, "25.5", "2550", nil},
		{eur, "25.50", "2550", nil},
		{eur, "0", "0", nil},
		{eur, "25.500", "", ErrTooFine},
		{eur, "25.501", "", ErrTooFine},
		{jpy, "1000", "1000", nil},
		{jpy, "1000.0", "", ErrTooFine},
		{btc, "0.00000001", "1", nil},
		{btc, "21000000", "2100000000000000", nil},
		{eth, "0.000000000000000001", "1", nil},
		{eth, "9223372036854775808", "9223372036854775808000000000000000000", nil},
	} {
		a, err := Parse(row.cur, row.text)
		if !errors.Is(err, row.err) || (err == nil && a.Minor() != row.minor) {
			t.Errorf("Parse(%s, %q) is %s, %v; want %s, %v", row.cur, row.text, a.Minor(), err, row.minor, row.err)
		}
	}
}

func TestParseMinor(t *testing.T) {
	for text, want := range map[string]string{"0": "0.00", "-1": "-0.01", "2550": "25.50", "007": "0.07"} {
		a, err := ParseMinor(eur, text)
		if err != nil || a.String() != want {
			t.Errorf("%q is %s, %v", text, a, err)
		}
	}
	for _, text := range []string{"", "-", "--1", "+1", "1.0", "1e3", " 1", strings.Repeat("9", 101)} {
		if a, err := ParseMinor(eur, text); !errors.Is(err, ErrFormat) {
			t.Errorf("%q is %s, %v", text, a, err)
		}
	}
}

func TestWrittenForms(t *testing.T) {
	for _, row := range []struct {
		cur           Currency
		minor         int64
		text, plain   string
		scale         int
		rescaled      string
		places        int
		ceil, comment string
	}{
		{eur, 2550, "25.50", "25.5", 8, "25.50000000", 1, "25.50", "more decimals"},
		{eur, 2551, "25.51", "25.51", 1, "25.5", 1, "25.60", "fewer: cut, or rounded up"},
		{eur, -2551, "-25.51", "-25.51", 1, "-25.5", 1, "-25.50", "negative: both towards zero or above"},
		{eur, 0, "0.00", "0", 0, "0", 0, "0.00", "nothing"},
		{eur, 7, "0.07", "0.07", 0, "0", 0, "1.00", "less than one"},
		{eur, 2000, "20.00", "20", 2, "20.00", 2, "20.00", "whole"},
		{jpy, 1000, "1000", "1000", 8, "1000.00000000", 8, "1000", "no decimals; zeros of whole numbers stay"},
		{btc, 1_500_000, "0.01500000", "0.015", 8, "0.01500000", 4, "0.01500000", "satoshi"},
		{btc, 1_500_001, "0.01500001", "0.01500001", 4, "0.0150", 4, "0.01510000", "a satoshi more"},
	} {
		a := Units(row.cur, row.minor)
		for _, c := range []struct{ what, got, want string }{
			{"String", a.String(), row.text}, {"Plain", a.Plain(), row.plain}, {"Rescale", a.Rescale(row.scale), row.rescaled},
			{"CeilTo", a.CeilTo(row.places).String(), row.ceil},
		} {
			if c.got != c.want {
				t.Errorf("%s: %s of %d is %q, want %q", row.comment, c.what, row.minor, c.got, c.want)
			}
		}
	}
}

func TestTrimZeros(t *testing.T) {
	for text, want := range map[string]string{"106.7500": "106.75", "1.000": "1", "100": "100", "0.0": "0", "0.10": "0.1", "": ""} {
		if got := TrimZeros(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestArithmetic(t *testing.T) {
	a, b := Units(eur, 150), Units(eur, 50)
	if sum, err := a.Add(b); err != nil || sum.Minor() != "200" {
		t.Errorf("Add: %s, %v", sum, err)
	}
	if diff, err := b.Sub(a); err != nil || diff.Minor() != "-100" || diff.Sign() != -1 {
		t.Errorf("Sub: %s, %v", diff, err)
	}
	if c, err := a.Cmp(b); err != nil || c != 1 {
		t.Errorf("Cmp: %d, %v", c, err)
	}
	if !Zero(eur).Equal(Units(eur, 0)) || Zero(eur).Equal(Zero(jpy)) || a.Equal(b) {
		t.Error("Equal")
	}
	other := Units(Currency{Code: "EUR", Scale: 3, Kind: Fiat}, 150) // another scale is another currency
	_, add := a.Add(other)
	_, sub := a.Sub(other)
	_, cmp := a.Cmp(other)
	for name, err := range map[string]error{"Add": add, "Sub": sub, "Cmp": cmp} {
		if !errors.Is(err, ErrMismatch) {
			t.Errorf("%s of two currencies: %v", name, err)
		}
	}
	var none Amount
	if !none.IsZero() || none.Minor() != "0" || none.Units().Sign() != 0 {
		t.Errorf("the zero value is %s", none.Minor())
	}
}

// What goes in or comes out is a copy: nobody can change an amount.
func TestAmountsAreImmutable(t *testing.T) {
	units := big.NewInt(100)
	a := New(eur, units)
	units.SetInt64(7)
	a.Units().SetInt64(8)
	if a.Minor() != "100" {
		t.Errorf("it became %s", a.Minor())
	}
	value := big.NewRat(5, 2)
	r, err := NewRate(btc, eur, value)
	if err != nil {
		t.Fatal(err)
	}
	value.SetInt64(1)
	r.Rat().SetInt64(2)
	if r.Ratio() != "5/2" {
		t.Errorf("the rate became %s", r.Ratio())
	}
}

func anyAmount(t *rapid.T, cur Currency, label string) Amount {
	units := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, label))
	if rapid.Bool().Draw(t, label+" negative") {
		units.Neg(units)
	}
	return New(cur, units)
}

func TestWrittenIsReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cur := rapid.SampledFrom([]Currency{eur, jpy, btc, eth}).Draw(t, "currency")
		a := anyAmount(t, cur, "a")
		if back, err := ParseMinor(cur, a.Minor()); err != nil || !back.Equal(a) {
			t.Errorf("%s became %s, %v", a, back, err)
		}
		if !CheckGrammar(a.String()) {
			return // too large, or negative
		}
		for _, text := range []string{a.String(), a.Plain()} {
			if back, err := Parse(cur, text); err != nil || !back.Equal(a) {
				t.Errorf("%s became %s, %v", text, back, err)
			}
		}
	})
}

func TestSumsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyAmount(t, eth, "a"), anyAmount(t, eth, "b")
		sum, err := a.Add(b)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := sum.Sub(b); err != nil || !back.Equal(a) {
			t.Errorf("%s + %s - %s is %s, %v", a, b, b, back, err)
		}
		if c, err := sum.Cmp(a); err != nil || c != b.Sign() {
			t.Errorf("%s + %s compares %d, %v", a, b, c, err)
		}
	})
}

// CeilTo is the least multiple that is not less.
func TestCeilTo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, places := anyAmount(t, btc, "a"), rapid.IntRange(0, 8).Draw(t, "places")
		step := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(8-places)), nil)
		up := a.CeilTo(places)
		more, _ := up.Sub(a)
		if more.Sign() < 0 || more.Units().Cmp(step) >= 0 || new(big.Int).Rem(up.Units(), step).Sign() != 0 {
			t.Errorf("%s is rounded up to %s", a, up)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0", "25.50", "1e9", "-1", "0.00000001", "99999999999999999999.999999999999999999"} {
		f.Add(seed, uint8(8))
	}
	f.Fuzz(func(t *testing.T, text string, scale uint8) {
		cur := Currency{Code: "X", Scale: scale % 19, Kind: Crypto}
		a, err := Parse(cur, text)
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTooFine) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if back, err := Parse(cur, a.String()); err != nil || !back.Equal(a) || a.Sign() < 0 {
			t.Errorf("%q is %s, which is %s, %v", text, a, back, err)
		}
		if whole, _, dot := strings.Cut(text, "."); dot && !strings.HasPrefix(a.String(), whole+".") && cur.Scale > 0 {
			t.Errorf("%q is %s", text, a)
		}
	})
}
