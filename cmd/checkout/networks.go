package main

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"checkout/chain"
	"checkout/chain/bitcoin"
	"checkout/chain/evm"
	"checkout/chain/rpc"
	"checkout/chain/tron"
	"checkout/chain/xrp"
	"checkout/money"
	"checkout/watch"
)

// Names of settings as refusals give them.
const (
	rpcSetting      = "--rpc (CHECKOUT_RPC)"
	tokensSetting   = "--tokens (CHECKOUT_TOKENS)" //nolint:gosec // a setting's name
	finalitySetting = "--finality (CHECKOUT_FINALITY)"
)

// joined is a network of the settings, besides Bitcoin: what it offers, and its nodes.
type joined struct {
	network chain.Network
	assets  []chain.Asset
	nodes   []rpc.Config
}

// joined lists the networks that have a node, in the order they are shown in.
func (s *Settings) joined() ([]joined, error) {
	known, assets := joinable()
	var list []joined
	for _, n := range known {
		urls, named := s.RPC[n.ID]
		if !named {
			continue
		}
		j := joined{network: n}
		for _, a := range assets {
			if a.Network == n.ID {
				j.assets = append(j.assets, a)
			}
		}
		var err error
		if j.nodes, err = nodes(n, urls); err != nil {
			return nil, err
		}
		list = append(list, j)
	}
	for id := range s.RPC {
		if !slices.ContainsFunc(known, func(n chain.Network) bool { return n.ID == id }) {
			return nil, setting(rpcSetting, "There is no network "+strconv.Quote(id)+" to be watched this way; there are "+names(known)+".")
		}
	}
	return s.withTokens(list)
}

// joinable are the networks that can be watched besides Bitcoin, which has settings of its own, and their assets: those of the
// catalogue, and private ones.
func joinable() ([]chain.Network, []chain.Asset) {
	var networks []chain.Network
	catalogue := chain.Catalogue()
	assets := catalogue.Assets()
	for _, n := range catalogue.Networks() {
		if n.Family == chain.FamilyEVM || n.Family == chain.FamilyTron || n.Family == chain.FamilyXRP || (n.Family == chain.FamilyBitcoin && n.ID != "bitcoin") {
			networks = append(networks, n)
		}
	}
	for _, coin := range chain.UTXOCoins() {
		if n, a, ok := chain.UTXO(coin, "regtest"); ok && coin != "BTC" {
			networks, assets = append(networks, n), append(assets, a)
		}
	}
	dev, devCoin := chain.Devnet()
	sister, sisterCoin := chain.SisterDevnet()
	tron, trx := chain.TronDevnet()
	ledger, drops := chain.XRPDevnet()
	return append(networks, dev, sister, tron, ledger), append(assets, devCoin, sisterCoin, trx, drops)
}

// nodes reads the addresses of a network's nodes. They are not repeated in a refusal: they may hold a key.
func nodes(n chain.Network, urls string) ([]rpc.Config, error) {
	var list []rpc.Config
	for text := range strings.FieldsSeq(urls) {
		u, err := url.Parse(text)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return nil, setting(rpcSetting, "A node is http://user:pass@host:port or https://host/path; several of one network stand with spaces between them.")
		}
		list = append(list, nodeAt(n, u))
	}
	switch {
	case len(list) == 0:
		return nil, setting(rpcSetting, "Nodes are NETWORK=URL.")
	case len(list) > 1 && n.Family == chain.FamilyBitcoin:
		return nil, setting(rpcSetting, n.Name+" takes one node: a full node of your own sees its mempool, and others cannot stand in for that.")
	}
	return list, nil
}

// nodeAt is a node by its URL. TronGrid wants its key in a header: it is written where a password would be.
func nodeAt(n chain.Network, u *url.URL) rpc.Config {
	key, has := u.User.Password()
	if n.Family != chain.FamilyTron || !has || u.User.Username() != "" {
		return rpc.Config{URL: u.String()}
	}
	bare := *u
	bare.User = nil
	return rpc.Config{URL: strings.TrimSuffix(bare.String(), "/"), Headers: map[string]string{"TRON-PRO-API-KEY": key}}
}

// names lists networks.
func names(networks []chain.Network) string {
	var list []string
	for _, n := range networks {
		list = append(list, n.ID)
	}
	return strings.Join(list, ", ")
}

// withTokens adds the tokens the operator names, USDX@ethereum=0x…/18: code, network, contract and decimals, which are compared
// with the contract's own. On a main network nobody gets to call another contract by the name of a coin people know.
func (s *Settings) withTokens(list []joined) ([]joined, error) {
	catalogue := chain.Catalogue()
	for _, name := range slices.Sorted(maps.Keys(s.Tokens)) {
		text := s.Tokens[name]
		code, network, _ := strings.Cut(name, "@")
		contract, places, _ := strings.Cut(text, "/")
		decimals, err := strconv.ParseUint(places, 10, 8)
		if err != nil || decimals > 36 || !validCode(code) {
			return nil, setting(tokensSetting, "A token is CODE@NETWORK=CONTRACT/DECIMALS.")
		}
		at := slices.IndexFunc(list, func(j joined) bool { return j.network.ID == network })
		if at < 0 {
			return nil, setting(tokensSetting, "The network "+strconv.Quote(network)+" of "+code+" has no node.")
		}
		j := &list[at]
		if contract, err = contractOn(j.network, contract); err != nil {
			return nil, err
		}
		if _, taken := catalogue.Currency(code); (taken && j.network.Main) || slices.ContainsFunc(j.assets, func(a chain.Asset) bool { return a.Currency.Code == code }) {
			return nil, setting(tokensSetting, code+" is the name of another coin.")
		}
		j.assets = append(j.assets, chain.Token(j.network, j.assets[0].Confirmations, money.Currency{Code: code, Scale: uint8(decimals), Kind: money.Crypto}, contract)) //nolint:gosec // bounded above
	}
	return list, nil
}

// contractOn checks the address of a contract and gives it in its one form.
func contractOn(n chain.Network, text string) (string, error) {
	ok := false
	switch n.Family {
	case chain.FamilyEVM:
		text, ok = chain.EIP55(text)
	case chain.FamilyTron:
		_, ok = chain.ParseTronAddress(text)
	}
	if !ok {
		return "", setting(tokensSetting, "A token is CODE@NETWORK=CONTRACT/DECIMALS, with the contract's address on "+n.Name+".")
	}
	return text, nil
}

// validCode says whether a code may be that of a token: 2 to 10 capitals and digits, and no fiat currency's.
func validCode(code string) bool {
	if _, fiat := money.FiatByCode(code); fiat || len(code) < 2 || len(code) > 10 {
		return false
	}
	return strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

// The pace blocks are asked for: twice in a block time, within limits, so that a public provider is not asked more often than
// there is something new.
const (
	fastest = watchEvery
	slowest = 5 * time.Second
)

// sources makes a source of every network that has a node, with the time between two looks.
func (a *app) sources() ([]watch.Source, error) {
	var list []watch.Source
	if a.settings.BitcoinRPC != "" {
		network, coin, _ := chain.Bitcoin(a.settings.BitcoinNetwork)
		node, err := bitcoin.New(bitcoin.Config{
			RPC:     rpc.Config{URL: a.settings.BitcoinRPC, CookieFile: a.settings.BitcoinCookie, CAFile: a.settings.BitcoinCA},
			Network: network, Asset: a.configured(coin),
		})
		if err != nil {
			return nil, setting("--bitcoin-rpc (CHECKOUT_BITCOIN_RPC)", "The Bitcoin node's settings cannot be used.").Because(err)
		}
		list = append(list, node)
	}
	networks, err := a.settings.joined()
	if err != nil {
		return nil, err
	}
	for _, j := range networks {
		for i := range j.assets {
			j.assets[i] = a.configured(j.assets[i])
		}
		source, err := a.source(j)
		if err != nil {
			return nil, setting(rpcSetting, "The settings of the nodes of "+j.network.Name+" cannot be used.").Because(err)
		}
		list = append(list, source)
	}
	return list, nil
}

// source makes the adapter of a network's family.
func (a *app) source(j joined) (watch.Source, error) {
	switch j.network.Family {
	case chain.FamilyBitcoin:
		return bitcoin.New(bitcoin.Config{RPC: j.nodes[0], Network: j.network, Asset: j.assets[0], Now: a.now})
	case chain.FamilyEVM:
		return evm.New(evm.Config{
			RPC: j.nodes, Network: j.network, Assets: j.assets, Final: evm.Finality(a.settings.Finality[j.network.ID]), Now: a.now,
		})
	case chain.FamilyTron:
		return tron.New(tron.Config{RPC: j.nodes, Network: j.network, Assets: j.assets, Now: a.now})
	case chain.FamilyXRP:
		return xrp.New(xrp.Config{RPC: j.nodes, Network: j.network, Asset: j.assets[0], Now: a.now})
	}
	return nil, errors.New("no adapter for " + string(j.network.Family))
}

// sisters are the networks where addresses are the same as on one.
func (a *app) sisters(of chain.Network) []string {
	var list []string
	for _, n := range a.registry.Networks() {
		if n.Family == chain.FamilyEVM && of.Family == chain.FamilyEVM && !n.Played && !of.Played && n.ID != of.ID && n.Main == of.Main {
			list = append(list, n.ID)
		}
	}
	return list
}

// dust says whether a transfer is below what its asset calls dust.
func (a *app) dust(t chain.Transfer) bool {
	asset, ok := a.registry.Asset(t.Asset)
	less, err := t.Amount.Cmp(asset.Dust)
	return ok && err == nil && less < 0
}

// pace is the time between two looks at a network.
func pace(n chain.Network) time.Duration {
	if n.Family == chain.FamilyBitcoin {
		return watchEvery
	}
	return max(fastest, min(n.BlockTime/2, slowest))
}

// checkFinality refuses words no EVM network has.
func (s *Settings) checkFinality(networks []joined) error {
	for id, word := range s.Finality {
		if !slices.ContainsFunc(networks, func(j joined) bool { return j.network.ID == id && j.network.Family == chain.FamilyEVM }) ||
			(evm.Finality(word) != evm.Safe && evm.Finality(word) != evm.Finalized) {
			return setting(finalitySetting, "Finality is NETWORK=safe or NETWORK=finalized, of an EVM network that has a node.")
		}
	}
	return nil
}

// explorers are public pages about transactions, by network.
var explorers = map[string]string{ //nolint:gochecknoglobals // a constant
	"bitcoin":          "https://mempool.space/tx/",
	"bitcoin-testnet4": "https://mempool.space/testnet4/tx/",
	"bitcoin-signet":   "https://mempool.space/signet/tx/",
	"litecoin":         "https://litecoinspace.org/tx/",
	"dogecoin":         "https://dogechain.info/tx/",
	"bitcoincash":      "https://blockchair.com/bitcoin-cash/transaction/",
	"ethereum":         "https://etherscan.io/tx/",
	"bsc":              "https://bscscan.com/tx/",
	"polygon":          "https://polygonscan.com/tx/",
	"base":             "https://basescan.org/tx/",
	"arbitrum":         "https://arbiscan.io/tx/",
	"tron":             "https://tronscan.org/#/transaction/",
	"xrp":              "https://livenet.xrpl.org/transactions/",
	"optimism":         "https://optimistic.etherscan.io/tx/",
}

// explorer names a public page about a transaction, for networks that have one.
func explorer(network, tx string) string {
	if page, ok := explorers[network]; ok && !strings.HasPrefix(tx, chain.InferredPrefix) {
		return page + tx
	}
	return ""
}
