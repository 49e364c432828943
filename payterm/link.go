package payterm

import (
	"io"
	"slices"
	"strings"
	"time"

	"checkout/ident"
	"checkout/merchant"
	"checkout/money"
)

// Link is a payment link, as posters and messages carry it. Each start makes an invoice, or a deposit address, of its own.
type Link struct {
	ID          ident.ID
	Merchant    ident.ID
	Env         ident.Environment
	Slug        string // in /l/{slug}; see ParseSlug
	Title       string
	Description string
	Mode        Mode // fixed, customer or deposit
	Currency    money.Currency
	Amount      money.Amount   // of ModeFixed
	Min, Max    money.Amount   // of ModeCustomer; zero: no bound but MaxAmount
	Suggestions []money.Amount // of ModeCustomer
	Stock       int64          // how many payments; 0: no limit, 1: single use
	Expires     time.Time      // zero: never
	Message     string         // for visitors of a link that is over; may be empty
	SuccessURL  string         // "{ID}" in it becomes the invoice's capability id
	Fields      []Field        // what the payer is asked
	Private     bool           // previews of the page name no sum
	Created     time.Time
	Revoked     time.Time // zero: in use
}

// Field is something the payer is asked.
type Field struct {
	Name     string `json:"name"`
	Required bool   `json:"required,omitempty"`
}

func (l Link) sums() sums { return newSums(l.Mode, l.Currency, l.Amount, l.Min, l.Max) }

// Check refuses what may not be stored. now is the instant it would be made.
func (l Link) Check(now time.Time) error {
	switch {
	case !merchant.Presentable(l.Title, maxTitle):
		return ErrTitle
	case !prose(l.Description, maxDescription):
		return ErrDescription
	case !prose(l.Message, maxMessage):
		return ErrMessage
	case !address(l.SuccessURL):
		return ErrURL.At("success_url")
	case !l.Expires.IsZero() && !l.Expires.After(now):
		return ErrExpires
	case l.Stock < 0 || l.Stock > MaxStock || (l.Stock > 0 && l.Mode == ModeDeposit):
		return ErrStock
	}
	if err := l.sums().check(ModeFixed, ModeCustomer, ModeDeposit); err != nil {
		return err
	}
	return l.checkForm()
}

// checkForm refuses suggestions and questions that make no form.
func (l Link) checkForm() error {
	if len(l.Suggestions) > maxSuggestions || (len(l.Suggestions) > 0 && l.Mode != ModeCustomer) {
		return ErrSuggestions
	}
	for i, a := range l.Suggestions {
		if l.sums().takes(a) != nil || slices.ContainsFunc(l.Suggestions[:i], a.Equal) {
			return ErrSuggestions
		}
	}
	if len(l.Fields) > maxFields || (len(l.Fields) > 0 && l.Mode == ModeDeposit) {
		return ErrFields
	}
	for i, f := range l.Fields {
		again := slices.ContainsFunc(l.Fields[:i], func(g Field) bool { return strings.EqualFold(f.Name, g.Name) })
		if !merchant.Presentable(f.Name, maxFieldName) || again {
			return ErrFields
		}
	}
	return nil
}

// prose is plain text that may be missing and may have line breaks.
func prose(text string, limit int) bool { return clean(strings.ReplaceAll(text, "\n", " "), limit) }

// address is a page to go to after paying, if one is named.
func address(text string) bool {
	return text == "" || merchant.SafeLink(strings.ReplaceAll(text, "{ID}", "7K3M9Q2X7K3M9Q2X7K3M9Q2X7K"))
}

// Start is what a payer says on a link's page.
type Start struct {
	Amount money.Amount // of ModeCustomer; a fixed sum may be left out
	Fields map[string]string
	Once   string // from the form, so that it is good for one invoice
}

// read is what a start asks for, and what the invoice says of it.
func (l Link) read(f Start) (price money.Amount, text string, err error) {
	if text, err = l.answers(f.Fields); err != nil {
		return price, "", err
	}
	if text == "" {
		text = l.Description
	}
	if f.Amount.Currency().IsZero() {
		f.Amount = money.Zero(l.Currency)
	}
	price, err = l.sums().price(f.Amount)
	return price, text, err
}

// answers writes down what the payer was asked, a line each.
func (l Link) answers(said map[string]string) (string, error) {
	for name := range said {
		if !slices.ContainsFunc(l.Fields, func(f Field) bool { return f.Name == name }) {
			return "", ErrField.Saying("This was not asked.").At(name)
		}
	}
	var lines []string
	for _, f := range l.Fields {
		value := strings.TrimSpace(said[f.Name])
		if (value == "" && f.Required) || !clean(value, maxValue) {
			return "", ErrField.At(f.Name)
		}
		if value != "" {
			lines = append(lines, f.Name+": "+value)
		}
	}
	return strings.Join(lines, "\n"), nil
}

// SlugLength is the number of characters of a slug, five bits each.
const SlugLength = 10

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewSlug draws the name of a link or a button.
func NewSlug(random io.Reader) string { return string(ident.New(random))[:SlugLength] }

// ParseSlug reads a slug as people spell it: in either case, with I and L for 1 and O for 0.
func ParseSlug(text string) (string, bool) {
	if len(text) != SlugLength {
		return "", false
	}
	out := []byte(text)
	for i, b := range out {
		if b >= 'a' && b <= 'z' {
			b -= 'a' - 'A'
		}
		switch b {
		case 'I', 'L':
			b = '1'
		case 'O':
			b = '0'
		}
		if strings.IndexByte(crockford, b) < 0 {
			return "", false
		}
		out[i] = b
	}
	return string(out), true
}
