package coinspaid

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"checkout/chain"
	"checkout/event"
	"checkout/invoice"
	"checkout/money"
	"checkout/webhook"
)

// Callbacks writes this dialect's callbacks; it is a webhook.Dialect.
type Callbacks struct {
	Registry *chain.Registry
	// Schedule is the wait before each retry; nil: Retries.
	Schedule []time.Duration
}

// retryMinutes are the waits before the 12 retries, each relative to the attempt before (section 6.1): 13 attempts in 24 h 21 min.
var retryMinutes = [...]int{1, 5, 15, 30, 60, 90, 120, 180, 240, 240, 240, 240}

// Retries is the schedule of the contract.
func Retries() []time.Duration {
	list := make([]time.Duration, 0, len(retryMinutes))
	for _, m := range retryMinutes {
		list = append(list, time.Duration(m)*time.Minute)
	}
	return list
}

// Retry is the wait after so many tries.
func (c Callbacks) Retry(tries int) (time.Duration, bool) {
	schedule := c.Schedule
	if schedule == nil {
		schedule = Retries()
	}
	if tries < 1 || tries > len(schedule) {
		return 0, false
	}
	return schedule[tries-1], true
}

// Heard is 200 and nothing else.
func (Callbacks) Heard(status int) bool { return status == http.StatusOK }

// Latest is true: an old status never arrives after a newer one was acknowledged.
func (Callbacks) Latest() bool { return true }

// Sign sets the headers, with the same secret as requests.
func (Callbacks) Sign(h http.Header, body []byte, publicKey string, secret []byte) {
	h.Set("Content-Type", "application/json")
	h[headerKey] = []string{publicKey}
	h[headerSignature] = []string{Sign(secret, body)}
}

type callbackAddress struct {
	ID        int64   `json:"id"`
	Currency  string  `json:"currency"`
	ConvertTo string  `json:"convert_to,omitempty"`
	Address   string  `json:"address"`
	Tag       *string `json:"tag"`
}

type sentAmount struct {
	Currency  string `json:"currency"`
	Amount    string `json:"amount"`
	Remaining string `json:"remaining_amount"`
}

type receivedAmount struct {
	Currency string `json:"currency"`
	Amount   string `json:"amount"`
}

type transaction struct {
	ID              int64   `json:"id"`
	Currency        string  `json:"currency"`
	TransactionType string  `json:"transaction_type"`
	Type            string  `json:"type"`
	Address         string  `json:"address"`
	Tag             *string `json:"tag"`
	Amount          string  `json:"amount"`
	TxID            string  `json:"txid"`
	Confirmations   string  `json:"confirmations"`
}

type feeItem struct {
	Type     string `json:"type"`
	Currency string `json:"currency"`
	Amount   string `json:"amount"`
}

// invoiceCallback has its members in the order of section 6.10.
type invoiceCallback struct {
	ID               int64            `json:"id"`
	ForeignID        string           `json:"foreign_id"`
	EndUserReference string           `json:"end_user_reference,omitempty"`
	Type             string           `json:"type"`
	CryptoAddress    *callbackAddress `json:"crypto_address,omitempty"`
	CurrencySent     sentAmount       `json:"currency_sent"`
	CurrencyReceived receivedAmount   `json:"currency_received"`
	Transactions     []transaction    `json:"transactions"`
	Fees             []feeItem        `json:"fees"`
	Error            string           `json:"error"`
	Status           string           `json:"status"`
	FixedAt          *int64           `json:"fixed_at"`
	ExpiresAt        *int64           `json:"expires_at"`
}

// Body renders the callback of an event in its canonical bytes; webhook.ErrNothing if this dialect does not tell it.
func (c Callbacks) Body(e event.Event) ([]byte, error) {
	if strings.HasPrefix(e.Type, "deposit.") {
		return c.depositBody(e)
	}
	r, err := invoice.DecodeRecord(e.Data)
	if err != nil {
		return nil, err
	}
	if !tellsOf(r.Origin) || !tells(e, r) {
		return nil, webhook.ErrNothing
	}
	body, err := c.invoice(r)
	if err != nil {
		return nil, fmt.Errorf("callback of %s: %w", e.ID, err)
	}
	return canonical(body)
}

func (c Callbacks) invoice(r invoice.Record) (invoiceCallback, error) {
	price, err := r.Price.Amount()
	if err != nil {
		return invoiceCallback{}, err
	}
	out := invoiceCallback{
		ID: r.Number, ForeignID: r.ForeignID, EndUserReference: r.EndUserReference, Type: "invoice",
		CurrencySent:     sentAmount{priceCode(c.Registry, price.Currency()), price.Rescale(8), price.Rescale(8)},
		CurrencyReceived: receivedAmount{priceCode(c.Registry, price.Currency()), price.Rescale(8)},
		Transactions:     []transaction{}, Fees: []feeItem{}, Error: wireError(r), Status: wireState(r.State, r.Amount),
	}
	if r.Asset != "" {
		if err := c.asked(&out, r, price.Currency()); err != nil {
			return out, err
		}
	}
	if accepted(r) {
		out.CurrencySent.Remaining = money.Zero(price.Currency()).Rescale(8)
	}
	if out.Transactions, err = c.transactions(r); err != nil {
		return out, err
	}
	if out.Status == statusConfirmed {
		if out.Fees, err = fees(r, price.Currency(), out.CurrencyReceived.Currency); err != nil {
			return out, err
		}
	}
	out.FixedAt, out.ExpiresAt = window(r)
	return out, nil
}

// asked states the sum due in the chosen coin, and where it goes.
func (c Callbacks) asked(out *invoiceCallback, r invoice.Record, price money.Currency) error {
	due, err := r.Due.Amount()
	if err != nil {
		return err
	}
	remaining, err := r.Remaining.Amount()
	if err != nil {
		return err
	}
	coin, priced := codeIn(c.Registry, r.Asset, due.Currency()), priceCode(c.Registry, price)
	out.CurrencySent = sentAmount{coin, due.Rescale(8), ceil8(remaining).Rescale(8)}
	if r.Address != nil {
		out.CryptoAddress = &callbackAddress{ID: r.Address.Number, Currency: coin, Address: r.Address.Text, Tag: given(r.Address.Tag)}
		if priced != coin {
			out.CryptoAddress.ConvertTo = priced
		}
	}
	return nil
}

func ceil8(a money.Amount) money.Amount { return a.CeilTo(8) }

// transactions lists what counts for the invoice: payments that were dropped, set aside or too small are not told here.
func (c Callbacks) transactions(r invoice.Record) ([]transaction, error) {
	list := []transaction{}
	for _, p := range r.Payments {
		if p.Status == invoice.Dropped || !counts(r, p) {
			continue
		}
		amount, err := p.Amount.Amount()
		if err != nil {
			return nil, err
		}
		list = append(list, transaction{
			ID: p.Number, Currency: codeIn(c.Registry, p.Asset, amount.Currency()), TransactionType: "blockchain", Type: "deposit", Address: p.Address, Tag: given(p.Tag),
			Amount: amount.Rescale(8), TxID: p.TxID, Confirmations: strconv.FormatInt(p.Confirmations, 10),
		})
	}
	return list, nil
}

// fees is the one entry a confirmed invoice carries, also when it is zero.
func fees(r invoice.Record, price money.Currency, code string) ([]feeItem, error) {
	kind := "fee_crypto_deposit"
	if price.Kind == money.Fiat {
		kind = "fee_crypto_deposit_to_fiat"
	}
	fee := money.Zero(price)
	if r.Fee != nil {
		var err error
		if fee, err = r.Fee.Amount(); err != nil {
			return nil, err
		}
	}
	return []feeItem{{kind, code, fee.Rescale(8)}}, nil
}

// afterCover is how long a covered invoice may take to confirm: what expires_at says from then on.
const afterCover = 24 * time.Hour

func window(r invoice.Record) (fixed, expires *int64) {
	if r.LockedAt == 0 {
		return nil, nil
	}
	at, end := r.LockedAt/1000, r.LockUntil/1000
	if r.CoveredAt != 0 {
		end = r.CoveredAt/1000 + int64(afterCover/time.Second)
	}
	return &at, &end
}

// canonical writes a value so that PHP's json_encode(json_decode(…)) gives the same bytes (section 6.2): no white space,
// "/" as "\/", everything beyond ASCII as \uXXXX in lower-case hex with surrogate pairs, HTML characters as they are.
// The input has no floats, no empty objects and no numeric keys.
func canonical(v any) ([]byte, error) {
	var raw bytes.Buffer
	enc := json.NewEncoder(&raw)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	text := bytes.TrimRight(raw.Bytes(), "\n")
	out := make([]byte, 0, len(text)+len(text)/16)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == '/':
			out = append(out, `\/`...)
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		text = text[size:]
	}
	return out, nil
}
