package templates

import (
	"fmt"
	"strconv"
	"strings"
)

// Labels of facts.
const (
	LabelOrder       = "Order"
	LabelDescription = "Description"
	LabelPaidWith    = "Paid with"
	LabelTransaction = "Transaction"
	LabelInvoice     = "Invoice"
	LabelPrice       = "Price"
	LabelTooMuch     = "Too much"
	LabelLastPrice   = "Last price"
	LabelWatched     = "Address watched until"
	LabelRate        = "Rate"
	LabelRateTime    = "Rate taken"
	LabelRounding    = "Rounding"
	LabelNetworkFee  = "Network fee"
)

// Words of other places that are filled from outside.
const (
	WordReceived    = "Received"
	WordYouPaid     = "You paid"
	WordCovered     = "covers the order in full"
	WordFee         = "added by your wallet"
	WordDead        = "not accepted by the network"
	WordReplaced    = "replaced by another transaction"
	WordUndecided   = "waiting for a decision"
	WordConfirmed   = "confirmed"
	WordChooseOne   = "Please choose a coin."
	WordUnavailable = "Not available right now"
	WordNotOffered  = "This coin is not available right now. Please choose another."
	WordBadMail     = "Please check the e-mail address, or leave it empty."
)

// OrderName is how an order is called by its number.
func OrderName(number string) string { return "Order " + number }

// RoundedUp says to what an asked amount is rounded.
func RoundedUp(step, coin string) string { return "up to " + step + " " + coin }

// Confirmations says how far a payment is.
func Confirmations(have, need int) string {
	if have == 0 {
		return "not confirmed yet"
	}
	return fmt.Sprintf("%d of %d confirmations", have, need)
}

// Story is what happens to a payment between its first sighting and its end, oldest first. seen are the transactions,
// each filled in but for its words; minutes is the usual time between two blocks.
func Story(seen []Step, have, need, minutes int, merchant string) []Step {
	steps := make([]Step, 0, len(seen)+2)
	for _, s := range seen {
		s.Tone, s.Title = "is-ok", "Payment seen"
		if s.Href != "" {
			s.Link = "View on explorer"
		}
		steps = append(steps, s)
	}
	now := Step{Tone: "is-go", Title: "Waiting for the first confirmation"}
	if minutes > 0 {
		now.Detail = "A new block comes " + every(minutes)
	}
	if have > 0 {
		now.Title, now.Detail = Confirmations(have, need), "Each new block adds one"
	}
	return append(steps, now, Step{Title: "Paid", Detail: merchant + " is told automatically"})
}

// heading is the one h1 of a view.
func (l Live) heading() string {
	s := l.Said
	switch l.State {
	case "choose":
		return "Choose how to pay"
	case "waiting":
		return "Waiting for your payment"
	case "waiting_expiring":
		return "The price is locked for 2 more minutes"
	case "detected":
		return "Payment seen — waiting for the network"
	case "confirming":
		return fmt.Sprintf("Confirming: %d of %d", s.Have, s.Need)
	case "paid":
		return "Paid. Thank you!"
	case "underpaid":
		return fmt.Sprintf("%s %s received — %s %s still missing", s.Received, s.Coin, s.Due, s.Coin)
	case "overpaid":
		return fmt.Sprintf("Paid — you sent %s %s too much", s.Extra, s.Coin)
	case "expired":
		return "The price lock has ended"
	case "expired_underpaid":
		return "Payment incomplete"
	case "late":
		return "Your payment arrived late"
	case "paid_late":
		return "Paid (late). Thank you!"
	case "failed":
		return "That transaction did not go through"
	case "cancelled":
		return "This payment was cancelled"
	case "unavailable":
		return "This coin is not available right now"
	}
	return ""
}

// sentence is the line below the heading. Those of "expired" and "detected" have marked-up parts and are written in
// the template.
func (l Live) sentence() string {
	s, merchant := l.Said, l.Merchant.Name
	switch l.State {
	case "choose":
		if l.Lock != nil {
			return "The price of each coin is locked already."
		}
		return "The price is locked once you continue."
	case "waiting":
		return "This page updates by itself. You can close it; we keep watching."
	case "waiting_expiring":
		if l.Requote == nil || l.Requote.Action == "" {
			return "Please send the payment before it ends."
		}
		if l.Requote.Keep {
			return "Need longer? Keep the price below."
		}
		return "Need longer? Get a new price below."
	case "confirming":
		if s.Minutes > 0 {
			return fmt.Sprintf("Usually %s. You can close this page.", about(s.Minutes))
		}
		return "You can close this page."
	case "paid", "paid_late":
		return merchant + " has your payment."
	case "underpaid":
		return "Some wallets and exchanges deduct their fee. Send the rest to the same address."
	case "overpaid":
		return merchant + " can return it."
	case "expired_underpaid":
		return fmt.Sprintf("%s of %s %s arrived before the price lock ended.", s.Received, s.Asked, s.Coin)
	case "late":
		return fmt.Sprintf("We have it. %s will decide shortly; nothing is lost.", merchant)
	case "failed":
		return "The network did not accept it. Your money should still be in your wallet."
	case "cancelled":
		return "Do not send anything to this address any more."
	case "unavailable":
		if l.Others != "" {
			return "Please choose another coin, or come back in a few minutes."
		}
		return "Please come back in a few minutes."
	}
	return ""
}

// title is the document's title; the script adds the minutes that are left.
func (l Live) title() string {
	var what string
	switch l.State {
	case "choose":
		what = fmt.Sprintf("Pay %s %s", l.Order.Total, l.Order.Currency)
	case "waiting", "waiting_expiring":
		what = fmt.Sprintf("Pay %s %s", l.Said.Due, l.Said.Coin)
	case "underpaid":
		what = fmt.Sprintf("%s %s missing", l.Said.Due, l.Said.Coin)
	case "detected", "confirming":
		what = "Payment seen"
	case "paid", "paid_late", "overpaid":
		what = "Paid ✓"
	default:
		what = l.heading()
	}
	return what + " · " + l.Merchant.Name
}

// announced says whether a change of this view is read out: every view when it comes, of the confirmations only the
// first, the one at half and the last.
func (l Live) announced() bool {
	if l.State != "confirming" {
		return true
	}
	return l.Said.Have == 1 || l.Said.Have == (l.Said.Need+1)/2 || l.Said.Have == l.Said.Need-1
}

func about(minutes int) string {
	if minutes == 1 {
		return "about 1 minute"
	}
	if minutes < 120 {
		return fmt.Sprintf("about %d minutes", minutes)
	}
	return fmt.Sprintf("about %d hours", (minutes+30)/60)
}

func every(minutes int) string {
	if minutes == 1 {
		return "about every minute"
	}
	return fmt.Sprintf("about every %d minutes", minutes)
}

// facts of a coin in the method form: "BTC · about 10 min". A network that is not called like its coin is named.
func (o Option) facts() string {
	coin := o.Coin
	if o.Network != o.Name {
		coin += " on " + o.Network
	}
	if o.Minutes < 1 {
		return coin + " · under 1 min"
	}
	return fmt.Sprintf("%s · about %d min", coin, o.Minutes)
}

func (m Method) network() string { return m.Coin + " on the " + m.Network + " network" }

func (p Pay) label() string {
	if p.Rest {
		return "Still to send"
	}
	return "Amount to send"
}

func (p Pay) approx() string {
	parts := make([]string, 0, 3)
	if p.Approx != "" {
		parts = append(parts, "≈ "+p.Approx)
	}
	if p.Sub != "" {
		parts = append(parts, p.Sub)
	}
	if p.Rest {
		parts = append(parts, "at your original price")
	}
	return strings.Join(parts, " · ")
}

func (t Tab) label() string {
	if t.Amount {
		return "With amount"
	}
	return "Address"
}

func (r Requote) label() string {
	if r.Keep {
		return "Keep this price a little longer"
	}
	return "Get a new price"
}

// remaining is the no-script form of the countdown.
func (k Lock) remaining() string {
	switch {
	case k.Minutes < 1:
		return "(less than a minute from now)"
	case k.Minutes == 1:
		return "(about 1 minute from now)"
	}
	return "(about " + strconv.Itoa(k.Minutes) + " minutes from now)"
}

// heading of an error page.
func (f Failure) heading() string {
	switch f.Status {
	case 400:
		return "That did not work"
	case 403, 405:
		return "This is not allowed"
	case 404:
		return "Nothing here"
	case 409:
		return "Something has changed meanwhile"
	case 410:
		return "This is over"
	case 421:
		return "Wrong address"
	case 429:
		return "A little too fast"
	case 503:
		return "Payment details unavailable"
	}
	return "Something went wrong on our side"
}

func (f Failure) sentence() string {
	if f.Text != "" {
		return f.Text
	}
	switch f.Status {
	case 404:
		return "This payment page does not exist. Please check the link you were given; capital and small letters count."
	case 421:
		return "This server does not answer for that name. Please use the link you were given."
	case 429:
		return "Please wait a moment and load the page again. Your payment is not affected."
	case 503:
		return "We cannot show the payment details right now. Please do not send anything until they are back; a payment you have already sent is safe."
	}
	return "Please load the page again. A payment you have already sent is safe."
}
