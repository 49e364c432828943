package chain

import (
	"math/big"
	"strings"
	"time"

	"checkout/money"
)

// Catalogue is every network and asset the payment pages know how to ask for: main networks, ordered by coin and then
// by network. It offers nothing: an installation's Registry says what can be paid with, and holds only coins whose
// network is watched. The rows are those of payment-uris.md; contracts are the issuers' own publications, and a test
// holds each against its checksum.
func Catalogue() *Registry {
	r, err := NewRegistry(networks(), assets())
	if err != nil {
		panic("chain: the catalogue: " + err.Error()) // a row is wrong: the first test of any package that uses it fails
	}
	return r
}

// networks are the main networks. Genesis is named where an adapter compares it; EVM networks are told apart by chain id.
func networks() []Network {
	bitcoin, _, _ := Bitcoin("mainnet")
	return append(append([]Network{bitcoin}, utxoNetworks()...), []Network{
		evm("ethereum", "Ethereum (ERC20)", "ETH", 12*time.Second, EVM{1, "Ethereum Mainnet", ""}),
		evm("bsc", "BNB Smart Chain (BEP20)", "BNB", time.Second, EVM{56, "BNB Smart Chain Mainnet", "https://bsc-dataseed.bnbchain.org"}),
		evm("polygon", "Polygon (PoS)", "POL", 2*time.Second, EVM{137, "Polygon Mainnet", "https://polygon-rpc.com"}),
		evm("base", "Base", "ETH", 2*time.Second, EVM{8453, "Base", "https://mainnet.base.org"}),
		evm("arbitrum", "Arbitrum", "ETH", time.Second, EVM{42161, "Arbitrum One", "https://arb1.arbitrum.io/rpc"}),
		evm("optimism", "Optimism", "ETH", 2*time.Second, EVM{10, "OP Mainnet", "https://mainnet.optimism.io"}),
		{ID: "tron", Name: "Tron (TRC20)", Coin: "TRX", Family: FamilyTron, Main: true, BlockTime: 3 * time.Second, Starts: "T", Genesis: "00000000000000001ebf88508a03865c71d452e25f4d51194196a1d22b6653dc"},
		{ID: "xrp", Name: "XRP Ledger", Coin: "XRP", Family: FamilyXRP, Main: true, BlockTime: 4 * time.Second, Starts: "r", Tag: TagNumber, Params: "0"},
		{ID: "solana", Name: "Solana", Coin: "SOL", Family: FamilySolana, Main: true, BlockTime: time.Second},
		{ID: "ton", Name: "TON", Coin: "TON", Family: FamilyTON, Main: true, BlockTime: 5 * time.Second, Tag: TagText},
	}...)
}

func evm(id, name, coin string, block time.Duration, e EVM) Network {
	return Network{ID: id, Name: name, Coin: coin, Family: FamilyEVM, Main: true, BlockTime: block, EVM: e, Starts: "0x"}
}

// assets are the coins and tokens. Places are those of rule R11. Dust is what is not worth a transaction of its own;
// a cap is more than there will ever be, so that a node's nonsense is not believed.
func assets() []Asset {
	_, btc, _ := Bitcoin("mainnet")
	list := append(append([]Asset{btc}, utxoAssets()...), []Asset{
		coin("eth", "Ethereum", "ETH", 18, "ethereum", 12, Asset{DuePlaces: 6, Scheme: "ethereum"}, limits{5, 4, 200_000_000}),
		coin("eth-base", "Ethereum", "ETH", 18, "base", 40, Asset{DuePlaces: 6, Scheme: "ethereum"}, limits{5, 4, 200_000_000}),
		coin("eth-arbitrum", "Ethereum", "ETH", 18, "arbitrum", 40, Asset{DuePlaces: 6, Scheme: "ethereum"}, limits{5, 4, 200_000_000}),
		coin("eth-optimism", "Ethereum", "ETH", 18, "optimism", 40, Asset{DuePlaces: 6, Scheme: "ethereum"}, limits{5, 4, 200_000_000}),
		coin("bnb", "BNB", "BNB", 18, "bsc", 15, Asset{DuePlaces: 6, Scheme: "ethereum"}, limits{4, 3, 200_000_000}),
		coin("pol", "Polygon", "POL", 18, "polygon", 40, Asset{DuePlaces: 3, Scheme: "ethereum"}, limits{2, 0, 20_000_000_000}),
		coin("trx", "TRON", "TRX", 6, "tron", 19, Asset{DuePlaces: 3, Scheme: "tron", AddressFirst: true}, limits{1, 0, 200_000_000_000}),
		coin("xrp", "XRP", "XRP", 6, "xrp", 1, Asset{DuePlaces: 3, Scheme: "ripple", AddressFirst: true}, limits{2, 1, 100_000_000_000}),
		// An account that holds less than 0.00089088 SOL is not kept, so a first payment must be more.
		coin("sol", "Solana", "SOL", 9, "solana", 1, Asset{DuePlaces: 6, Scheme: "solana"}, limits{3, 3, 2_000_000_000}),
		coin("ton", "Toncoin", "TON", 9, "ton", 1, Asset{DuePlaces: 3, Scheme: "ton", AddressFirst: true}, limits{2, 1, 10_000_000_000}),
	}...)
	return append(list, tokens()...)
}

// tokens are all stablecoins; their limits are the same everywhere.
func tokens() []Asset {
	var list []Asset
	for _, t := range []struct {
		network       string
		confirmations int64
		scheme        string
		code          string
		scale         uint8
		contract      string
	}{
		{"ethereum", 12, "ethereum", "USDT", 6, "0xdAC17F958D2ee523a2206206994597C13D831ec7"},
		{"tron", 19, "", "USDT", 6, "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"},
		{"bsc", 15, "ethereum", "USDT", 18, "0x55d398326f99059fF775485246999027B3197955"},
		{"polygon", 40, "ethereum", "USDT", 6, "0xc2132D05D31c914a87C6611C10748AEb04B58e8F"},
		{"arbitrum", 40, "ethereum", "USDT", 6, "0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9"},
		{"solana", 1, "solana", "USDT", 6, "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"},
		{"ton", 1, "ton", "USDT", 6, "EQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_sDs"},
		{"ethereum", 12, "ethereum", "USDC", 6, "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"},
		{"tron", 19, "", "USDC", 6, "TEkxiTehnzSmSe2XqrBj4w32RUN966rdz8"},
		{"bsc", 15, "ethereum", "USDC", 18, "0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d"},
		{"polygon", 40, "ethereum", "USDC", 6, "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359"},
		{"base", 40, "ethereum", "USDC", 6, "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"},
		{"arbitrum", 40, "ethereum", "USDC", 6, "0xaf88d065e77c8cC2239327C5EDb3A432268e5831"},
		{"solana", 1, "solana", "USDC", 6, "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"},
		{"ethereum", 12, "ethereum", "DAI", 18, "0x6B175474E89094C44Da98b954EedeAC495271d0F"},
	} {
		c := money.Currency{Code: t.code, Scale: t.scale, Kind: money.Crypto}
		list = append(list, stablecoin(t.network, t.confirmations, t.scheme, c, t.contract))
	}
	return list
}

// stablecoins are worth a dollar each, and have these names.
var stablecoins = map[string]string{"USDT": "Tether USD", "USDC": "USD Coin", "DAI": "Dai"}

func stablecoin(network string, confirmations int64, scheme string, c money.Currency, contract string) Asset {
	a := coin(strings.ToLower(c.Code)+"-"+network, stablecoins[c.Code], c.Code, c.Scale, network, confirmations,
		Asset{DuePlaces: 2, Stable: true, Scheme: scheme, Contract: contract, AddressFirst: true}, limits{2, 0, 1_000_000_000_000})
	a.Large = money.New(c, new(big.Int).Mul(big.NewInt(1000), fraction(c, 0).Units()))
	return a
}

// limits of a coin: dust and minimum as a power of ten below one coin (4: 0.0001, 0: 1), the cap in whole coins.
type limits struct {
	dust, minimum int
	most          int64
}

// coin fills in what all rows have.
func coin(id, name, code string, scale uint8, network string, confirmations int64, a Asset, l limits) Asset {
	a.ID, a.Name, a.Network, a.Confirmations = id, name, network, confirmations
	a.Currency = money.Currency{Code: code, Scale: scale, Kind: money.Crypto}
	a.Dust, a.Minimum = fraction(a.Currency, l.dust), fraction(a.Currency, l.minimum)
	a.Cap = money.New(a.Currency, new(big.Int).Mul(big.NewInt(l.most), fraction(a.Currency, 0).Units()))
	return a
}

// fraction is 10^-places of one coin.
func fraction(c money.Currency, places int) money.Amount {
	return money.New(c, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.Scale)-int64(places)), nil))
}
