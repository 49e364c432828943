package ident

// Once is an idempotency key: in its scope (merchant, environment and kind of request) a key is used one time only.
// The zero value means that the request may be repeated.
type Once struct {
	Scope string
	Key   string
}

// IsZero says whether there is no key.
func (o Once) IsZero() bool { return o == Once{} }
