package chain

import (
	"time"

	"checkout/money"
)

// Devnet is a private network of the EVM family, as anvil and geth's developer mode run it, and its coin. What it has of tokens
// its operator says (DevToken).
func Devnet() (Network, Asset) {
	n := Network{
		ID: "ethereum-dev", Name: "Ethereum devnet", Coin: "ETH", Family: FamilyEVM, BlockTime: time.Second, Params: "dev", Starts: "0x",
		EVM: EVM{ChainID: 31337, Title: "Ethereum devnet"},
	}
	return n, coin("eth", "Ethereum", "ETH", 18, n.ID, 3, Asset{DuePlaces: 6, Scheme: "ethereum"}, limits{5, 4, 200_000_000})
}

// DevToken is a stablecoin on a private network, made there.
func DevToken(code string, scale uint8, contract string) Asset {
	n, _ := Devnet()
	return stablecoin(n.ID, 3, "ethereum", money.Currency{Code: code, Scale: scale, Kind: money.Crypto}, contract)
}
