package templates

import (
	"time"

	"checkout/web/texts"
)

// sampleChoose is the method form: a coin, one on two networks, and one that cannot be had.
func sampleChoose(t *texts.Lang) *Choose {
	approx := t.Figure("25.50") + " USD"
	return &Choose{
		Action: "/i/7K3M9Q2X5T8V4B6N7K3M9Q2X5T/method", AskMail: true, Mail: "kim@example.com",
		From: &From{Wallet: "wallet", Exchange: "exchange", Longer: true},
		Groups: []Group{
			{Name: "Bitcoin", Coin: "BTC", Options: []Option{
				{Value: "btc", Coin: "BTC", Name: "Bitcoin", Network: "Bitcoin", Minutes: 10, Amount: "0.00044007", Approx: approx, Chosen: true},
			}},
			{Name: "Tether USD", Coin: "USDT", Options: []Option{
				{Value: "usdt-tron", Coin: "USDT", Name: "Tether USD", Network: "Tron (TRC20)", On: "tron", Starts: "T", Minutes: 1, Amount: "25.5", Approx: approx},
				{
					Value: "usdt-ethereum", Coin: "USDT", Name: "Tether USD", Network: "Ethereum (ERC20)", On: "ethereum", Starts: "0x", Minutes: 3, Amount: "25.5", Approx: approx,
					Note: t.Say("choose.behind", "n", "4"),
				},
			}},
			{Name: "Litecoin", Coin: "LTC", Options: []Option{
				{Value: "ltc", Coin: "LTC", Name: "Litecoin", Network: "Litecoin", Why: t.Say("choose.minimum", "coin", "LTC", "amount", t.Isolated("0.5 LTC"))},
			}},
			{Name: "Another coin", Coin: "XYZ", Options: []Option{{Value: "xyz", Coin: "XYZ", Name: "Another coin", Network: "Another", Why: t.Say("choose.unavailable")}}},
		},
	}
}

// sampleReturns are the views of money that is not where it should be.
func sampleReturns(t *texts.Lang, l *Live, done []Fact) {
	switch l.State {
	case "wrong_asset":
		waiting := samplePageIn(t, "waiting").Live
		l.Method, l.Pay, l.Lock, l.LockUntil, l.PaymentURI, l.Return = waiting.Method, waiting.Pay, waiting.Lock, waiting.LockUntil, waiting.PaymentURI, ""
		l.Wrong = &Wrong{Amount: "25.5", Coin: "USDT", Network: "Bitcoin", AskedCoin: "BTC", AskedNetwork: "Bitcoin", Code: l.Short}
		return
	case "topup":
		l.Order.Label, l.Order.Total, l.Order.Currency, l.Order.Details, l.Return = "Account 4711", "BTC", "", nil, ""
		l.Said.Least = t.Isolated("0.0001 BTC")
		l.Method, l.PaymentURI = &Method{Coin: "BTC", Name: "Bitcoin", Network: "Bitcoin"}, "bitcoin:"+sampleAddress
		l.Pay = &Pay{Coin: "BTC", Network: "Bitcoin", Address: sampleAddress, Fee: "BTC", QR: sampleQR(l.PaymentURI, false)}
		clock := func(hour int) When { return At(time.Date(2026, 11, 21, hour, 5, 0, 0, time.UTC), Both) }
		l.Payments = []Payment{
			{Amount: "0.002", Coin: "BTC", Tx: sampleTx, Href: "https://explorer.example/tx/9f2c41", State: t.Say("transfer.confirmed"), At: clock(9)},
			{Amount: "0.0015", Coin: "BTC", Tx: "77ab01…c2e90f", Href: "https://explorer.example/tx/77ab01", State: Confirmations(t, 1, 6), At: clock(14)},
		}
		return
	case "refunded":
		l.Final = true
	}
	l.Said.Refund, l.Receipt = t.Isolated("0.0001 BTC"), "/i/7K3M9Q2X5T8V4B6N7K3M9Q2X5T/receipt"
	l.Facts = []Fact{{Label: t.Say("fact.refund"), Value: l.Said.Refund}, {Label: t.Say("fact.to"), Value: sampleAddress, Mono: true}}
	if l.State == "refunded" {
		l.Facts = append(l.Facts, done[2])
	}
	l.Facts = append(l.Facts, done[0], done[3])
}
