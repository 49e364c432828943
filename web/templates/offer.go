package templates

import (
	"strings"
	"unicode/utf8"

	"checkout/web/texts"
)

// Offer is the page of a payment link, or of a product: what it is, what it costs, and one button.
type Offer struct {
	Theme     string
	Assets    Assets
	Test      bool
	Merchant  Merchant
	Languages []Language

	Title, Text string
	Action      string
	Once        string // good for one payment; empty: each press is another
	Currency    string
	Sum         string // a fixed one; empty: it is typed, or any is taken
	Each        bool   // the sum is for one piece
	Typed       string // what was typed, if the form came back
	Bounds      string
	Suggestions []string // plain decimals
	Quantity    *Quantity
	Fields      []OfferField
	Coins       []SaleCoin // any sum of one of these
	Hidden      [][2]string
	Error       string
	Over        string // why nothing is taken now; then there is no form
	Message     string // what the merchant says to that
	Preview     string // of the page where it is linked: never a sum that is nobody's business
	Share       string // the address to pass on; empty: it is not meant to be
}

// Quantity is how many pieces.
type Quantity struct {
	Min, Max int64
	Value    string
}

// OfferField is something the payer is asked.
type OfferField struct {
	Name, Label, Value string
	Required, Bad      bool
}

// Poster is a page to print: a code that leads to a payment link.
type Poster struct {
	Theme    string
	Assets   Assets
	Merchant Merchant
	Size     string // "a4", "a5", "a6" or "label"
	Sizes    []PosterSize
	Title    string
	Sum      string // empty: the customer types it, or it is nobody's business
	Coins    []SaleCoin
	Code     QR
	Address  string // the same in words
	Test     bool   // no real money here
}

// PosterSize is one to choose.
type PosterSize struct {
	Name, Href string
	Current    bool
}

// label is what the button says.
func (o Offer) label(t *texts.Lang) string {
	if o.Sum != "" && !o.Each {
		return t.Say("till.pay", "amount", t.Isolated(o.Sum+" "+o.Currency))
	}
	return t.Say("choose.continue")
}

// lengthy says whether a poster's title needs the smaller size.
func lengthy(title string) bool { return utf8.RuneCountInString(title) > 36 }

// paper is the name of a size: "A4".
func paper(name string) string { return strings.ToUpper(name) }
