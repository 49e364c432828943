package ident

// Environment separates real money from test money. It is part of every key, object, account and endpoint, and
// nothing passes from one to the other.
type Environment string

// The environments.
const (
	Live Environment = "live"
	Test Environment = "test"
)

// Valid says whether e is one of the two.
func (e Environment) Valid() bool { return e == Live || e == Test }
