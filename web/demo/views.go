package demo

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// orderView is an order as the page shows it; it shares nothing with the shop's own.
type orderView struct {
	Number    int
	Product   product
	Invoice   string
	URL       string
	Path      string
	Request   string
	Signature string
	Answer    string
	Status    string
	Heard     []heard // newest first
}

func (o *order) view() orderView {
	v := orderView{
		Number: o.Number, Product: o.Product, Invoice: o.Invoice, URL: o.URL, Path: "/i/" + o.Invoice, Request: indent(o.Request),
		Signature: o.Signature, Answer: indent(o.Answer), Status: "waiting",
	}
	for i := len(o.Heard) - 1; i >= 0; i-- {
		v.Heard = append(v.Heard, o.Heard[i])
	}
	if len(v.Heard) > 0 {
		v.Status = v.Heard[0].Status
	}
	return v
}

// play is where the order's buttons lead.
func (v orderView) play() string { return "/demo/orders/" + strconv.Itoa(v.Number) + "/play" }

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

var merchantActs = [...]act{
	{"refund", "Return the money", "approve it; press again to send it", true},
}

var chainActs = [...]act{
	{"replace", "Replace the payment", "another transaction spends the coins first", false},
	{"reorg", "Reorganise the chain", "the block of the payment is lost", false},
}
