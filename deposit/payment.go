package deposit

// Payment is one transfer to a deposit address.
type Payment struct{}
