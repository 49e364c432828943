package bitcoin_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"checkout/chain"
	"checkout/chain/bitcoin"
	"checkout/chain/rpc"
)

// blocks answers getblockhash as a node of a network.
func blocks(network chain.Network) func([]any) any {
	return func(params []any) any {
		switch params[0] {
		case float64(0):
			return network.Genesis
		case float64(network.Checkpoint.Height):
			return network.Checkpoint.Hash
		}
		return strings.Repeat("ab", 32)
	}
}

// mainNode is a node of a coin's main network that is up to date.
func mainNode(now time.Time, hashes func([]any) any) script {
	return chainOf(900_000).with("getblockhash", hashes).with("getblockchaininfo", func([]any) any {
		return map[string]any{"blocks": 900_000, "headers": 900_000, "bestblockhash": strings.Repeat("ab", 32), "mediantime": now.Unix()}
	})
}

func mainAdapter(t *testing.T, coin string, s script, now time.Time) *bitcoin.Node {
	t.Helper()
	network, asset, ok := chain.UTXO(coin, "mainnet")
	if !ok {
		t.Fatalf("no coin %s", coin)
	}
	n, err := bitcoin.New(bitcoin.Config{
		RPC: rpc.Config{URL: serve(t, s)}, Network: network, Asset: asset, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A node of each coin is refused for each other coin, though Bitcoin and Bitcoin Cash begin with the same blocks.
func TestCoinsAreToldApart(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for _, configured := range chain.UTXOCoins() {
		for _, real := range chain.UTXOCoins() {
			network, _, _ := chain.UTXO(real, "mainnet")
			_, err := mainAdapter(t, configured, mainNode(now, blocks(network)), now).Tip(t.Context())
			if real == configured && err != nil || real != configured && !errors.Is(err, bitcoin.ErrWrongNetwork) {
				t.Errorf("a node of %s for %s: %v", real, configured, err)
			}
		}
	}
}

// Chains that left Bitcoin Cash have its first blocks, and the one at which it left Bitcoin, too.
func TestLaterSplits(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	bch, _, _ := chain.UTXO("BCH", "mainnet")
	hashes := func(params []any) any {
		switch params[0] {
		case float64(0):
			return bch.Genesis
		case float64(478_559):
			return "000000000000000000651ef99cb9fcbe0dadde1d424bd9f15ff20136191a5eec"
		}
		return strings.Repeat("cd", 32)
	}
	_, err := mainAdapter(t, "BCH", mainNode(now, hashes), now).Tip(t.Context())
	wantFault(t, "Tip", err, bitcoin.ErrWrongNetwork)
}

// A node that has not come to the block networks are told apart by is still syncing, whatever it says, and nothing is read
// from it. It is asked again until it has.
func TestBeforeTheCheckpoint(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	network, _, _ := chain.UTXO("BCH", "mainnet")
	var there atomic.Bool
	n := mainAdapter(t, "BCH", mainNode(now, func(params []any) any {
		if params[0] != float64(0) && !there.Load() {
			return refusal{Code: -8, Message: "Block height out of range"}
		}
		return blocks(network)(params)
	}), now)
	_, err := n.Tip(t.Context())
	wantFault(t, "Tip", err, bitcoin.ErrSyncing)
	_, err = n.Block(t.Context(), 1)
	wantFault(t, "Block", err, bitcoin.ErrSyncing)
	there.Store(true)
	if _, err := n.Tip(t.Context()); err != nil {
		t.Errorf("it has the block now: %v", err)
	}
}

// What getblock is given for a block's bytes: releases of Dogecoin Core take a truth value for it.
func TestRawBlockAsked(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for coin, want := range map[string]any{"BTC": float64(0), "LTC": float64(0), "BCH": float64(0), "DOGE": false} {
		network, _, _ := chain.UTXO(coin, "mainnet")
		var asked any
		s := mainNode(now, blocks(network)).with("getblock", func(params []any) any {
			asked = params[1]
			return "00"
		})
		_, err := mainAdapter(t, coin, s, now).Block(t.Context(), 5)
		wantFault(t, "Block", err, bitcoin.ErrBlockInvalid)
		if asked != want {
			t.Errorf("%s: asked with %v, want %v", coin, asked, want)
		}
	}
}

func TestCoinConfigRefused(t *testing.T) {
	ltc, _, _ := chain.UTXO("LTC", "regtest")
	_, doge, _ := chain.UTXO("DOGE", "regtest")
	doge.Network = ltc.ID
	unknown := ltc
	unknown.Coin = "XXX"
	evm, _ := chain.Catalogue().Network("ethereum")
	for name, c := range map[string]bitcoin.Config{
		"another coin's asset": {Network: ltc, Asset: doge},
		"unknown coin":         {Network: unknown, Asset: doge},
		"another family":       {Network: evm, Asset: doge},
	} {
		c.RPC = rpc.Config{URL: "http://h"}
		if _, err := bitcoin.New(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
