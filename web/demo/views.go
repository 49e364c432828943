package demo

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// orderView is an order of the shop, or a sale of the counter, as the page shows it; it shares nothing with the shop's own.
type orderView struct {
	Base      string // path of its page
	Name      string // "Order #1001", "At the till"
	About     string // what was bought
	Price     string
	Invoice   string // capability id
	Path      string // of the customer's page
	Request   string // what the shop's server sent; of a sale it sent nothing
	Signature string
	Answer    string
	Status    string
	Heard     []heard // newest first
	Deposit   bool    // a deposit address: Invoice is its capability id
}

// view is an order's page. The caller holds the lock.
func (s *Shop) view(o *order) orderView {
	return s.heardOf(orderView{
		Base: "/demo/orders/" + strconv.Itoa(o.Number), Name: "Order #" + strconv.Itoa(o.Number), About: o.Product.Name, Price: o.Product.Price + " EUR",
		Invoice: o.Invoice, Path: "/i/" + o.Invoice, Request: indent(o.Request), Signature: o.Signature, Answer: indent(o.Answer),
	}, o.ForeignID)
}

// heardOf adds what was heard. The caller holds the lock.
func (s *Shop) heardOf(v orderView, foreignID string) orderView {
	v.Status, v.Heard = "waiting", slices.Clone(s.heard[foreignID])
	slices.Reverse(v.Heard)
	if len(v.Heard) > 0 {
		v.Status = v.Heard[0].Status
	}
	return v
}

// indent writes JSON for people; text that is no JSON stays as it is.
func indent(text string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(text), "", "  ") != nil {
		return text
	}
	return strings.ReplaceAll(b.String(), `\/`, "/")
}

// says is what a status means to the shop.
func (h heard) says() string {
	if h.Deposit {
		return h.saysDeposit()
	}
	switch h.Status {
	case "pending":
		return "Part of the money was seen; " + trim(h.Remaining) + " " + h.Coin + " is missing."
	case "processing":
		return "All of the money was seen. Wait for the network."
	case "confirmed":
		return "Paid. Send the goods."
	}
	return h.Error
}

func (h heard) saysDeposit() string {
	sum := trim(h.Amount) + " " + h.Coin
	switch h.Status {
	case "not_confirmed":
		return sum + " was seen. Wait for the network."
	case "confirmed":
		return sum + " arrived. Credit the customer."
	}
	return h.Error
}

// tone colours a status.
func tone(status string) string {
	switch status {
	case "confirmed":
		return "ok"
	case "failed", "cancelled":
		return "bad"
	case "pending":
		return "warn"
	}
	return "busy"
}

func trim(amount string) string {
	if !strings.Contains(amount, ".") {
		return amount
	}
	return strings.TrimSuffix(strings.TrimRight(amount, "0"), ".")
}

// act is a button of the panel.
type act struct {
	Action, Label, Hint string
	Played              bool // only on the played chain
}

var customerActs = [...]act{
	{"exact", "Pay exactly", "what is asked, or what is left", false},
	{"short", "Pay 5 % short", "an exchange took its fee", false},
	{"parts", "Pay in two parts", "the second follows the first", false},
	{"over", "Pay too much", "25 % more than asked", false},
	{"late", "Pay late", "after the price window has ended", true},
	{"wrong", "Pay with the wrong coin", "another one, to the same address", true},
}

var depositActs = [...]act{
	{"deposit", "Send 0.25", "again and again, if you like", true},
}

var merchantActs = [...]act{
	{"refund", "Return the money", "approve it; press again to send it", true},
}

var chainActs = [...]act{
	{"replace", "Replace the payment", "another transaction spends the coins first", false},
	{"reorg", "Reorganise the chain", "the block of the payment is lost", false},
}
