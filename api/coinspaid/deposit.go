package coinspaid

import (
	"strconv"

	"checkout/deposit"
	"checkout/event"
	"checkout/money"
	"checkout/webhook"
)

// The statuses of a deposit on the wire (section 5.3); "confirmed" is an invoice's too.
const (
	statusNotConfirmed = "not_confirmed"
	statusCancelled    = "cancelled"
)

// depositAddress names the customer: deposits carry foreign_id here and nowhere else.
type depositAddress struct {
	ID               int64   `json:"id"`
	Currency         string  `json:"currency"`
	ConvertTo        string  `json:"convert_to,omitempty"`
	Address          string  `json:"address"`
	Tag              *string `json:"tag"`
	ForeignID        string  `json:"foreign_id"`
	CrossCurrency    bool    `json:"cross_currency,omitempty"`
	ExpectedCurrency string  `json:"expected_currency,omitempty"`
}

type depositReceived struct {
	Currency string `json:"currency"`
	Amount   string `json:"amount"`
	MinusFee string `json:"amount_minus_fee"`
}

type depositTransaction struct {
	ID              int64   `json:"id"`
	Currency        string  `json:"currency"`
	TransactionType string  `json:"transaction_type"`
	Type            string  `json:"type"`
	Address         string  `json:"address"`
	Tag             *string `json:"tag"`
	Amount          string  `json:"amount"`
	TxID            string  `json:"txid"`
	RiskScore       *string `json:"riskscore"`
	Confirmations   string  `json:"confirmations"`
}

// depositCallback has its members in the order of section 6.4.
type depositCallback struct {
	ID               int64                `json:"id"`
	EndUserReference string               `json:"end_user_reference,omitempty"`
	Type             string               `json:"type"`
	CryptoAddress    depositAddress       `json:"crypto_address"`
	CurrencySent     receivedAmount       `json:"currency_sent"`
	CurrencyReceived depositReceived      `json:"currency_received"`
	Transactions     []depositTransaction `json:"transactions"`
	Fees             []feeItem            `json:"fees"`
	Error            string               `json:"error"`
	Status           string               `json:"status"`
}

// depositState says how an event of a deposit is told, if it is. Below the minimum everything is cancelled, the second time
// when it is confirmed. What the chain takes back and gives again is told once; what it takes for good is cancelled.
func depositState(e event.Event, r deposit.Record) (status, sentence string, told bool) {
	small := r.Standing == deposit.Small
	switch {
	case !small && r.Standing != deposit.Counted:
		return "", "", false
	case e.Type == "deposit.dropped":
		return statusCancelled, "Transaction was double spent", true
	case e.Type == "deposit.detected" && r.Status != deposit.Seen, e.Type == "deposit.confirmed" && r.Again:
		return "", "", false
	case e.Type != "deposit.detected" && e.Type != "deposit.confirmed":
		return "", "", false
	case small:
		return statusCancelled, "Transaction amount less than minimum deposit", true
	case e.Type == "deposit.confirmed":
		return statusConfirmed, "", true
	}
	return statusNotConfirmed, "", true
}

// depositBody renders the callback of a deposit; webhook.ErrNothing if this dialect does not tell it. The sum is credited as
// it came, also where another currency was wished for: money in the merchant's own wallet is not ours to convert.
func (c Callbacks) depositBody(e event.Event) ([]byte, error) {
	r, err := deposit.DecodeRecord(e.Data)
	if err != nil {
		return nil, err
	}
	status, sentence, told := depositState(e, r)
	if !told {
		return nil, webhook.ErrNothing
	}
	amount, err := r.Amount.Amount()
	if err != nil {
		return nil, err
	}
	code, sum, confirmations := codeIn(c.Registry, r.Asset, amount.Currency()), amount.Rescale(8), strconv.FormatInt(r.Confirmations, 10)
	if e.Type != "deposit.confirmed" { // what is not confirmed is counted by nobody
		confirmations = "0"
	}
	out := depositCallback{
		ID: r.Number, EndUserReference: r.EndUserReference, Type: "deposit",
		CryptoAddress: depositAddress{ID: r.Address.Number, Currency: code, ConvertTo: r.Address.ConvertTo, Address: r.Address.Text, Tag: given(r.Address.Tag), ForeignID: r.Address.Label},
		CurrencySent:  receivedAmount{code, sum}, CurrencyReceived: depositReceived{code, sum, sum},
		Transactions: []depositTransaction{{
			ID: r.TxNumber, Currency: code, TransactionType: "blockchain", Type: "deposit", Address: r.Address.Text, Tag: given(r.Address.Tag),
			Amount: sum, TxID: r.TxID, Confirmations: confirmations,
		}},
		Fees: []feeItem{}, Error: sentence, Status: status,
	}
	if r.Crossed {
		out.CryptoAddress.CrossCurrency, out.CryptoAddress.ExpectedCurrency = true, codeIn(c.Registry, r.Address.Asset, money.Currency{Code: r.Address.Currency})
	}
	if status == statusConfirmed {
		fee, err := depositFee(r, amount.Currency())
		if err != nil {
			return nil, err
		}
		left, err := amount.Sub(fee)
		if err != nil {
			return nil, err
		}
		out.Fees = []feeItem{{"fee_crypto_deposit", code, fee.Rescale(8)}}
		out.CurrencyReceived.MinusFee = left.Rescale(8)
	}
	return canonical(out)
}

// depositFee is what the operator took: nothing, as long as the money goes to the merchant's own wallet.
func depositFee(r deposit.Record, c money.Currency) (money.Amount, error) {
	if r.Fee == nil {
		return money.Zero(c), nil
	}
	return r.Fee.Amount()
}

// given is a text, or null where there is none.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
