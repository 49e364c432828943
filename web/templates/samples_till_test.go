package templates

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"checkout/web/texts"
)

// tillViews are the pages of a terminal.
func tillViews() []string {
	return []string{
		"till-keypad", "till-refused", "till-customer", "till-fixed", "till-tips", "till-coins", "till-choose", "till-waiting", "till-underpaid",
		"till-confirming", "till-paid", "till-overpaid", "till-expired", "till-pin", "till-sold",
	}
}

// sampleTill is a page of a terminal, filled as the handlers fill it; nil: it is none.
func sampleTill(t *texts.Lang, view, theme string, list []Language) templ.Component {
	euros := func(sum string) string { return t.Isolated(t.Figure(sum) + " EUR") }
	till := Till{
		Theme: theme, Assets: sampleAssets(), Languages: list, Merchant: Merchant{Name: "Acme Coffee"}, Name: "Till 2",
		Home: "/t/7K3M9Q2X5T8V4B6N7K3M9Q2X5T", Manifest: "/t/7K3M9Q2X5T8V4B6N7K3M9Q2X5T/app.webmanifest", History: "/t/7K3M9Q2X5T8V4B6N7K3M9Q2X5T/history",
	}
	pad := Pad{Till: till, Action: till.Home + "/charge", Once: "7K3M9Q2X5T8V4B6N7K3M9Q2X5T", Currency: "EUR", Scale: 2, Most: 9}
	switch view {
	case "till-keypad":
		pad.Typed, pad.Note = "12.50", "Table 4"
		return PadPage(pad)
	case "till-refused":
		pad.Bounds = t.Say("till.between", "min", euros("1.00"), "max", euros("500.00"))
		pad.Typed, pad.Error, pad.Test = "1234567.89", pad.Bounds, true
		return PadPage(pad)
	case "till-customer":
		pad.NoNote, pad.Bounds = true, t.Say("till.atleast", "amount", euros("1.00"))
		return PadPage(pad)
	case "till-fixed":
		pad.NoNote, pad.Fixed = true, "4.00"
		return PadPage(pad)
	case "till-tips":
		return TipPage(Tips{
			Till: till, Action: pad.Action, Once: pad.Once, Amount: "12.50", Sum: "12.50 EUR", Currency: "EUR",
			Choices: []Tip{{Value: "0", Total: "12.50 EUR"}, {"5", "0.63", "0.63", "13.13 EUR"}, {"10", "1.25", "1.25", "13.75 EUR"}, {"15", "1.88", "1.88", "14.38 EUR"}},
		})
	case "till-coins":
		return CoinsPage(Coins{Till: till, Action: till.Home + "/deposit", List: sampleCoins(t)})
	case "till-pin":
		return HistoryPage(History{Till: till, Action: till.History, Bad: true})
	case "till-sold":
		return HistoryPage(History{Till: till, Shown: true, Sold: sampleSold(t)})
	}
	state, is := strings.CutPrefix(view, "till-")
	if !is || !slices.Contains(tillViews(), view) {
		return nil
	}
	page := samplePageIn(t, state)
	sale := Sale{
		Till: till, Live: page.Live, Action: "#", Total: "13.75", Currency: "EUR", Tip: euros("1.25"), Note: "Table 4",
		Paid: state == "paid" || state == "overpaid", Phone: sampleQR("https://pay.example.com/i/7K3M9Q2X5T8V4B6N7K3M9Q2X5T", false),
	}
	if state == "choose" || state == "waiting" {
		sale.Coins = sampleCoins(t)
		sale.Coins[0].Current = state == "waiting"
	}
	return SalePage(sale)
}

func sampleCoins(t *texts.Lang) []SaleCoin {
	return []SaleCoin{
		{Value: "btc", Coin: "BTC", Network: "Bitcoin", On: "bitcoin"}, {Value: "usdt-tron", Coin: "USDT", Network: "Tron (TRC20)", On: "tron"},
		{Value: "usdc-base", Coin: "USDC", Network: "Base", On: "base"}, {Value: "eth", Coin: "ETH", Network: "Ethereum", On: "ethereum", Why: t.Say("choose.unavailable")},
	}
}

func sampleSold(t *texts.Lang) []SoldRow {
	at := func(minute int) When { return At(time.Date(2026, 11, 21, 14, minute, 0, 0, time.UTC), Both) }
	return []SoldRow{
		{At: at(52), Sum: "4.00 EUR", State: t.Say("till.waiting"), Tone: "is-idle"},
		{At: at(40), Sum: "13.75 EUR", Tip: t.Isolated("1.25 EUR"), Note: "Table 4", State: t.Say("till.paid"), Tone: "is-ok"},
		{At: at(31), Sum: "9.50 EUR", Note: "Table 2, two flat whites and the almond cake", State: t.Say("title.seen"), Tone: "is-go"},
		{At: at(12), Sum: "27.00 EUR", State: t.Say("till.check"), Tone: "is-warn"},
		{At: at(3), Sum: "6.20 EUR", State: t.Say("till.unpaid"), Tone: "is-idle"},
	}
}

// Every page of a terminal is drawn in every language. Where a sale can go no further, the next one is what the button is for.
func TestEveryTillPage(t *testing.T) {
	for _, l := range texts.All() {
		for _, view := range tillViews() {
			var b bytes.Buffer
			if err := sampleTill(l, view, "", nil).Render(texts.With(t.Context(), l), &b); err != nil {
				t.Fatal(err)
			}
			page := b.String()
			for _, never := range []string{"[till.", "{n} %", "{min}", "about:invalid", "templ: ", "data-copy=", "data-wallet"} {
				if strings.Contains(page, never) {
					t.Errorf("%s, %s: %s", l.Tag, view, never)
				}
			}
			next := strings.Contains(page, `btn-primary" href="/t/7K3M9Q2X5T8V4B6N7K3M9Q2X5T" data-testid="new-sale"`)
			if over := view == "till-paid" || view == "till-overpaid" || view == "till-expired"; next != over {
				t.Errorf("%s, %s: a new sale stands out: %v", l.Tag, view, next)
			}
			explained := map[string]string{"till-expired": l.Say("expired.heading"), "till-underpaid": l.Say("underpaid.sentence"), "till-overpaid": l.Say("overpaid.sentence", "merchant", "Acme Coffee")}[view]
			if !strings.Contains(page, templ.EscapeString(explained)) {
				t.Errorf("%s, %s: it does not say %q", l.Tag, view, explained)
			}
		}
	}
}
