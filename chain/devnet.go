package chain

import (
	"strings"
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

// SisterDevnet is a second one, where addresses are the same.
func SisterDevnet() (Network, Asset) {
	n, _ := Devnet()
	n.ID, n.Name, n.Coin, n.EVM = "bsc-dev", "BNB devnet", "BNB", EVM{ChainID: 31338, Title: "BNB devnet"}
	return n, coin("bnb", "BNB", "BNB", 18, n.ID, 3, Asset{DuePlaces: 6, Scheme: "ethereum"}, limits{4, 3, 200_000_000})
}

// DevToken is a stablecoin on a private network, made there.
func DevToken(code string, scale uint8, contract string) Asset {
	n, coin := Devnet()
	return Token(n, coin.Confirmations, money.Currency{Code: code, Scale: scale, Kind: money.Crypto}, contract)
}

// Token is a token of a network the catalogue does not have, known by its contract alone. On networks whose coins are worth
// nothing the codes of known stablecoins mean what they do elsewhere.
func Token(n Network, confirmations int64, c money.Currency, contract string) Asset {
	scheme := "ethereum"
	if n.Family == FamilyTron {
		scheme = "" // no wallet can be told of a token by a link
	}
	if _, known := stablecoins[c.Code]; known {
		return stablecoin(n.ID, confirmations, scheme, c, contract)
	}
	return coin(strings.ToLower(c.Code)+"-"+n.ID, c.Code, c.Code, c.Scale, n.ID, confirmations,
		Asset{DuePlaces: min(int(c.Scale), 6), Scheme: scheme, Contract: contract, AddressFirst: true}, limits{min(int(c.Scale), 6), min(int(c.Scale), 4), 1_000_000_000_000_000})
}

// TronDevnet is a private network with Tron's face (package chain/tron/devnet), and its coin.
func TronDevnet() (Network, Asset) {
	n := Network{
		ID: "tron-dev", Name: "Tron devnet", Coin: "TRX", Family: FamilyTron, BlockTime: time.Second, Params: "dev", Starts: "T",
		Genesis: strings.Repeat("0", 16) + strings.Repeat("de", 24),
	}
	return n, coin("trx", "TRON", "TRX", 6, n.ID, 3, Asset{DuePlaces: 3, Scheme: "tron", AddressFirst: true}, limits{1, 0, 200_000_000_000})
}

// XRPDevnet is a private XRP Ledger (package chain/xrp/devnet), and its coin.
func XRPDevnet() (Network, Asset) {
	n := Network{
		ID: "xrp-dev", Name: "XRP devnet", Coin: "XRP", Family: FamilyXRP, BlockTime: time.Second, Params: "63456", Starts: "r", Tag: TagNumber,
	}
	return n, coin("xrp", "XRP", "XRP", 6, n.ID, 1, Asset{DuePlaces: 3, Scheme: "ripple", AddressFirst: true}, limits{2, 1, 100_000_000_000})
}
