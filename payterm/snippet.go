package payterm

import (
	"fmt"
	"html"
	"strings"
)

// Paint is the colours of a button, "#rrggbb": the ground, and what can be read on it.
type Paint struct{ Ground, Ink string }

// Loader is the script that shows payment pages in dialogs: its address and its hash.
type Loader struct{ Address, Integrity string }

// Snippets are what a merchant puts into a page, or a letter, to sell something.
type Snippets struct {
	Form  string `json:"form"`  // works everywhere and asks for nothing before it is pressed
	Modal string `json:"modal"` // the same form; where scripts run, its answer is shown in a dialog
	Link  string `json:"link"`  // for letters and for pages that can have no forms
}

// Snippets writes them. base is where the button's address is.
func (b Button) Snippets(base string, p Paint, l Loader) Snippets {
	at := html.EscapeString(base + "/b/" + b.Slug)
	style := fmt.Sprintf("<style>.pay-btn{font:600 16px system-ui;min-height:44px;padding:0 20px;border:0;border-radius:8px;background:%s;color:%s}</style>\n", p.Ground, p.Ink)
	form := func(more string) string {
		return "<form" + more + ` method="post" action="` + at + `" accept-charset="utf-8">` + "\n" + b.inputs() +
			`  <button type="submit" class="pay-btn">` + html.EscapeString(b.label()) + "</button>\n</form>\n" + style
	}
	return Snippets{
		Form: form(""),
		Modal: form(" data-pay-button") + fmt.Sprintf("<script src=\"%s\" integrity=\"%s\" crossorigin=\"anonymous\" async></script>\n",
			html.EscapeString(l.Address), html.EscapeString(l.Integrity)),
		Link: `<a href="` + at + `">` + html.EscapeString(b.label()) + "</a>\n",
	}
}

// label is what the button says: with the price of one where that is the price.
func (b Button) label() string {
	if b.Mode != ModeFixed || b.MinQuantity > 1 {
		return b.Text
	}
	return b.Text + " — " + b.Amount.String() + " " + b.Currency.Code
}

// inputs are what the customer says.
func (b Button) inputs() string {
	switch {
	case b.Mode == ModeCustomer:
		least, most := "", ""
		if !b.Min.IsZero() {
			least = ` min="` + b.Min.String() + `"`
		}
		if !b.Max.IsZero() {
			most = ` max="` + b.Max.String() + `"`
		}
		return `  <label>` + b.Currency.Code + ` <input name="amount" type="number" inputmode="decimal" step="` + b.step() + `"` + least + most + " required></label>\n"
	case b.MaxQuantity > 1:
		return fmt.Sprintf("  <input name=\"quantity\" type=\"number\" min=\"%d\" max=\"%d\" value=\"%d\" aria-label=\"Quantity\" required>\n", b.MinQuantity, b.MaxQuantity, b.MinQuantity)
	}
	return ""
}

// step is one smallest unit of the currency: "0.01", "1".
func (b Button) step() string {
	if b.Currency.Scale == 0 {
		return "1"
	}
	return "0." + strings.Repeat("0", int(b.Currency.Scale)-1) + "1"
}
