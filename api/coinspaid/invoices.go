package coinspaid

import (
	"context"
	"encoding/json"
	"math/big"
	"net/http"
	"regexp"
	"time"

	"checkout/api"
	"checkout/ident"
	"checkout/invoice"
	"checkout/money"
)

// invoiceAnswer is the answer of invoices/create, in the order of members the documentation shows.
type invoiceAnswer struct {
	ID               int64   `json:"id"`
	URL              string  `json:"url"`
	ForeignID        string  `json:"foreign_id"`
	EndUserReference string  `json:"end_user_reference,omitempty"`
	Address          *string `json:"address"`
	Title            string  `json:"title"`
	Name             string  `json:"name"` // repeats title, for clients that read it
	Status           string  `json:"status"`
	Currency         string  `json:"currency"`
	Amount           string  `json:"amount"`
	SenderCurrency   *string `json:"sender_currency"`
	SenderAmount     *string `json:"sender_amount"`
	FixedAt          *int64  `json:"fixed_at"`
	ReleaseAt        *int64  `json:"release_at"`
	SecondsLeft      *int64  `json:"seconds_left"`
}

// handleInvoiceCreate serves invoices/create (section 4.12). "timer" and "sender_currency" make the three types: 1 waits
// for the payer's choice, 2 has all prices frozen, 3 has coin, price and address at once.
func (f *Face) handleInvoiceCreate(w http.ResponseWriter, r *http.Request) {
	c, err := f.open(r)
	if err != nil {
		f.writeError(w, r, err)
		return
	}
	n, err := f.newInvoice(r.Context(), c)
	if err != nil {
		f.writeError(w, r, err)
		return
	}
	inv, err := f.Invoices.Create(r.Context(), c.Tenant, n)
	if err != nil {
		f.writeError(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, data{f.answer(inv, f.Now())})
}

// newInvoice reads the request. Every field is looked at, so that one answer names all that is wrong.
func (f *Face) newInvoice(ctx context.Context, c call) (invoice.New, error) {
	in := c.in
	timer := in.flag("timer", true, false)
	if _, has := in.get("title"); !has {
		if alias, ok := in.get("name"); ok {
			in.from["title"] = alias
		}
	}
	n := invoice.New{
		Origin: invoice.TermsCoinsPaid, Title: in.text("title", 50, true, false), Description: in.text("description", 1000, false, true),
		ForeignID: in.id("foreign_id", 255, true), EndUserReference: in.text("end_user_reference", 255, false, false),
		SuccessURL: in.link("url_success"), FailureURL: in.link("url_failed"), Email: in.email("email_user"),
	}
	partial := in.kind()
	n.Payer = in.sender()
	var err error
	if n.Price, err = f.price(ctx, c); err != nil {
		return invoice.New{}, err
	}
	if n.Asset, err = f.sender(ctx, c); err != nil {
		return invoice.New{}, err
	}
	if err := in.err(); err != nil {
		return invoice.New{}, err
	}
	m, err := f.Merchants.Find(ctx, c.Merchant())
	if err != nil {
		return invoice.New{}, err
	}
	tolerance, err := m.ToleranceOn(n.Price)
	if err != nil {
		return invoice.New{}, err
	}
	n.Terms = invoice.CoinsPaidTerms(tolerance, partial, timer && n.Asset == "")
	if !timer {
		n.Asset = "" // without a timer the coin is only preselected: nothing runs before the payer confirms
	}
	n.Once = ident.Once{Scope: "coinspaid invoice " + string(c.Merchant()) + " " + string(c.Env()), Key: n.ForeignID}
	return n, nil
}

// kind reads "type": fill_or_kill, also when empty, or good_until_expired.
func (f *fields) kind() (partial bool) {
	v, ok := f.get("type")
	switch {
	case !ok || (v.Kind == api.String && v.Text == "fill_or_kill"):
		return false
	case v.Kind == api.String && v.Text == "good_until_expired":
		return true
	}
	f.selected("type")
	return false
}

// currency reads what the invoice is priced in: a fiat currency, or a coin the merchant takes.
func (f *Face) currency(ctx context.Context, c call) (cur money.Currency, ok bool, err error) {
	v, given := c.in.get("currency")
	switch {
	case !given:
		c.in.required("currency")
		return cur, false, nil
	case v.Kind == api.String:
		if cur, ok = money.FiatByCode(v.Text); ok {
			return cur, true, nil
		}
		a, on, err := f.coin(ctx, c.Tenant, v.Text)
		if err != nil || on {
			return a.Currency, on, err
		}
	}
	c.in.selected("currency")
	return cur, false, nil
}

// The bounds of an invoice, in EUR.
const (
	minimumEUR = "10.00"
	maximumEUR = "1000000.00"
)

// price reads currency and amount, which has to keep within the bounds, stated in the invoice's currency.
func (f *Face) price(ctx context.Context, c call) (money.Amount, error) {
	cur, ok, err := f.currency(ctx, c)
	if err != nil {
		return money.Amount{}, err
	}
	if !ok { // of what currency it is does not matter then, but it has to be an amount
		c.in.decimal("amount")
		return money.Amount{}, nil
	}
	least, most := f.bound(minimumEUR, cur, money.RoundUp), f.bound(maximumEUR, cur, money.RoundDown)
	a, ok := c.in.amount("amount", cur, least.String())
	if !ok {
		return money.Amount{}, nil
	}
	if n, err := a.Cmp(least); err == nil && n < 0 {
		c.in.fault("amount", "The amount is too small. The minimum amount is "+least.String()+" "+cur.Code+".")
	}
	if n, err := a.Cmp(most); err == nil && n > 0 {
		c.in.fault("amount", "The amount may not be greater than "+most.String()+".")
	}
	return a, nil
}

// bound is a sum of EUR in another currency at today's price. Without one, fiat currencies take the figure itself, and
// the amount of a coin is bounded by its smallest unit alone: the invoice then fails for want of a rate.
func (f *Face) bound(eur string, cur money.Currency, rounding money.Rounding) money.Amount {
	euro, _ := money.FiatByCode("EUR")
	sum, err := money.Parse(euro, eur)
	if err != nil || cur == euro {
		return sum
	}
	if r, err := f.Rates.Price(euro, cur); err == nil {
		if a, err := r.Convert(sum, rounding); err == nil {
			return a
		}
	}
	if cur.Kind == money.Crypto && rounding == money.RoundUp {
		return money.Units(cur, 1)
	}
	scaled := new(big.Rat).SetFrac(sum.Units(), big.NewInt(100))
	scaled.Mul(scaled, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(cur.Scale)), nil)))
	return money.Round(cur, scaled, rounding)
}

// sender reads "sender_currency" and finds the coin, which the merchant must take.
func (f *Face) sender(ctx context.Context, c call) (asset string, err error) {
	v, ok := c.in.get("sender_currency")
	if !ok {
		return "", nil
	}
	if v.Kind == api.String {
		a, on, err := f.coin(ctx, c.Tenant, v.Text)
		if err != nil || on {
			return a.ID, err
		}
	}
	c.in.selected("sender_currency")
	return "", nil
}

var (
	isoDate    = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	isoCountry = regexp.MustCompile(`^[A-Z]{3}$`)
)

// sender reads "sender_type" and "sender_data", which are never required and are stored (section 4.5). Without "sender_type" it is a company if
// it has a company's name.
func (f *fields) sender() string {
	kind, given := f.get("sender_type")
	if given && (kind.Kind != api.String || (kind.Text != "natural" && kind.Text != "legal")) {
		f.selected("sender_type")
		return ""
	}
	p := payer{Type: kind.Text}
	v, ok := f.get("sender_data")
	if !ok || (v.Kind == api.Array && len(v.List) == 0) {
		return p.text()
	}
	if v.Kind != api.Object {
		f.format("sender_data")
		return ""
	}
	nested := f.inside("sender_data", v)
	if _, company := nested.get("legal_name"); kind.Text == "legal" || (!given && company) {
		p.LegalName = nested.text("legal_name", 255, true, false)
		p.Country = nested.text("country_of_registration", 255, true, false)
		if p.Country != "" && !isoCountry.MatchString(p.Country) {
			nested.selected("country_of_registration")
		}
	} else {
		p.FirstName, p.LastName = nested.text("first_name", 255, true, false), nested.text("last_name", 255, true, false)
		p.Born = nested.text("date_of_birth", 255, true, false)
		if p.Born != "" && !validDate(p.Born) {
			nested.format("date_of_birth")
		}
	}
	if mail, ok := nested.get("email"); ok && mail.Kind == api.String && len(mail.Text) <= 255 {
		p.Email = mail.Text
	}
	return p.text()
}

// payer is who pays, as the shop tells it and as it is kept.
type payer struct {
	Type      string `json:"type,omitempty"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	Born      string `json:"date_of_birth,omitempty"`
	LegalName string `json:"legal_name,omitempty"`
	Country   string `json:"country_of_registration,omitempty"`
	Email     string `json:"email,omitempty"`
}

func (p payer) text() string {
	if p == (payer{}) {
		return ""
	}
	text, err := json.Marshal(p)
	if err != nil { // strings always marshal
		return ""
	}
	return string(text)
}

func validDate(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil && isoDate.MatchString(text)
}

// answer writes an invoice as invoices/create shows it.
func (f *Face) answer(inv *invoice.Invoice, now time.Time) invoiceAnswer {
	a := invoiceAnswer{
		ID: inv.Number, URL: f.BaseURL + "/i/" + string(inv.ID), ForeignID: inv.ForeignID, EndUserReference: inv.EndUserReference,
		Title: inv.Title, Name: inv.Title, Status: wireState(inv.Outcome.State, inv.Outcome.Amount), Currency: priceCode(f.Registry, inv.Price.Currency()),
		Amount: inv.Price.Rescale(8),
	}
	if q, ok := inv.Quote(inv.Asset); ok {
		fixed, release := q.At.Unix(), q.Until.Unix()
		left := max(0, release-now.Unix())
		a.FixedAt, a.ReleaseAt, a.SecondsLeft = &fixed, &release, &left
	}
	if m, ok := inv.Method(inv.Asset); ok {
		code, due := codeIn(f.Registry, m.Asset, m.Currency), inv.Outcome.Due.Rescale(8)
		a.SenderCurrency, a.SenderAmount = &code, &due
	}
	if addr, ok := inv.Address(inv.Asset); ok {
		shown := addr.Shown()
		a.Address = &shown
	}
	return a
}
