package coinspaid

import (
	"context"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"checkout/api"
	"checkout/deposit"
	"checkout/fault"
	"checkout/merchant"
	"checkout/money"
)

// The faults of a payment terminal's link. Who opens it is a customer: the page says what they can do about it.
var (
	// ErrLinkData is 400: the link was cut off or put together wrongly.
	ErrLinkData = fault.New(fault.Invalid, "terminal_data", "This payment link is not complete. Please ask the shop for a new one.")
	// ErrLinkSignature is 403: nobody here has signed it.
	ErrLinkSignature = fault.New(fault.Forbidden, "terminal_signature", "This payment link is not genuine. Please ask the shop for a new one.")
)

// Clients finds merchants by the number this dialect calls client_id.
type Clients interface {
	// KeysByNumber lists the keys of a merchant and dialect in all environments; none if there is no such merchant.
	KeysByNumber(ctx context.Context, number int64, dialect string) ([]merchant.Key, error)
}

// Visit opens a payment terminal's link (section 7.1): `/?data=…&signature=…`, the signature being HMAC-SHA512 over the
// decoded JSON. Everything the link asks for is what its merchant signed; the environment is that of the key that did.
func (f *Face) Visit(ctx context.Context, data, signature string) (deposit.Visit, error) {
	text, ok := decodeLink(data)
	if !ok {
		return deposit.Visit{}, ErrLinkData
	}
	in, err := parse(text)
	if err != nil {
		return deposit.Visit{}, ErrLinkData.Because(err)
	}
	client, ok := in.client()
	if !ok {
		return deposit.Visit{}, ErrLinkData.Because(errors.New("client_id"))
	}
	t, err := f.signer(ctx, client, text, signature)
	if err != nil {
		return deposit.Visit{}, err
	}
	return f.visit(ctx, t, in)
}

// visit reads what a merchant has signed.
func (f *Face) visit(ctx context.Context, t merchant.Tenant, in *fields) (deposit.Visit, error) {
	v := deposit.Visit{Bare: in.flag("is_iframe", false, false)}
	k, err := f.customer(ctx, t, in)
	if err != nil {
		return v, err
	}
	if _, has := in.get("url_back"); has {
		v.Back = in.link("url_back")
	}
	if asset, ok := f.Registry.Asset(k.Asset); ok {
		if _, has := in.get("amount"); has {
			v.Amount = in.shown("amount", asset.Currency, asset.Cap)
		}
	}
	if err := in.err(); err != nil {
		return v, ErrLinkData.Because(err)
	}
	v.Address, err = f.Deposits.Take(ctx, t, k)
	return v, err
}

// decodeLink reads base64 as links carry it: in the standard alphabet or that of URLs, padded or not, with blanks where a
// plus was not encoded.
func decodeLink(data string) ([]byte, bool) {
	plain := strings.TrimRight(strings.NewReplacer(" ", "+", "-", "+", "_", "/").Replace(data), "=")
	if plain == "" {
		return nil, false
	}
	text, err := base64.RawStdEncoding.DecodeString(plain)
	return text, err == nil
}

// client reads client_id, which some integrations put into additional_parameters.
func (f *fields) client() (int64, bool) {
	from := f
	if v, ok := f.get("additional_parameters"); ok && v.Kind == api.Object {
		if _, direct := f.get("client_id"); !direct {
			from = f.inside("additional_parameters", v)
		}
	}
	text := from.id("client_id", 10, true)
	n, err := strconv.ParseInt(text, 10, 32)
	return n, err == nil && n > 0 && strconv.FormatInt(n, 10) == text
}

// signer is the merchant whose key has signed a text. For a number nobody has it takes as long.
func (f *Face) signer(ctx context.Context, client int64, text []byte, signature string) (merchant.Tenant, error) {
	keys, err := f.Clients.KeysByNumber(ctx, client, merchant.DialectCoinsPaid)
	if err != nil {
		return merchant.Tenant{}, err
	}
	if len(keys) == 0 {
		_ = verify(dummySecret, text, signature) // the time it takes is the point
	}
	now := f.Now()
	for _, key := range keys {
		if t, ok := key.Admit(now, func(secret []byte) bool { return verify(secret, text, signature) }); ok {
			return t, nil
		}
	}
	return merchant.Tenant{}, ErrLinkSignature
}

// shown reads an amount that is only shown, in a coin, with eight decimals; more than the dialect writes is refused.
func (f *fields) shown(name string, coin money.Currency, most money.Amount) string {
	a, ok := f.amount(name, coin, money.Units(coin, 1).String())
	if !ok {
		return ""
	}
	if more, err := a.Cmp(most); err == nil && more > 0 {
		f.fault(name, "The "+f.said(name)+" may not be greater than "+most.String()+".")
	}
	return a.Rescale(8)
}
