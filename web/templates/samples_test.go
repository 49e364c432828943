package templates

import (
	"time"

	"checkout/qr"
	"checkout/web/static"
	"checkout/web/texts"
)

// sampleAddress is a published test vector (BIP 173). Nobody may ever send anything to it.
const (
	sampleAddress = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	sampleURI     = "bitcoin:" + sampleAddress + "?amount=0.00044007"
	sampleTx      = "9f2c41…b07e3a"
)

// sampleViews lists the views in the order a payment may run through them.
func sampleViews() []string {
	return []string{
		"choose", "waiting", "waiting_expiring", "detected", "confirming", "paid", "underpaid", "overpaid", "expired",
		"expired_underpaid", "late", "paid_late", "failed", "cancelled", "unavailable", "wrong_asset", "refund_pending", "refunded", "topup",
	}
}

func sampleAssets() Assets {
	files := static.New()
	return Assets{
		Style: files.Path("pay.css"), Script: files.Path("pay.js"), Wallet: files.Path("wallet.js"), Logo: files.Path("logo.svg"),
		Till: files.Path("till.css"), TillScript: files.Path("till.js"), Icon192: files.Path("icon-192.png"), Icon512: files.Path("icon-512.png"),
		Offer: files.Path("offer.css"), OfferScript: files.Path("offer.js"), Poster: files.Path("poster.css"),
		FavWait: files.Path("fav-wait.svg"), FavSeen: files.Path("fav-seen.svg"),
		FavPaid: files.Path("fav-paid.svg"), FavAttn: files.Path("fav-attn.svg"),
	}
}

func sampleQR(content string, tabs bool) QR {
	code, err := qr.Encode(content)
	if err != nil {
		panic(err)
	}
	q := QR{
		Content: content, Size: code.Size(), Path: code.Path(),
		Picture: "/i/7K3M9Q2X5T8V4B6N7K3M9Q2X5T/qr.svg?kind=uri", Save: "/i/7K3M9Q2X5T8V4B6N7K3M9Q2X5T/qr.png?kind=uri",
	}
	if tabs {
		q.Tabs = []Tab{{Href: "?qr=address#qr"}, {Amount: true, Href: "?qr=uri#qr", Current: true}}
	}
	return q
}

// samplePage is a page of one view, filled as the handlers fill it.
func samplePage(view string) Page { return samplePageIn(texts.English(), view) }

// samplePageIn is a sample in another language.
func samplePageIn(t *texts.Lang, view string) Page {
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 21, hour, minute, 0, 0, time.UTC) }
	clock := func(hour, minute int) *When { w := At(at(hour, minute), Clock); return &w }
	both := At(at(15, 18), Both)
	assets := sampleAssets()
	l := Live{
		State: view, Revision: "7", Now: "2026-11-21T14:15:40.120Z",
		StatusURL: "/i/7K3M9Q2X5T8V4B6N7K3M9Q2X5T/status", FragmentURL: "/i/7K3M9Q2X5T8V4B6N7K3M9Q2X5T/fragment",
		Favicon:  assets.Favicon(view),
		Merchant: Merchant{Name: "Acme Coffee", SupportHref: "mailto:support@acme.example", SupportText: "support@acme.example"},
		Short:    "7K3M-9Q2X",
		Order: Order{
			Label: "Order #1001 · 2 kg house blend", Total: t.Figure("25.50"), Currency: "USD",
			Details: []Fact{
				{Label: t.Say("fact.price"), Value: t.Figure("25.50") + " USD"}, {Label: t.Say("fact.rate"), Value: t.Isolated("1 BTC = " + t.Figure("57945.47") + " USD")},
				{Label: t.Say("fact.taken"), Time: &both}, {Label: t.Say("fact.rounding"), Value: t.Say("fact.rounded", "amount", t.Isolated("0.00000001 BTC"))},
			},
		},
		Said: Said{
			Coin: "BTC", In: "BTC", Asked: "0.00044007", Received: "0.00044007", Due: "0.00044007", Extra: "0.0001", Tx: sampleTx,
			Minutes: 40, Watch: At(at(14, 35).AddDate(0, 0, 7), Date), Have: 2, Need: 6,
		},
	}
	method := &Method{Coin: "BTC", Name: "Bitcoin", Network: "Bitcoin"}
	payment := []Payment{{Amount: "0.0003", Coin: "BTC", Tx: sampleTx, Href: "https://explorer.example/tx/9f2c41", State: t.Say("transfer.confirmed"), At: *clock(14, 22)}}
	progress := &Progress{Received: "0.0003", Asked: "0.00044007", Coin: "BTC", Have: 682}
	seen := []Step{{Mono: sampleTx, Href: "https://explorer.example/tx/9f2c41", At: clock(14, 22)}}
	done := []Fact{
		{Label: t.Say("fact.order"), Value: "#1001 · 2 kg house blend"}, {Label: t.Say("fact.with"), Value: "Bitcoin (BTC)"},
		{Label: t.Say("fact.transaction"), Value: sampleTx, Href: "https://explorer.example/tx/9f2c41", Mono: true}, {Label: t.Say("fact.invoice"), Value: "7K3M-9Q2X", Mono: true},
	}
	l.Return = "https://shop.example/orders/1001"
	switch view {
	case "choose":
		l.Order.Details, l.Return = nil, ""
		l.Choose = sampleChoose(t)
	case "waiting", "waiting_expiring":
		method.Change = "?m=change"
		l.Method, l.Return, l.PaymentURI = method, "", sampleURI
		l.Pay = &Pay{
			Amount: "0.00044007", Coin: "BTC", Network: "Bitcoin", Approx: "25.50 USD", Sub: "44,007 sat", Address: sampleAddress,
			Wallets: Wallets{Open: sampleURI}, Fee: "BTC", QR: sampleQR(sampleURI, true),
		}
		l.LockUntil, l.Lock = "2026-11-21T14:35:00Z", &Lock{Until: *clock(14, 35), Minutes: 19}
		if view == "waiting_expiring" {
			l.Lock.Minutes = 1
			l.Requote = &Requote{Action: "/i/7K3M9Q2X5T8V4B6N7K3M9Q2X5T/requote", Keep: true}
		}
	case "underpaid":
		l.Said.Received, l.Said.Due = "0.0003", "0.00014007"
		l.Rescue, l.Refund = "?m=", &Refund{Action: "#", Coin: "BTC", Network: "Bitcoin", Rest: true}
		rest := "bitcoin:" + sampleAddress + "?amount=0.00014007"
		l.Progress, l.Payments, l.Return, l.PaymentURI = progress, payment, "", rest
		l.Pay = &Pay{
			Rest: true, Amount: "0.00014007", Coin: "BTC", Network: "Bitcoin", Approx: "8.12 USD", Address: sampleAddress,
			Wallets: Wallets{Open: rest}, Fee: "BTC", QR: sampleQR(rest, true),
		}
		l.LockUntil, l.Lock = "2026-11-21T15:02:00Z", &Lock{Until: *clock(15, 2), Minutes: 29}
	case "detected", "confirming":
		l.Method, l.Return, l.Ring = method, "", &Ring{Need: 6}
		l.Received = &Received{Label: t.Say("received.label"), Amount: "0.00044007", Coin: "BTC", Approx: "≈ 25.50 USD", Note: t.Say("received.covers")}
		l.Steps = Story(t, seen, 0, 6, 10, "Acme Coffee")
		if view == "confirming" {
			l.Ring, l.Steps = &Ring{Have: 2, Need: 6}, Story(t, seen, 2, 6, 10, "Acme Coffee")
		}
	case "paid", "paid_late", "overpaid":
		l.Final = true
		l.Received = &Received{Label: t.Say("received.paid"), Amount: "0.00044007", Coin: "BTC", Approx: "25.50 USD", At: &both}
		l.Facts = done
		if view == "overpaid" {
			l.Received.Amount = "0.00054007"
			l.Facts = append([]Fact{{Label: t.Say("fact.price"), Value: "0.00044007 BTC"}, {Label: t.Say("fact.toomuch"), Value: "0.0001 BTC"}}, done...)
		}
	case "expired", "expired_underpaid":
		l.Requote = &Requote{Action: "/i/7K3M9Q2X5T8V4B6N7K3M9Q2X5T/requote", Primary: true}
		watch := l.Said.Watch
		l.Facts = []Fact{{Label: t.Say("fact.last"), Value: "0.00044007 BTC"}, {Label: t.Say("fact.watched"), Time: &watch}, {Label: t.Say("fact.invoice"), Value: "7K3M-9Q2X", Mono: true}}
		if view == "expired" {
			l.Method = method
		} else {
			l.Said.Received = "0.0003"
			l.Progress, l.Payments = progress, payment
		}
	case "late":
		l.Received = &Received{Label: t.Say("received.label"), Amount: "0.00044007", Coin: "BTC", Approx: "≈ 25.50 USD", At: &both}
		l.Facts, l.Return = done, ""
	case "failed":
		payment[0].State, payment[0].Amount = t.Say("transfer.replaced"), "0.00044007"
		l.Method, l.Payments, l.Again = method, payment, "?m=btc"
	case "cancelled":
		l.Final = true
		l.Facts = []Fact{done[0], done[3]}
	case "unavailable":
		l.Method, l.Others = method, "?m=change"
	case "wrong_asset", "refund_pending", "refunded", "topup":
		sampleReturns(t, &l, done)
	}
	return Page{
		Assets: assets, Test: view == "choose" || view == "waiting", Live: l,
		Reload: Reload{
			Offered: !l.Final && l.Choose == nil, Seconds: 30, Next: "/i/7K3M9Q2X5T8V4B6N7K3M9Q2X5T?r=30#status",
			Toggle: "/i/7K3M9Q2X5T8V4B6N7K3M9Q2X5T?r=0", Check: "/i/7K3M9Q2X5T8V4B6N7K3M9Q2X5T?r=30",
		},
	}
}
