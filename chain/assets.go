package chain

import (
	"fmt"
	"time"

	"checkout/fault"
	"checkout/ident"
	"checkout/money"
)

// Family is the kind of software behind a network; an adapter serves one family.
type Family string

// The families.
const (
	FamilyBitcoin   Family = "bitcoin" // and all coins with Bitcoin's kind of transactions
	FamilyEVM       Family = "evm"     // Ethereum and every network that runs its virtual machine
	FamilyTron      Family = "tron"
	FamilyXRP       Family = "xrp"
	FamilySolana    Family = "solana"
	FamilyTON       Family = "ton"
	FamilyRehearsal Family = "rehearsal"
)

// HoldsAll says whether one address of the network can be paid with any of its assets.
func (n Network) HoldsAll() bool { return n.Family == FamilyEVM || n.Family == FamilyTron }

// TagKind is what a payment to a shared address must carry, so that it is known whose it is.
type TagKind string

// The kinds of a tag.
const (
	TagNumber TagKind = "tag"  // a number: the destination tag of the XRP Ledger
	TagText   TagKind = "memo" // a short text: the comment of a TON transfer
)

// EVM is what a wallet has to be told about a network of the EVM family. It is empty for other families.
type EVM struct {
	ChainID int64  // EIP-155: 1 is Ethereum, 56 BNB Smart Chain
	Title   string // the name in the list of chains that wallets compare with (ethereum-lists/chains)
	// RPC is the public address the network's own project publishes. We never ask it; it is only offered to a wallet that
	// does not know the network (EIP-3085).
	RPC string
}

// Network is one block chain.
type Network struct {
	ID        string // "bitcoin", "bitcoin-regtest", "rehearsal": in the store and the audit views
	Name      string // for people, with the word exchanges use: "Bitcoin", "Tron (TRC20)"
	Coin      string // code of the native coin, the name operators know it by
	Family    Family
	Main      bool          // coins here are worth money
	Played    bool          // there is no real network: the chain is played by this process
	Genesis   string        // hash of block 0; a node that names another is not ours
	BlockTime time.Duration // the usual time between two blocks
	Params    string        // the family's own name of it: "mainnet", "regtest"; of the XRP Ledger its network id
	EVM       EVM
	Starts    string  // what every address begins with: "T", "0x"; empty where they differ
	Tag       TagKind // what shared addresses need; empty where every payer gets an address of their own
	// Checkpoint is a later block that must be in it, where another network begins with the same blocks. Zero: none.
	Checkpoint BlockRef
}

// Serves says whether objects of an environment may use the network. Main networks are for live objects, the played
// one for test objects. A public or private test network of a real coin serves both: the operator who names one has
// made the whole installation a test (docs/decisions/0003).
func (n Network) Serves(env ident.Environment) bool {
	switch {
	case n.Played:
		return env == ident.Test
	case n.Main:
		return env == ident.Live
	default:
		return env.Valid()
	}
}

// Asset is something that can be paid with: a coin or token on one network. Assets are told apart by ID, never by
// symbol.
type Asset struct {
	ID            string // "btc", "usdt-tron": in links, the store and the audit views
	Name          string // "Bitcoin"
	Currency      money.Currency
	Network       string // Network.ID
	Confirmations int64  // blocks, the one it is in included, until a payment is final
	Dust          money.Amount
	Minimum       money.Amount // smallest sum a new invoice may ask for
	Cap           money.Amount // more than this in one transfer is not believed
	Large         money.Amount // more than this in one transfer is believed only if two nodes say so, where there are two; zero: one is enough
	Stable        bool         // its price does not move against fiat
	DuePlaces     int          // decimals an asked amount is rounded up to, so that it can be typed (payment-uris.md R11)
	Scheme        string       // of its payment URI: "bitcoin"; empty: there is no safe one
	Contract      string       // of a token: EIP-55 address, Tron contract, SPL mint, jetton master; empty: the network's own coin
	AddressFirst  bool         // the first QR code is the bare address and not the payment URI (payment-uris.md, qr_default)
	SubUnit       string       // name of the smallest unit people know: "sat", or empty
}

// IsLarge says whether one transfer of an amount is believed only if two nodes say so.
func (a Asset) IsLarge(amount money.Amount) bool {
	over, err := amount.Cmp(a.Large)
	return err == nil && a.Large.Sign() > 0 && over > 0
}

// Registry is the table of networks and assets of an installation. It is compiled in and filled at start; nobody
// types a contract or a number of decimals.
type Registry struct {
	networks []Network
	assets   []Asset
}

// ErrAsset is the fault of an asset nobody knows or that is not offered here.
var ErrAsset = fault.New(fault.NotFound, "asset_unknown", "This coin is not offered.")

// NewRegistry checks that every asset's network is there and that no id stands twice.
func NewRegistry(networks []Network, assets []Asset) (*Registry, error) {
	r := &Registry{}
	for _, n := range networks {
		if _, ok := r.Network(n.ID); ok || n.ID == "" {
			return nil, fmt.Errorf("network %q stands twice or has no id", n.ID)
		}
		r.networks = append(r.networks, n)
	}
	for _, a := range assets {
		if _, ok := r.Network(a.Network); !ok {
			return nil, fmt.Errorf("asset %q: no network %q", a.ID, a.Network)
		}
		if _, ok := r.Asset(a.ID); ok || a.ID == "" {
			return nil, fmt.Errorf("asset %q stands twice or has no id", a.ID)
		}
		if a.Confirmations < 1 || a.Currency.Kind != money.Crypto {
			return nil, fmt.Errorf("asset %q: no confirmations or no crypto currency", a.ID)
		}
		r.assets = append(r.assets, a)
	}
	return r, nil
}

// Networks lists all networks in the order they were given.
func (r *Registry) Networks() []Network { return append([]Network(nil), r.networks...) }

// Assets lists all assets in the order they were given.
func (r *Registry) Assets() []Asset { return append([]Asset(nil), r.assets...) }

// Network finds a network by id.
func (r *Registry) Network(id string) (Network, bool) {
	for _, n := range r.networks {
		if n.ID == id {
			return n, true
		}
	}
	return Network{}, false
}

// Asset finds an asset by id.
func (r *Registry) Asset(id string) (Asset, bool) {
	for _, a := range r.assets {
		if a.ID == id {
			return a, true
		}
	}
	return Asset{}, false
}

// Currency finds a currency, crypto or fiat, by its exact code.
func (r *Registry) Currency(code string) (money.Currency, bool) {
	for _, a := range r.assets {
		if a.Currency.Code == code {
			return a.Currency, true
		}
	}
	return money.FiatByCode(code)
}

// btc and ltct are the currencies of the assets below.
var (
	btc  = money.Currency{Code: "BTC", Scale: 8, Kind: money.Crypto}
	rusd = money.Currency{Code: "RUSD", Scale: 6, Kind: money.Crypto}
	ltct = money.Currency{Code: "LTCT", Scale: 8, Kind: money.Crypto}
)

// Bitcoin networks by the name CHECKOUT_BITCOIN_NETWORK gives them. The genesis hashes are those of Bitcoin Core's
// chainparams.cpp.
func Bitcoin(params string) (Network, Asset, bool) {
	n := Network{Name: "Bitcoin", Coin: "BTC", Family: FamilyBitcoin, Params: params, BlockTime: 10 * time.Minute}
	switch params {
	case "mainnet":
		n.ID, n.Main = "bitcoin", true
		n.Genesis = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
		// The first block that is not one of Bitcoin Cash (August 2017).
		n.Checkpoint = BlockRef{478_559, "00000000000000000019f112ec0a9982926f1258cdcc558dd7c3b7e5dc7fa148"}
	case "testnet4":
		n.ID, n.Name = "bitcoin-testnet4", "Bitcoin testnet4"
		n.Genesis = "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043"
	case "signet":
		n.ID, n.Name = "bitcoin-signet", "Bitcoin signet"
		n.Genesis = "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6"
	case "regtest":
		n.ID, n.Name, n.BlockTime = "bitcoin-regtest", "Bitcoin regtest", time.Minute
		n.Genesis = regtestGenesis
	default:
		return Network{}, Asset{}, false
	}
	return n, Asset{
		ID: "btc", Name: "Bitcoin", Currency: btc, Network: n.ID, Confirmations: 1,
		Dust: money.Units(btc, 1000), Minimum: money.Units(btc, 1000), Cap: money.Units(btc, 21_000_000*100_000_000),
		DuePlaces: 8, Scheme: "bitcoin", SubUnit: "sat",
	}, true
}

// Rehearsal is the played network and its coin, in the style of Litecoin's testnet.
func Rehearsal() (Network, Asset) {
	n := Network{
		ID: "rehearsal", Name: "Rehearsal", Coin: "LTCT", Family: FamilyRehearsal, Played: true,
		Genesis: "rehearsal-0", BlockTime: 3 * time.Second, Params: "rehearsal",
	}
	return n, Asset{
		ID: "ltct", Name: "Litecoin Testnet", Currency: ltct, Network: n.ID, Confirmations: 3,
		Dust: money.Units(ltct, 1000), Minimum: money.Units(ltct, 1000), Cap: money.Units(ltct, 84_000_000*100_000_000),
		DuePlaces: 8, Scheme: "litecoin",
	}
}

// RehearsalToken is a second thing to pay with on the played network, worth a dollar as stablecoins are: so that a choice of
// coins, a change between them and money in the wrong one can be rehearsed. It has no payment URI, as tokens of some networks.
func RehearsalToken() Asset {
	n, _ := Rehearsal()
	return Asset{
		ID: "rusd", Name: "Rehearsal Dollar", Currency: rusd, Network: n.ID, Confirmations: 3,
		Dust: money.Units(rusd, 1000), Minimum: money.Units(rusd, 10_000), Cap: money.Units(rusd, 1_000_000_000_000_000),
		Stable: true, DuePlaces: 2,
	}
}

// RehearsalEVM is a second played network, with the look of Ethereum's family, and a stablecoin on it: so that the pages of tokens can
// be seen without any node. Its chain id is nobody's, and no contract is at the token's address: a wallet that scans its codes finds
// nothing to send.
func RehearsalEVM() (Network, Asset) {
	n := Network{
		ID: "rehearsal-evm", Name: "Rehearsal EVM", Coin: "ETHT", Family: FamilyEVM, Played: true, Genesis: "rehearsal-evm-0",
		BlockTime: 3 * time.Second, Params: "rehearsal", Starts: "0x", EVM: EVM{ChainID: 2_009_123_456, Title: "Rehearsal"},
	}
	usdt := money.Currency{Code: "USDT", Scale: 6, Kind: money.Crypto}
	return n, stablecoin(n.ID, 3, "ethereum", usdt, "0x000000000000000000000000000000000000dEaD")
}
