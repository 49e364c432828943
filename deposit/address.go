// Package deposit has the permanent addresses of a merchant's customers, and what arrives there.
//
// An address is derived once for (merchant, environment, asset, conversion, group, label), is given out again whenever the
// same is asked for, and never expires. Every payment to it is an object of its own: seen, confirmed or dropped, and
// perhaps reverted. The rules are pure functions of an address with its payments; the store keeps what they decide.
package deposit

import (
	"time"

	"checkout/chain"
	"checkout/event"
	"checkout/fault"
	"checkout/ident"
	"checkout/ledger"
	"checkout/money"
)

// The faults of deposits.
var (
	ErrNotFound  = fault.New(fault.NotFound, "deposit_unknown", "There is no such deposit address.")
	ErrAsset     = fault.New(fault.NotFound, "asset_unknown", "This coin is not offered.").At("currency")
	ErrUnusable  = fault.New(fault.Unavailable, "asset_unavailable", "This coin is not available right now.")
	ErrConvert   = fault.New(fault.Invalid, "convert_to", "The coin cannot be converted to this currency.").At("convert_to")
	ErrLabel     = fault.New(fault.Invalid, "label", "A label has 1 to 255 characters and no control characters.").At("foreign_id")
	ErrTaken     = fault.New(fault.Conflict, "deposit_taken", "There is an address for this already.")
	ErrMismatch  = fault.New(fault.Unavailable, "address_mismatch", "Payment details unavailable.")
	ErrUnchanged = fault.New(fault.Internal, "unchanged", "Nothing changed.") // a Change says so; the store then writes nothing
)

// Key is what an address is for. The same key always gives the same address.
type Key struct {
	Merchant  ident.ID
	Env       ident.Environment
	Asset     string // chain.Asset.ID; it names the network, too
	ConvertTo string // currency code, or empty
	Group     string // what the merchant sorts customers by: a wallet, a terminal; empty in the CoinsPaid dialect
	Label     string // the customer, in the merchant's words
}

// Address is a permanent address with everything that arrived there.
type Address struct {
	ID      ident.ID // of the page /d/{id}
	Number  int64    // for dialects that number addresses
	UUID    string
	Version int64
	Key

	Origin           string // which face asked for it first: "coinspaid", "terminal", "link"
	Network          string // chain.Network.ID
	Currency         money.Currency
	Text             string
	Tag              string       // what payments to a shared address must carry; empty: the address is this customer's alone
	Minimum          money.Amount // less than this is recorded, but not credited to the customer
	EndUserReference string       // the latest the merchant gave
	Payer            string       // what the merchant told of the customer, a JSON object; empty if nothing
	Created          time.Time
	Height           int64 // of the chain when it was assigned: older transactions are not for it

	Payments []Payment // in the order they came
}

// Shown is the address as payers know it: without its tag, which they are told beside it.
func (a *Address) Shown() string {
	shown, _ := chain.Unshared(a.Text)
	return shown
}

// Change decides. It may run more than once, so it only looks at the address and sets it. Returning ErrUnchanged keeps the
// address as it was.
type Change func(a *Address, at Moment) (Effects, error)

// Moment is what a transaction knows of time.
type Moment struct {
	Now     time.Time
	Heights map[string]int64 // by network: where the watcher stands
}

// Effects are what a change asks the store to keep together with the address.
type Effects struct {
	Entries []ledger.Entry
	Events  []event.Event
}

// Visit is a signed link of a shop's that was opened: whose address it asks for, and how to show it.
type Visit struct {
	Address *Address
	Amount  string // only shown, in the address's coin; empty: none was given
	Bare    bool   // the page stands in a frame: without headers and ways back
	Back    string // where the customer came from, an http or https address; may be empty
}
