package templates

import (
	"bytes"
	"strings"
	"testing"

	"checkout/chain"
	"checkout/money"
	"checkout/qr"
	"checkout/web/texts"
)

// samplePay is one kind of payment details. The addresses are published test vectors: nobody may ever send anything to them.
type samplePay struct {
	asset, address, tag, amount, approx string
	injected                            bool
}

const (
	sampleEVM  = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
	sampleTron = "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC"
	sampleXRP  = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"
)

// samplePays are the kinds of payment details beyond Bitcoin's, by the name of their preview.
func samplePays() map[string]samplePay {
	return map[string]samplePay{
		"pay-usdt-tron":  {"usdt-tron", sampleTron, "", "25.5", "25.50 USD", true},
		"pay-usdt-erc20": {"usdt-ethereum", sampleEVM, "", "25.5", "25.50 USD", true},
		"pay-usdt-bsc":   {"usdt-bsc", sampleEVM, "", "1250", "1250.00 USD", false},
		"pay-usdc-base":  {"usdc-base", sampleEVM, "", "25.5", "25.50 USD", false},
		"pay-xrp-tag":    {"xrp", sampleXRP, "1234567", "11.384", "25.50 USD", false},
		"pay-eth":        {"eth", sampleEVM, "", "0.008215", "25.50 USD", true},
		"pay-any":        {"usdt-polygon", sampleEVM, "", "", "", false},
	}
}

// previewViews are the views and the kinds of payment details, in the order of the contact sheet.
func previewViews() []string {
	list := append(sampleViews(), "offline", "exchange", "pay-usdt-tron", "pay-usdt-erc20", "pay-usdt-bsc", "pay-usdc-base", "pay-xrp-tag", "pay-eth", "pay-any")
	return append(append(list, offerViews()...), tillViews()...)
}

// previewPageIn is the sample of a view or of a kind of payment details.
func previewPageIn(t *texts.Lang, name string) Page {
	switch name {
	case "offline": // shown by the script alone; see previewHandler
		return samplePageIn(t, "waiting")
	case "exchange":
		p := samplePageIn(t, "waiting")
		p.Live.Pay.Arrives, p.Live.Pay.Wallets, p.Live.Pay.QR = sum(t, p.Live.Pay.Amount, p.Live.Pay.Coin), Wallets{}, sampleQR(sampleAddress, false)
		return p
	}
	sample, ok := samplePays()[name]
	if !ok {
		return samplePageIn(t, name)
	}
	p := samplePageIn(t, "waiting")
	p.Test = false
	fillPay(t, &p.Live, sample)
	return p
}

// fillPay shows a kind of payment details as the handlers do.
func fillPay(t *texts.Lang, l *Live, sample samplePay) {
	r := chain.Catalogue()
	asset, _ := r.Asset(sample.asset)
	network, _ := r.Network(asset.Network)
	ask := qr.Payment{Network: network, Asset: asset, Address: sample.address, Tag: sample.tag}
	if sample.amount != "" {
		due, err := money.Parse(asset.Currency, sample.amount)
		if err != nil {
			panic(err)
		}
		ask.Due = due
	}
	code := sampleQR(ask.Texts()[0].Content, false)
	if len(ask.Texts()) > 1 && sample.amount != "" {
		for _, kind := range []qr.Kind{qr.KindAddress, qr.KindURI, qr.KindTag} {
			if text := ask.Text(kind); text.Kind == kind {
				code.Tabs = append(code.Tabs, Tab{Amount: kind == qr.KindURI, Tag: kind == qr.KindTag, Href: "?qr=" + string(kind), Current: text == ask.Texts()[0]})
			}
		}
	}
	l.PaymentURI = ask.URI()
	l.Said.Coin, l.Said.Due = asset.Currency.Code, sample.amount
	l.Method = &Method{Coin: asset.Currency.Code, Name: asset.Name, Network: network.Name, On: network.ID, Change: "?m=change"}
	l.Pay = &Pay{
		Amount: sample.amount, Coin: asset.Currency.Code, Network: network.Name, Approx: sample.approx, Address: sample.address,
		Shared: network.Family == chain.FamilyEVM, Fee: network.Coin, ByHand: ask.ByHand(), QR: code,
	}
	if sample.tag != "" {
		l.Pay.Tag = &Tag{Value: sample.tag}
	}
	for _, w := range ask.Wallets("https://pay.example.com/i/7K3M9Q2X5T8V4B6N7K3M9Q2X5T") {
		l.Pay.Wallets.Named = append(l.Pay.Wallets.Named, Wallet{w.ID, w.Name, w.Href})
	}
	if len(l.Pay.Wallets.Named) == 0 {
		l.Pay.Wallets.Open = ask.Link("Acme Coffee", "Order 1001")
	} else {
		l.Pay.Wallets.Other = ask.URI()
	}
	if sample.injected {
		l.Pay.Injected = &Injected{Family: string(network.Family), Tx: "{}", To: sample.address[:6] + "…" + sample.address[len(sample.address)-4:], Hint: "/hint"}
	}
}

// Every kind of payment details is drawn in every language, as valid as the views.
func TestEveryKindOfPayment(t *testing.T) {
	for _, l := range texts.All() {
		for name, sample := range samplePays() {
			var b bytes.Buffer
			if err := PageView(previewPageIn(l, name)).Render(texts.With(t.Context(), l), &b); err != nil {
				t.Fatal(err)
			}
			page := b.String()
			for _, never := range []string{"[pay.", "[wallet.", "[qr.", "{coin}", "{network}", "{merchant}", "{amount}", "about:invalid", "templ: "} {
				if strings.Contains(page, never) {
					t.Errorf("%s, %s: %s", l.Tag, name, never)
				}
			}
			for part, want := range map[string]bool{`data-testid="tag"`: sample.tag != "", `data-testid="amount"`: sample.amount != "", `id="injected"`: sample.injected} {
				if strings.Contains(page, part) != want {
					t.Errorf("%s, %s: %s is there: %v", l.Tag, name, part, !want)
				}
			}
		}
	}
}
