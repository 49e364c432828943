package templates

import (
	"strconv"

	"github.com/a-h/templ"

	"checkout/web/texts"
)

// Till is the frame of a terminal's pages.
type Till struct {
	Theme     string
	Assets    Assets
	Test      bool
	Merchant  Merchant
	Name      string // of the terminal: "Till 2"
	Home      string // address of the terminal
	Manifest  string // of the installed application
	Worker    string // the script that keeps the keypad for when there is no connection
	History   string // address of what was sold; empty: it is not shown here
	Languages []Language
}

// Pad is where a sum is typed, or confirmed.
type Pad struct {
	Till
	Action   string
	Once     string // good for one sale
	Currency string
	Scale    int
	Most     int    // digits that can be typed
	Fixed    string // the sum, where it stands; empty: it is typed
	Bounds   string // said below the sum; may be empty
	Typed    string // what was typed, if the form came back
	Note     string
	NoNote   bool // the customer types: there is nothing to note
	Error    string
}

// Tips ask for a tip.
type Tips struct {
	Till
	Action             string
	Once, Amount, Note string
	Sum                string // "12.50 EUR"
	Choices            []Tip
	Currency           string
	Error              string
	Other              string // what was typed
}

// Tip is one to choose.
type Tip struct {
	Percent string // empty: none
	Value   string // a plain decimal
	Tip     string // "1.25"
	Total   string // "13.75 EUR"
}

// Coins are what a deposit can be made in.
type Coins struct {
	Till
	Action string
	List   []SaleCoin
}

// Sale is what a customer at the counter sees.
type Sale struct {
	Till
	Live     Live
	Action   string
	Coins    []SaleCoin
	Total    string
	Currency string
	Tip      string // "1.25 EUR", contained in the total
	Note     string
	Paid     bool
	Phone    QR     // the payment page's address, for the customer's own device
	Reload   Reload // without script
}

// SaleCoin is one to pay with.
type SaleCoin struct {
	Value, Coin, Network string
	On                   string // id of the network, for its mark
	Amount               string
	Current              bool
	Why                  string // why it cannot be chosen
}

// History is what a terminal has sold.
type History struct {
	Till
	Action string
	Bad    bool // the PIN is wrong
	Shown  bool // the list is
	Sold   []SoldRow
}

// SoldRow is one sale.
type SoldRow struct {
	At    When
	Sum   string
	Tip   string
	Note  string
	State string
	Tone  string
}

// charge is the label of the button.
func (p Pad) charge(t *texts.Lang, sum string) string {
	if p.NoNote {
		return t.Say("till.pay", "amount", sum)
	}
	return t.Say("till.charge", "amount", sum)
}

// over says whether nothing more is to be had of this sale at the counter: what comes next is another one.
func (s Sale) over() bool {
	switch s.Live.State {
	case "expired", "expired_underpaid", "late", "failed", "cancelled", "unavailable", "wrong_asset", "refund_pending", "refunded":
		return true
	}
	return s.Paid
}

// explained says whether the heading alone would leave somebody at a counter wondering. What is waited for needs no words, and
// the invoice's own page may be closed where this one may not.
func (s Sale) explained() bool {
	switch s.Live.State {
	case "choose", "waiting", "waiting_expiring", "detected", "confirming", "paid", "paid_late":
		return false
	}
	return true
}

// attributes are what the script follows the payment by.
func (l Live) attributes(t *texts.Lang) templ.Attributes {
	return templ.Attributes{
		"data-state": l.State, "data-polled": l.Polled, "data-rev": l.Revision, "data-final": strconv.FormatBool(l.Final), "data-asset": l.Asset,
		"data-now": l.Now, "data-status-url": l.StatusURL, "data-fragment": l.FragmentURL, "data-lock-until": l.LockUntil,
		"data-payment-uri": l.PaymentURI, "data-title": l.title(t), "data-favicon": l.Favicon,
	}
}
