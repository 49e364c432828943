package rate

import (
	"time"

	"checkout/ident"
	"checkout/money"
)

// Quote is a price with a time limit. It is written once and never changed: what was due at it can be computed again
// for ever.
type Quote struct {
	ID    ident.ID
	Rate  money.Rate // value of one whole unit of the coin in the invoice currency
	At    time.Time
	Until time.Time
	Basis []Sample // what the rate was made of
}

// Due is the smallest amount of the coin that is worth at least price at this quote.
func (q Quote) Due(price money.Amount) (money.Amount, error) {
	return q.Rate.Invert().Convert(price, money.RoundUp)
}
