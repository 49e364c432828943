package deposit

import (
	"checkout/money"
)

// Take asks for an address.
type Take struct {
	Origin           string
	Asset            string
	ConvertTo        string
	Group, Label     string
	Minimum          money.Amount // zero: the asset's own
	EndUserReference string
	Payer            string
}
