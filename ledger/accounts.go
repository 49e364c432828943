package ledger

import (
	"strings"

	"checkout/ident"
)

// Account names a place money can be. Accounts are not made before they are used.
type Account string

// Own is minus what lies on addresses of merchants' own wallets on a network.
func Own(network string) Account { return Account("chain:" + network + ":own") }

// Dust and Unmatched hold what was seen on our addresses and belongs to no object. It never reaches a merchant's
// accounts by itself.
func Dust(network string) Account      { return Account("suspense:dust:" + network) }
func Unmatched(network string) Account { return Account("suspense:unmatched:" + network) }

// Merchant is one of a merchant's accounts: "available", "own", "unallocated", "reserved". Test money has accounts
// of its own, "merchant:<id>:test:own".
func Merchant(id ident.ID, env ident.Environment, pot string) Account {
	if env == ident.Test {
		return Account("merchant:" + string(id) + ":test:" + pot)
	}
	return Account("merchant:" + string(id) + ":" + pot)
}

// The pots of a merchant.
const (
	PotOwn         = "own"         // arrived in the merchant's own wallet: known, not ours to move
	PotUnallocated = "unallocated" // confirmed, not yet anybody's: short, late, wrong asset
)

// IsMerchant says whether the account is a merchant's.
func (a Account) IsMerchant() bool { return strings.HasPrefix(string(a), "merchant:") }
