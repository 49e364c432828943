package qr

import (
	"errors"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"checkout/chain"
	"checkout/money"
)

func coin(code, scheme string) chain.Asset {
	return chain.Asset{
		ID: strings.ToLower(code), Scheme: scheme,
		Currency: money.Currency{Code: code, Scale: 8, Kind: money.Crypto},
	}
}

// The coins of the vectors, and their addresses (of the publicly known private key 1).
var (
	btc  = coin("BTC", "bitcoin")
	ltc  = coin("LTC", "litecoin")
	doge = coin("DOGE", "dogecoin")
	bch  = coin("BCH", "bitcoincash")
)

const (
	p2wpkh  = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	p2tr    = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"
	p2sh    = "3JvL6Ymt8MVWiCNHC7oWU6nLeHNJKLZGLN"
	ltcAddr = "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"
	dogAddr = "DFpN6QqFfUm3gKNaxN6tNcab1FArL9cZLE"
	bchAddr = "bitcoincash:qp63uahgrxged4z5jswyt5dn5v3lzsem6cy4spdc2h"
)

func amount(t testing.TB, asset chain.Asset, text string) money.Amount {
	t.Helper()
	a, err := money.Parse(asset.Currency, text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The golden strings of payment-uris.md, section 5. Wallets were tried with exactly these.
func TestURIVectors(t *testing.T) {
	for _, v := range []struct {
		asset         chain.Asset
		address, asks string
		want          string
	}{
		{btc, p2wpkh, "0.00044007", "bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4?amount=0.00044007"},
		{btc, p2tr, "1.5", "bitcoin:bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0?amount=1.5"},
		{btc, p2sh, "20.30", "bitcoin:3JvL6Ymt8MVWiCNHC7oWU6nLeHNJKLZGLN?amount=20.3"},
		{btc, p2wpkh, "0.00000001", "bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4?amount=0.00000001"},
		{btc, p2wpkh, "50", "bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4?amount=50"},
		{btc, p2wpkh, "0", "bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"},
		{btc, Upper(p2wpkh), "0.00044007", "bitcoin:BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4?amount=0.00044007"},
		{ltc, ltcAddr, "0.123456", "litecoin:ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9?amount=0.123456"},
		{ltc, ltcAddr, "1", "litecoin:ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9?amount=1"},
		{doge, dogAddr, "150.5", "dogecoin:DFpN6QqFfUm3gKNaxN6tNcab1FArL9cZLE?amount=150.5"},
		{doge, dogAddr, "1000", "dogecoin:DFpN6QqFfUm3gKNaxN6tNcab1FArL9cZLE?amount=1000"},
		{bch, bchAddr, "0.02", "bitcoincash:qp63uahgrxged4z5jswyt5dn5v3lzsem6cy4spdc2h?amount=0.02"},
		{bch, bchAddr, "1.00000001", "bitcoincash:qp63uahgrxged4z5jswyt5dn5v3lzsem6cy4spdc2h?amount=1.00000001"},
	} {
		if got := URI(v.asset, v.address, amount(t, v.asset, v.asks)); got != v.want {
			t.Errorf("%s %s\n got %s\nwant %s", v.asks, v.asset.ID, got, v.want)
		}
	}
}

func TestURIWithoutAmount(t *testing.T) {
	want := "bitcoin:" + p2wpkh
	for name, due := range map[string]money.Amount{
		"nothing":          {},
		"zero":             money.Zero(btc.Currency),
		"negative":         money.Units(btc.Currency, -1),
		"another currency": money.Units(doge.Currency, 100),
	} {
		if got := URI(btc, p2wpkh, due); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestLink(t *testing.T) {
	due := amount(t, btc, "0.00044007")
	const base = "bitcoin:" + p2wpkh
	for _, v := range []struct{ label, message, want string }{
		{
			"Café & Söhne", "Order #1001 50% off",
			base + "?amount=0.00044007&label=Caf%C3%A9%20%26%20S%C3%B6hne&message=Order%20%231001%2050%25%20off",
		},
		{"", "", base + "?amount=0.00044007"},
		{"", "a+b=c", base + "?amount=0.00044007&message=a%2Bb%3Dc"},
		{"-._~", "", base + "?amount=0.00044007&label=-._~"},
		{"a\r\nb\x00\u0085c\xff", "", base + "?amount=0.00044007&label=abc"},
		{" \t ", "", base + "?amount=0.00044007"},
		{strings.Repeat("ö", 50), "", base + "?amount=0.00044007&label=" + strings.Repeat("%C3%B6", 40)},
		{"", strings.Repeat("x", 70), base + "?amount=0.00044007&message=" + strings.Repeat("x", 60)},
	} {
		if got := Link(btc, p2wpkh, due, v.label, v.message); got != v.want {
			t.Errorf("%q, %q\n got %s\nwant %s", v.label, v.message, got, v.want)
		}
	}
	if got, want := Link(btc, p2wpkh, money.Amount{}, "Shop", ""), base+"?label=Shop"; got != want {
		t.Errorf("without an amount: got %s, want %s", got, want)
	}
}

func TestUpper(t *testing.T) {
	for address, want := range map[string]string{
		p2wpkh:  "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
		ltcAddr: "LTC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KGMN4N9",
		p2sh:    p2sh,
		dogAddr: dogAddr,
		bchAddr: bchAddr,
		"bcrt1q0xcqpzrky6eff2g52qdye53xkk9jxkvrl4xfg5": "BCRT1Q0XCQPZRKY6EFF2G52QDYE53XKK9JXKVRL4XFG5",
		"rltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kk8l6yl": "RLTC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KK8L6YL",
	} {
		if got := Upper(address); got != want {
			t.Errorf("%s: %s", address, got)
		}
	}
}

func TestParseURI(t *testing.T) {
	for text, want := range map[string]Request{
		"bitcoin:" + p2wpkh: {Scheme: "bitcoin", Address: p2wpkh},
		"BITCOIN:" + strings.ToUpper(p2wpkh) + "?AMOUNT=0.5":      {Scheme: "bitcoin", Address: strings.ToUpper(p2wpkh), Amount: "0.5"},
		"bitcoin:" + p2wpkh + "?label=a%20b+c&message=%C3%B6&x=1": {Scheme: "bitcoin", Address: p2wpkh, Label: "a b+c", Message: "ö"},
		"bitcoin:" + p2wpkh + "?":                                 {Scheme: "bitcoin", Address: p2wpkh},
		bchAddr + "?amount=1":                                     {Scheme: "bitcoincash", Address: bchAddr[len("bitcoincash:"):], Amount: "1"},
	} {
		if got, err := ParseURI(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", ":", "bitcoin", "bitcoin:", "bitcoin:?amount=1", "1x:abc", "bitcoin://" + p2wpkh, "bitcoin:a b",
		"bitcoin:abc?amount=", "bitcoin:abc?amount=1e3", "bitcoin:abc?amount=-1", "bitcoin:abc?amount=1,5", "bitcoin:abc?amount=.5",
		"bitcoin:abc?amount=1&amount=2", "bitcoin:abc?amount=1&AMOUNT=1", "bitcoin:abc?label=a&label=b",
		"bitcoin:abc?req-pop=1", "bitcoin:abc?label=%zz", "javascript:alert(1)",
	} {
		if got, err := ParseURI(text); !errors.Is(err, ErrURI) {
			t.Errorf("%q is taken for %+v, %v", text, got, err)
		}
	}
}

// R2: an amount is a plain decimal without zeros at the end, and exact.
func TestAmountFormat(t *testing.T) {
	form := regexp.MustCompile(`^(0|[1-9][0-9]*)(\.[0-9]*[1-9])?$`)
	rapid.Check(t, func(t *rapid.T) {
		scale := rapid.Uint8Range(0, 18).Draw(t, "scale")
		digits := rapid.StringMatching(`[1-9][0-9]{0,17}`).Draw(t, "units")
		units, _ := new(big.Int).SetString(digits, 10)
		asset := chain.Asset{Scheme: "bitcoin", Currency: money.Currency{Code: "X", Scale: scale, Kind: money.Crypto}}
		due := money.New(asset.Currency, units)

		r, err := ParseURI(URI(asset, p2wpkh, due))
		if err != nil {
			t.Fatal(err)
		}
		if !form.MatchString(r.Amount) {
			t.Fatalf("%s of scale %d is written %q", digits, scale, r.Amount)
		}
		if back, err := money.Parse(asset.Currency, r.Amount); err != nil || !back.Equal(due) {
			t.Fatalf("%s of scale %d is written %q, which is %s, %v", digits, scale, r.Amount, back.Minor(), err)
		}
	})
}

// R8, R9: whatever a merchant is called, the link stays one and says it back, cut to its length.
func TestLinkRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		label, message := rapid.String().Draw(t, "label"), rapid.String().Draw(t, "message")
		checkLink(t, label, message, rapid.Int64Range(0, 21e14).Draw(t, "units"))
	})
}

type fataler interface{ Fatalf(string, ...any) }

func checkLink(t fataler, label, message string, units int64) {
	due := money.Units(btc.Currency, units)
	text := Link(btc, p2wpkh, due, label, message)
	r, err := ParseURI(text)
	if err != nil {
		t.Fatalf("%q, %q: %s: %v", label, message, text, err)
	}
	if r.Scheme != "bitcoin" || r.Address != p2wpkh || (r.Amount != "") != (units > 0) {
		t.Fatalf("%s reads as %+v", text, r)
	}
	if r.Label != clean(label, maxLabel) || utf8.RuneCountInString(r.Label) > maxLabel {
		t.Fatalf("the label %q reads as %q", label, r.Label)
	}
	if r.Message != clean(message, maxMessage) || utf8.RuneCountInString(r.Message) > maxMessage {
		t.Fatalf("the message %q reads as %q", message, r.Message)
	}
	if strings.ContainsAny(text, " +\r\n\"<>'") {
		t.Fatalf("%q is not encoded", text)
	}
}

func FuzzLink(f *testing.F) {
	f.Add("Café & Söhne", "Order #1001 50% off", int64(44_007))
	f.Add("&amount=0.1", "?amount=1#x", int64(0))
	f.Add("\xff\x00\u202e", "%41%zz+", int64(1))
	f.Fuzz(func(t *testing.T, label, message string, units int64) {
		checkLink(t, label, message, max(units, 0))
	})
}

// What is read can be written again and read as the same.
func FuzzParseURI(f *testing.F) {
	f.Add("bitcoin:" + p2wpkh + "?amount=0.00044007&label=a%20b&message=c")
	f.Add(bchAddr + "?amount=1")
	f.Add("BITCOIN:X?AMOUNT=1&req-x=")
	f.Add("a:b?&&=&amount=99999999999999999999.000000000000000001")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseURI(text)
		if err != nil {
			if !errors.Is(err, ErrURI) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		written := r.Scheme + ":" + r.Address + "?label=" + escape(r.Label) + "&message=" + escape(r.Message)
		if r.Amount != "" {
			written += "&amount=" + r.Amount
		}
		if again, err := ParseURI(written); err != nil || again != r {
			t.Fatalf("%q is %+v; %q is %+v, %v", text, r, written, again, err)
		}
	})
}
