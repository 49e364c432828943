package payterm

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"checkout/ident"
	"checkout/merchant"
	"checkout/money"
)

// Button is a product with a price of its own, sold by a form on anybody's page.
type Button struct {
	ID          ident.ID
	Merchant    ident.ID
	Env         ident.Environment
	Slug        string // in /b/{slug}; see ParseSlug
	Name        string
	Description string
	Mode        Mode // fixed or customer
	Currency    money.Currency
	Amount      money.Amount // of ModeFixed, for one piece
	Min, Max    money.Amount // of ModeCustomer; zero: no bound but MaxAmount
	MinQuantity int64        // of ModeFixed; 1 unless told otherwise
	MaxQuantity int64
	Stock       int64           // how many payments, of one piece each; 0: no limit
	Secret      merchant.Secret // signs amounts the shop makes up; see Sign
	SuccessURL  string          // "{ID}" in it becomes the invoice's capability id
	FailureURL  string
	Text        string // of the button
	Colour      string // "#rrggbb", or empty
	Created     time.Time
	Revoked     time.Time // zero: in use
}

// DefaultText is what a button says unless told otherwise.
const DefaultText = "Buy now"

func (b Button) sums() sums { return newSums(b.Mode, b.Currency, b.Amount, b.Min, b.Max) }

// Check refuses what may not be stored.
func (b Button) Check() error {
	switch {
	case !merchant.Presentable(b.Name, maxName):
		return ErrName
	case !prose(b.Description, maxDescription):
		return ErrDescription
	case !address(b.SuccessURL):
		return ErrURL.At("success_url")
	case !address(b.FailureURL):
		return ErrURL.At("failure_url")
	case !merchant.Presentable(b.Text, maxText):
		return ErrText
	case b.Colour != "" && (len(b.Colour) != 7 || b.Colour[0] != '#' || strings.Trim(b.Colour[1:], "0123456789abcdef") != ""):
		return ErrColour
	case b.Stock < 0 || b.Stock > MaxStock:
		return ErrStock
	}
	if err := b.sums().check(ModeFixed, ModeCustomer); err != nil {
		return err
	}
	if b.MinQuantity < 1 || b.MaxQuantity < b.MinQuantity || b.MaxQuantity > MaxQuantity {
		return ErrQuantityForm
	}
	if b.Mode == ModeCustomer && b.MaxQuantity > 1 {
		return ErrQuantityForm
	}
	if b.Stock > 0 && b.MaxQuantity > 1 { // the stock counts payments
		return ErrQuantityForm.Saying("What has a stock is sold one by one: its quantity is 1.")
	}
	if b.Mode == ModeFixed && !sellable(b.Currency, times(b.Amount, b.MaxQuantity)) {
		return ErrQuantityForm
	}
	return nil
}

func bigInt(n int64) *big.Int { return big.NewInt(n) }

func times(a money.Amount, n int64) money.Amount {
	return money.New(a.Currency(), new(big.Int).Mul(a.Units(), bigInt(n)))
}

// digits says whether a text is digits and nothing else, at least one.
func digits(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// Form is a button's form as it was sent: nothing in it is believed.
type Form struct {
	Amount, Currency, Order, Exp, Sig, Quantity, Once string
}

// Offer is a price a shop makes up on its own server.
type Offer struct {
	Amount   string // a plain decimal, exactly as it is sent
	Currency string // the button's
	Order    string // the shop's own name for it, which callbacks tell
	Exp      string // until when it holds, in seconds since 1970
}

// Sign is the signature of an offer: HMAC-SHA256 with the button's secret of slug|amount|currency|order|exp, in lower-case
// hex. Neither slug, amount, currency nor end may have a bar in it, so that no two offers are signed alike.
func (b Button) Sign(o Offer) string {
	mac := hmac.New(sha256.New, []byte(b.Secret.Reveal()))
	_, _ = mac.Write([]byte(strings.Join([]string{b.Slug, o.Amount, o.Currency, o.Order, o.Exp}, "|"))) // a hash takes everything
	return hex.EncodeToString(mac.Sum(nil))
}

// VerifyOffer says what an offer asks for if the shop made it and it still holds. The sum need not keep to the button's own
// bounds. ErrOffer, ErrOfferExpired.
func (b Button) VerifyOffer(o Offer, sig string, now time.Time) (money.Amount, error) {
	if o.Order == "" { // every customer would be led to the invoice of the first
		return money.Amount{}, ErrOffer.Saying("The shop's offer names no order.")
	}
	if b.Secret == "" || !hmac.Equal([]byte(b.Sign(o)), []byte(sig)) {
		return money.Amount{}, ErrOffer
	}
	if !digits(o.Exp) || len(o.Exp) > 12 || o.Currency != b.Currency.Code {
		return money.Amount{}, ErrOffer
	}
	seconds, err := strconv.ParseInt(o.Exp, 10, 64)
	if err != nil {
		return money.Amount{}, ErrOffer.Because(err)
	}
	switch until := time.Unix(seconds, 0); {
	case !now.Before(until):
		return money.Amount{}, ErrOfferExpired
	case until.After(now.Add(maxOfferAhead)):
		return money.Amount{}, ErrOffer.Saying("The shop's offer holds for longer than a year.")
	}
	price, err := money.Parse(b.Currency, o.Amount)
	if err != nil || !sellable(b.Currency, price) {
		return money.Amount{}, ErrOffer.Saying("The shop's price is no sum that can be asked for.")
	}
	return price, nil
}

// order is what a form asks for.
type order struct {
	price  money.Amount
	title  string
	signed bool
}

// order reads a form. The price is the button's own, the customer's within bounds, or one the shop signed.
func (b Button) order(f Form, now time.Time) (order, error) {
	if utf8.RuneCountInString(f.Order) > maxOrder || !utf8.ValidString(f.Order) || !merchant.Clean(f.Order) {
		return order{}, ErrOrder
	}
	if f.Currency != "" && f.Currency != b.Currency.Code {
		return order{}, ErrCurrency
	}
	if f.Sig != "" || f.Exp != "" {
		if f.Quantity != "" && f.Quantity != "1" {
			return order{}, ErrQuantity.Saying("A signed price is the price of the whole.")
		}
		price, err := b.VerifyOffer(Offer{Amount: f.Amount, Currency: f.Currency, Order: f.Order, Exp: f.Exp}, f.Sig, now)
		return order{price: price, title: b.Name, signed: true}, err
	}
	pieces, err := b.pieces(f.Quantity)
	if err != nil {
		return order{}, err
	}
	if b.Mode == ModeFixed {
		if f.Amount != "" {
			return order{}, ErrOffer
		}
		o := order{price: times(b.Amount, pieces), title: b.Name}
		if pieces > 1 {
			o.title = fmt.Sprintf("%d × %s", pieces, b.Name)
		}
		return o, nil
	}
	price, err := money.Parse(b.Currency, money.TrimZeros(f.Amount))
	if err != nil {
		return order{}, ErrAmount
	}
	return order{price: price, title: b.Name}, b.sums().takes(price)
}

// pieces reads a quantity; none is the smallest there is.
func (b Button) pieces(text string) (int64, error) {
	if text == "" {
		return b.MinQuantity, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || !digits(text) || len(text) > 3 || n < b.MinQuantity || n > b.MaxQuantity {
		return 0, ErrQuantity
	}
	return n, nil
}
