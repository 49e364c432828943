package templates

import (
	"github.com/a-h/templ"

	"checkout/qr"
	"checkout/web/texts"
)

// offerViews are the pages of links and products, and posters.
func offerViews() []string {
	return []string{"link-fixed", "link-typed", "link-refused", "link-deposit", "link-over", "product", "poster-a4", "poster-a6", "poster-label"}
}

// sampleOffer is a page of them, filled as the handlers fill it; nil: it is none.
func sampleOffer(t *texts.Lang, view, theme string, list []Language) templ.Component {
	price, dollars := t.Figure("25.50"), func(sum string) string { return t.Isolated(t.Figure(sum) + " USD") }
	o := Offer{
		Theme: theme, Assets: sampleAssets(), Languages: list, Title: "2 kg house blend", Text: "Roasted on Mondays.\nBring a bag of your own.", Currency: "USD",
		Merchant: Merchant{Name: "Acme Coffee", SupportHref: "mailto:support@acme.example", SupportText: "support@acme.example"},
		Action:   "/l/7K3M9Q2X5T", Once: "7K3M9Q2X5T8V4B6N7K3M9Q2X5T", Share: "https://pay.example.com/l/7K3M9Q2X5T",
	}
	switch view {
	case "link-fixed":
		o.Test, o.Sum = true, price
	case "link-typed":
		o.Bounds, o.Suggestions = t.Say("till.between", "min", dollars("5.00"), "max", dollars("500.00")), []string{"20", "50", "100"}
	case "link-refused":
		o.Bounds, o.Typed = t.Say("till.between", "min", dollars("5.00"), "max", dollars("500.00")), "4.99"
		o.Error, o.Fields = o.Bounds, []OfferField{{Name: "field-1", Label: "Table", Value: "7", Required: true}, {Name: "field-2", Label: "Your name"}}
	case "link-deposit":
		o.Coins = []SaleCoin{{Value: "btc", Coin: "BTC", Network: "Bitcoin", On: "bitcoin"}, {Value: "usdt-tron", Coin: "USDT", Network: "Tron (TRC20)", On: "tron"}}
	case "link-over":
		o.Sum, o.Over, o.Message = price, t.Say("link.soldout"), "We roast again on Monday."
	case "product":
		o.Sum, o.Each, o.Share, o.Quantity = price, true, "", &Quantity{Min: 1, Max: 10, Value: "1"}
	case "poster-a4", "poster-a6", "poster-label":
		return PosterPage(samplePoster(t, view[len("poster-"):], theme))
	default:
		return nil
	}
	return OfferPage(o)
}

func samplePoster(t *texts.Lang, size, theme string) Poster {
	const address = "HTTPS://PAY.EXAMPLE.COM/L/7K3M9Q2X5T"
	code, err := qr.Robust(address)
	if err != nil {
		panic(err) // it is a constant
	}
	p := Poster{
		Theme: theme, Assets: sampleAssets(), Merchant: Merchant{Name: "Acme Coffee"}, Title: "2 kg house blend", Sum: t.Figure("25.50") + " USD", Size: size,
		Coins: []SaleCoin{{Coin: "BTC"}, {Coin: "ETH"}, {Coin: "USDT"}, {Coin: "USDC"}, {Coin: "XRP"}},
		Code:  QR{Content: address, Size: code.Size(), Path: code.Path()}, Address: "pay.example.com/l/7K3M9Q2X5T",
	}
	for _, name := range []string{"a4", "a5", "a6", "label"} {
		p.Sizes = append(p.Sizes, PosterSize{Name: name, Href: "?size=" + name, Current: name == size})
	}
	return p
}
