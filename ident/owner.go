package ident

// Owner is an object that addresses are assigned to and money arrives for.
type Owner struct {
	Kind string
	ID   ID
}

// The kinds of an owner, as the store and the audit views name them.
const (
	OwnerInvoice = "invoice"
	OwnerDeposit = "deposit"
)
