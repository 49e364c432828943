package qr

import (
	"math/big"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"checkout/chain"
	"checkout/money"
)

var (
	decimalStyle = regexp.MustCompile(`^(0|[1-9][0-9]*)(\.[0-9]*[1-9])?$`)
	integerStyle = regexp.MustCompile(`^[1-9][0-9]*$`)
	exponent     = regexp.MustCompile(`[0-9][eE][+-]?[0-9]`)
)

// emitted are all texts of a payment that some wallet reads.
func emitted(p Payment) []string {
	list := []string{p.URI(), p.Link("Café & Söhne", "Order #1001 50% off"), p.TrustLink(), p.metaMask("")}
	for _, text := range p.Texts() {
		list = append(list, text.Content)
	}
	for _, w := range p.Wallets("https://pay.example.com/i/7K3M9Q2X5T8V4B6N") {
		list = append(list, w.Href)
	}
	return list
}

// anyPayment draws a payment of 1 to 10^25 smallest units in an asset of the catalogue.
func anyPayment(t *rapid.T, assets []chain.Asset, r *chain.Registry) Payment {
	a := rapid.SampledFrom(assets).Draw(t, "asset")
	n, _ := r.Network(a.Network)
	units, _ := new(big.Int).SetString(rapid.StringMatching(`[1-9][0-9]{0,24}`).Draw(t, "units"), 10)
	p := Payment{Network: n, Asset: a, Address: addressOf(a.Network), Due: money.New(a.Currency, units), Upper: rapid.Bool().Draw(t, "upper")}
	if n.Tag != "" && rapid.Bool().Draw(t, "tagged") {
		p.Tag = "1234567"
	}
	return p
}

// TestItem2Amounts: 10,000 random amounts are written as plain decimals or as plain whole numbers, and mean the same.
func TestItem2Amounts(t *testing.T) {
	r := chain.Catalogue()
	assets := r.Assets()
	checked := 0
	for checked < 10_000 {
		rapid.Check(t, func(t *rapid.T) {
			p := anyPayment(t, assets, r)
			for _, text := range emitted(p) {
				checked += checkAmounts(t, p, text)
			}
		})
	}
}

// checkAmounts holds the amounts in a text against the payment and counts them.
func checkAmounts(t *rapid.T, p Payment, text string) int {
	_, query, _ := strings.Cut(text, "?")
	n := 0
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		whole := key == "value" || key == "uint256" || (key == "amount" && strings.HasPrefix(text, "ton:"))
		if !whole && key != "amount" {
			continue
		}
		n++
		if whole {
			if !integerStyle.MatchString(value) || value != p.Due.Minor() {
				t.Fatalf("%s of %s %s", text, p.Due.Minor(), p.Asset.ID)
			}
			continue
		}
		units, ok := new(big.Rat).SetString(value)
		want := new(big.Rat).SetFrac(p.Due.Units(), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(p.Asset.Currency.Scale)), nil))
		if !decimalStyle.MatchString(value) || !ok || units.Cmp(want) != 0 {
			t.Fatalf("%s of %s %s", text, p.Due.Minor(), p.Asset.ID)
		}
	}
	return n
}

// TestItem3Characters: no exponent, comma, plus, space or upper-case scheme, and never a private dialect's scheme.
func TestItem3Characters(t *testing.T) {
	r := chain.Catalogue()
	assets := r.Assets()
	schemes := map[string]bool{
		"bitcoin": true, "litecoin": true, "dogecoin": true, "bitcoincash": true, "ethereum": true, "tron": true, "ripple": true, "solana": true,
		"ton": true, "https": true, "okx": true, "tronlinkoutside": true,
	}
	rapid.Check(t, func(t *rapid.T) {
		p := anyPayment(t, assets, r)
		for _, text := range emitted(p) {
			if strings.ContainsAny(text, ",+ \"<>\r\n") {
				t.Fatalf("%q", text)
			}
			base, query, _ := strings.Cut(text, "?")
			if exponent.MatchString(regexp.MustCompile(`(address|asset|spl-token|jetton)=[^&]*`).ReplaceAllString(query, "")) && strings.Contains(query, "amount=") {
				t.Fatalf("an exponent in %s", text)
			}
			if scheme, _, ok := strings.Cut(base, ":"); ok && !schemes[scheme] {
				t.Fatalf("the scheme of %s", text)
			}
			if strings.HasPrefix(text, "ethereum:") && !strings.Contains(text, "@") {
				t.Fatalf("%s names no chain", text)
			}
		}
	})
}

// TestItem5Labels: what a shop is called comes back as it is, cut to forty characters, without its line breaks.
func TestItem5Labels(t *testing.T) {
	for _, label := range []string{"A & B", "a=b", "a+b", "50% off", "#1", "☕️ Café 🚀", "مقهى أكمي", "a\nb\r\nc", strings.Repeat("é", 70), "-._~!$'()*,;:@/?[]"} {
		p := payment(t, "btc", p2wpkh, "0.00044007", "")
		text := p.Link(label, "")
		u, err := url.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		want := clean(label, maxLabel)
		if got := u.Query().Get("label"); got != want || len([]rune(got)) > 40 || strings.ContainsAny(got, "\r\n") {
			t.Errorf("%q comes back as %q from %s", label, got, text)
		}
		if p.URI() != "bitcoin:"+p2wpkh+"?amount=0.00044007" || strings.Contains(p.Texts()[0].Content, "label") {
			t.Errorf("the code carries the label: %s", p.Texts()[0].Content)
		}
	}
}
