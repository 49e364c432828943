// Package payterm has what is opened again and again to pay something: terminals (tills), payment links and buy-now
// buttons. Each is a row with a name of its own in an address; whoever opens it makes invoices or is given a deposit
// address, and can do nothing else.
//
// Sums, bounds, places and signatures are checked here, whatever a page says.
package payterm

import (
	"fmt"
	"slices"
	"time"

	"checkout/fault"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
)

// Mode says who names the sum.
type Mode string

// The modes.
const (
	ModeKeypad   Mode = "keypad"   // staff type it: terminals only
	ModeFixed    Mode = "fixed"    // it stands
	ModeCustomer Mode = "customer" // the customer types it, within bounds
	ModeDeposit  Mode = "deposit"  // any sum, to a deposit address
)

// Kind is what made an invoice. It is the invoice's origin.
type Kind string

// The kinds.
const (
	KindTerminal Kind = invoice.OriginTerminal
	KindLink     Kind = invoice.OriginLink
	KindButton   Kind = invoice.OriginButton
)

// Standing says whether a link or a button takes money now. It is also why it does not: ErrLinkOver wraps it.
type Standing string

// The standings.
const (
	StandingOpen    Standing = "open"
	StandingExpired Standing = "expired"
	StandingSoldOut Standing = "sold_out"
	StandingRevoked Standing = "revoked"
)

// Error makes a standing the cause of a fault; errors.AsType[Standing] finds it.
func (s Standing) Error() string { return string(s) }

var overTexts = map[Standing]string{
	StandingExpired: "Its time is over.", StandingSoldOut: "It is sold out.", StandingRevoked: "It is no longer offered.",
}

// over is the fault of what takes no money now.
func over(s Standing) error { return ErrLinkOver.Saying(overTexts[s]).Because(s) }

// Bounds of everything a person may ask for.
const (
	// MaxAmount is the largest sum in smallest units: the nine digits a keypad takes.
	MaxAmount = 999_999_999
	// MaxQuantity is the largest number of pieces in one sale.
	MaxQuantity = 999
	// MaxStock bounds what has to be counted for every sale of something limited.
	MaxStock = 100_000
	// MaxOpen is how many unpaid invoices one terminal, link or button may have at once unless told otherwise.
	MaxOpen = 500
	// MaxAddresses is how many deposit addresses a link gives out in an hour.
	MaxAddresses = 200
	// MaxHistory is how many sales a terminal shows.
	MaxHistory = 50

	maxName        = 64
	maxTitle       = 100
	maxDescription = 500
	maxMessage     = 500
	maxNote        = 200
	maxValue       = 200
	maxFieldName   = 40
	maxFields      = 3
	maxSuggestions = 4
	maxTips        = 4
	maxOrder       = 255
	maxOnce        = 64
	maxText        = 40
	maxOfferAhead  = 366 * 24 * time.Hour
	maxPINTries    = 5
	pinLock        = 15 * time.Minute
)

// The faults of opening and paying.
var (
	ErrTerminal     = fault.New(fault.NotFound, "terminal_unknown", "There is no such terminal.")
	ErrRevoked      = fault.New(fault.Forbidden, "terminal_revoked", "This terminal was switched off.")
	ErrLink         = fault.New(fault.NotFound, "link_unknown", "There is no such payment link.")
	ErrLinkOver     = fault.New(fault.Gone, "link_over", "It is no longer offered.")
	ErrButton       = fault.New(fault.NotFound, "button_unknown", "There is no such product.")
	ErrMode         = fault.New(fault.Conflict, "mode", "This is paid in another way.")
	ErrAmount       = fault.New(fault.Invalid, "amount", "The amount is a plain number above zero, of at most nine digits and with no more decimals than the currency has.").At("amount")
	ErrBounds       = fault.New(fault.Invalid, "amount_bounds", "The amount is outside of what is taken.").At("amount")
	ErrTip          = fault.New(fault.Invalid, "tip", "The tip cannot be taken.").At("tip")
	ErrNote         = fault.New(fault.Invalid, "note", "A note has at most 200 characters and no control characters.").At("note")
	ErrOnce         = fault.New(fault.Invalid, "once", "The form cannot be used.").At("once")
	ErrField        = fault.New(fault.Invalid, "field", "This has 1 to 200 characters and no control characters.")
	ErrQuantity     = fault.New(fault.Invalid, "quantity", "This quantity cannot be bought.").At("quantity")
	ErrCurrency     = fault.New(fault.Invalid, "currency", "The currency is not the product's.").At("currency")
	ErrOrder        = fault.New(fault.Invalid, "order", "The order has at most 255 characters and no control characters.").At("order")
	ErrOffer        = fault.New(fault.Invalid, "offer", "The price was not made by the shop.").At("sig")
	ErrOfferExpired = fault.New(fault.Gone, "offer_expired", "The shop's offer has expired.").At("exp")
	ErrNoHistory    = fault.New(fault.Forbidden, "no_history", "This terminal shows no history.")
	ErrPIN          = fault.New(fault.Forbidden, "pin", "The PIN is wrong.").At("pin")
	ErrPINLocked    = fault.New(fault.TooMany, "pin_locked", "The PIN was wrong too often. Please wait.").At("pin")
	ErrPaying       = fault.New(fault.Conflict, "link_paying", "Somebody is paying this right now. Please try again later.")
	ErrTooManyOpen  = fault.New(fault.TooMany, "too_many_open", "There are too many unpaid invoices. Please try again in a minute.").In(time.Minute)
)

// The faults of making a terminal, a link or a button.
var (
	ErrModeForm     = fault.New(fault.Invalid, "mode_form", "There is no such way to pay it.").At("mode")
	ErrName         = fault.New(fault.Invalid, "name", "A name has 1 to 64 characters and no control characters.").At("name")
	ErrTitle        = fault.New(fault.Invalid, "title", "A title has 1 to 100 characters and no control characters.").At("title")
	ErrDescription  = fault.New(fault.Invalid, "description", "A description has at most 500 characters and no control characters but line breaks.").At("description")
	ErrMessage      = fault.New(fault.Invalid, "message", "A message has at most 500 characters and no control characters but line breaks.").At("message")
	ErrFiat         = fault.New(fault.Invalid, "currency_form", "Sums are in a currency of ISO 4217: EUR, USD, JPY.").At("currency")
	ErrLimits       = fault.New(fault.Invalid, "limits", "The least and the largest sum are in the currency, above zero, of at most nine digits, and in this order.").At("min")
	ErrTips         = fault.New(fault.Invalid, "tips", "At most 4 different percentages from 1 to 100 can be offered as a tip.").At("tips")
	ErrPINForm      = fault.New(fault.Invalid, "pin_form", "A PIN has 4 to 8 digits.").At("pin")
	ErrURL          = fault.New(fault.Invalid, "url", "This is no http or https address of at most 2048 characters.")
	ErrStock        = fault.New(fault.Invalid, "stock", "The stock is 0, for no limit, to 100000. What takes deposits has none.").At("stock")
	ErrExpires      = fault.New(fault.Invalid, "expires", "The end lies in the past.").At("expires")
	ErrSuggestions  = fault.New(fault.Invalid, "suggestions", "At most 4 different sums within the bounds can be suggested, where the customer types the sum.").At("suggestions")
	ErrFields       = fault.New(fault.Invalid, "fields", "At most 3 things can be asked, each by another name of 1 to 40 characters. With deposits nothing is asked.").At("fields")
	ErrQuantityForm = fault.New(fault.Invalid, "quantity_form", "The quantity is 1 to 999, in order, and not too much for one sale. Only what has a fixed price is sold by the piece.").At("quantity")
	ErrText         = fault.New(fault.Invalid, "text", "The text of a button has 1 to 40 characters and no control characters.").At("text")
	ErrColour       = fault.New(fault.Invalid, "colour", "A colour is written #rrggbb.").At("colour")
)

// sums are who names the sum, and within which bounds.
type sums struct {
	mode     Mode
	currency money.Currency
	amount   money.Amount
	min, max money.Amount
}

// newSums writes sums nobody gave as nothing of the currency.
func newSums(mode Mode, c money.Currency, amount, least, most money.Amount) sums {
	s := sums{mode, c, amount, least, most}
	for _, a := range []*money.Amount{&s.amount, &s.min, &s.max} {
		if a.Currency().IsZero() {
			*a = money.Zero(c)
		}
	}
	return s
}

// check refuses what may not be stored. Deposits take any sum of any coin: nothing is to be said of sums there.
func (s sums) check(modes ...Mode) error {
	if !slices.Contains(modes, s.mode) {
		return ErrModeForm
	}
	if s.mode == ModeDeposit {
		if !s.amount.IsZero() || !s.min.IsZero() || !s.max.IsZero() {
			return ErrLimits.Saying("A deposit has no amount and no limits.")
		}
		if s.currency.IsZero() {
			return nil
		}
	}
	if c, ok := money.FiatByCode(s.currency.Code); !ok || c != s.currency {
		return ErrFiat
	}
	if s.mode == ModeFixed {
		if !sellable(s.currency, s.amount) {
			return ErrAmount
		}
		if !s.min.IsZero() || !s.max.IsZero() {
			return ErrLimits.Saying("A fixed amount has no limits.")
		}
		return nil
	}
	if !s.amount.IsZero() {
		return ErrAmount.Saying("The amount is typed here; it cannot be fixed as well.")
	}
	return s.checkBounds()
}

func (s sums) checkBounds() error {
	for _, a := range []money.Amount{s.min, s.max} {
		if !a.IsZero() && !sellable(s.currency, a) {
			return ErrLimits
		}
	}
	if more, err := s.min.Cmp(s.max); !s.max.IsZero() && (err != nil || more > 0) {
		return ErrLimits
	}
	return nil
}

// takes says whether a sum somebody typed is one that is taken.
func (s sums) takes(a money.Amount) error {
	if !sellable(s.currency, a) {
		return ErrAmount
	}
	if less, err := a.Cmp(s.min); !s.min.IsZero() && (err != nil || less < 0) {
		return s.outside()
	}
	if more, err := a.Cmp(s.max); !s.max.IsZero() && (err != nil || more > 0) {
		return s.outside()
	}
	return nil
}

// outside tells the bounds.
func (s sums) outside() error {
	switch {
	case s.max.IsZero():
		return ErrBounds.Saying(fmt.Sprintf("The amount must be at least %s %s.", s.min, s.currency))
	case s.min.IsZero():
		return ErrBounds.Saying(fmt.Sprintf("The amount must be at most %s %s.", s.max, s.currency))
	}
	return ErrBounds.Saying(fmt.Sprintf("The amount must be from %s to %s %s.", s.min, s.max, s.currency))
}

// price is what is asked: the fixed sum, or the one that was typed. A page may repeat a fixed sum, but not change it.
func (s sums) price(typed money.Amount) (money.Amount, error) {
	switch s.mode {
	case ModeDeposit:
		return money.Amount{}, ErrMode
	case ModeFixed:
		if !typed.IsZero() && !typed.Equal(s.amount) {
			return money.Amount{}, ErrBounds.Saying("The amount is fixed.")
		}
		return s.amount, nil
	}
	return typed, s.takes(typed)
}

// sellable says whether a sum can be asked for at all.
func sellable(c money.Currency, a money.Amount) bool {
	most, err := a.Cmp(money.Units(c, MaxAmount))
	return err == nil && most <= 0 && a.Sign() > 0
}

// clean says whether a text that may be missing has no control characters and is not too long.
func clean(text string, limit int) bool { return text == "" || merchant.Presentable(text, limit) }
