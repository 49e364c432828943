package rehearsal_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"checkout/chain"
	"checkout/chain/chaintest"
	"checkout/chain/rehearsal"
	"checkout/money"
	"checkout/store"
	"checkout/store/storetest"
)

// open gives a played chain of three blocks in a store of its own.
func open(t *testing.T) *rehearsal.Chain {
	t.Helper()
	db := storetest.Open(t, storetest.Config("sqlite:"+filepath.Join(t.TempDir(), "played.db"), time.Now))
	network, asset := chain.Rehearsal()
	c := &rehearsal.Chain{Keeper: store.Played{Chains: store.Chains{DB: db}, Network: network.ID}, Net: network, Asset: asset, Random: rand.Reader}
	must(t, c.Mine(t.Context(), 3))
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func units(c *rehearsal.Chain, n int64) money.Amount { return money.Units(c.Asset.Currency, n) }

// driver plays on the chain what the suite asks for.
type driver struct {
	*rehearsal.Chain
	addresses int
}

func (d *driver) Asset() chain.Asset { return d.Chain.Asset }

func (d *driver) Address(*testing.T) string {
	d.addresses++
	return fmt.Sprintf("address %d", d.addresses)
}

func (d *driver) Pay(t *testing.T, address string, n int64) string {
	id, err := d.Chain.Pay(t.Context(), address, units(d.Chain, n), false)
	must(t, err)
	return id
}

func (d *driver) Replace(t *testing.T, txid, address string, n int64) string {
	id, err := d.Chain.Replace(t.Context(), txid, address, units(d.Chain, n))
	must(t, err)
	return id
}

func (d *driver) Mine(t *testing.T, blocks int) { must(t, d.Chain.Mine(t.Context(), blocks)) }

func (d *driver) Reorg(t *testing.T, depth int) { must(t, d.Reorganise(t.Context(), depth, nil)) }

func TestBehaviour(t *testing.T) {
	chaintest.Run(t, func(t *testing.T) (chaintest.Source, chaintest.Driver) {
		c := open(t)
		return c, &driver{Chain: c}
	})
}

// The first look makes block 0, whose hash is the one of the network.
func TestGenesis(t *testing.T) {
	c := open(t)
	h, err := c.Header(t.Context(), 0)
	must(t, err)
	if h.Hash != c.Network().Genesis || h.Parent != "" {
		t.Errorf("block 0 is %+v", h)
	}
}

// A restart finds the chain where it was.
func TestRestart(t *testing.T) {
	c := open(t)
	id, err := c.Pay(t.Context(), "ours", units(c, 5000), false)
	must(t, err)
	again := &rehearsal.Chain{Keeper: c.Keeper, Net: c.Net, Asset: c.Asset, Random: rand.Reader}
	before, err1 := c.Tip(t.Context())
	after, err2 := again.Tip(t.Context())
	must(t, errors.Join(err1, err2))
	pool, err := again.Mempool(t.Context(), func(string) bool { return false })
	must(t, err)
	if _, there := pool.IDs[id]; before != after || !there {
		t.Errorf("the tip was %+v and is %+v, the payment is there: %v", before, after, there)
	}
}

func TestHeldPaymentsAreNotMined(t *testing.T) {
	c := open(t)
	held, err := c.Pay(t.Context(), "ours", units(c, 5000), true)
	must(t, err)
	must(t, c.Mine(t.Context(), 1))
	if !contains(t, c, held) {
		t.Error("a held payment left the pool")
	}
	must(t, c.Release(t.Context(), held))
	must(t, c.Mine(t.Context(), 1))
	if contains(t, c, held) {
		t.Error("a released payment stays in the pool")
	}
}

func contains(t *testing.T, c *rehearsal.Chain, id string) bool {
	t.Helper()
	pool, err := c.Mempool(t.Context(), func(string) bool { return true })
	must(t, err)
	_, there := pool.IDs[id]
	return there
}

// A payment named in a reorganisation is gone: the new branch spends its coin elsewhere.
func TestDoubleSpend(t *testing.T) {
	c := open(t)
	id, err := c.Pay(t.Context(), "ours", units(c, 5000), false)
	must(t, err)
	must(t, c.Mine(t.Context(), 2))
	tip, err := c.Tip(t.Context())
	must(t, err)
	lost, err := c.Block(t.Context(), tip.Height-1)
	must(t, err)
	must(t, c.Reorganise(t.Context(), 2, map[string]string{id: "theirs"}))
	gained, err := c.Block(t.Context(), tip.Height-1)
	must(t, err)
	if len(gained.Txs) != 1 || gained.Txs[0].ID == id || gained.Txs[0].Outputs[0].Address != "theirs" ||
		!slices.Equal(gained.Txs[0].Inputs, lost.Txs[0].Inputs) {
		t.Errorf("the new branch has %+v", gained.Txs)
	}
	if contains(t, c, id) {
		t.Error("the spent payment is in the pool")
	}
	if err := c.Reorganise(t.Context(), 1, map[string]string{"unknown": "x"}); !errors.Is(err, rehearsal.ErrNothing) {
		t.Errorf("spending what is not there: %v", err)
	}
	if after, err := c.Tip(t.Context()); err != nil || after.Height != tip.Height+1 {
		t.Errorf("what failed left the tip at %+v, %v", after, err)
	}
}

func TestRefusals(t *testing.T) {
	c := open(t)
	id, err := c.Pay(t.Context(), "ours", units(c, 5000), false)
	must(t, err)
	if _, err := c.Replace(t.Context(), "unknown", "theirs", units(c, 1)); !errors.Is(err, rehearsal.ErrNothing) {
		t.Errorf("replacing what is not there: %v", err)
	}
	must(t, c.Mine(t.Context(), 1))
	if _, err := c.Replace(t.Context(), id, "theirs", units(c, 1)); !errors.Is(err, rehearsal.ErrNothing) {
		t.Errorf("replacing what is mined: %v", err)
	}
	tip, err := c.Tip(t.Context())
	must(t, err)
	if err := c.Reorganise(t.Context(), int(tip.Height)+1, nil); !errors.Is(err, rehearsal.ErrDepth) {
		t.Errorf("deeper than the chain: %v", err)
	}
	if after, err := c.Tip(t.Context()); err != nil || after != tip {
		t.Errorf("refused, but the tip is %+v", after)
	}
}

// The miner works while somebody waits: for a payment in the pool, or for one that is not deep yet.
func TestMiner(t *testing.T) {
	c := open(t)
	m := &rehearsal.Miner{Chain: c, Deep: 3}
	height := func() int64 {
		t.Helper()
		must(t, m.RunOnce(t.Context()))
		tip, err := c.Tip(t.Context())
		must(t, err)
		return tip.Height
	}
	if got := height(); got != 3 {
		t.Errorf("nobody waits, but it mined %d", got)
	}
	id, err := c.Pay(t.Context(), "ours", units(c, 5000), true)
	must(t, err)
	if got := height(); got != 3 {
		t.Errorf("a held payment was mined at %d", got)
	}
	must(t, c.Release(t.Context(), id))
	for want := range int64(6) {
		if got := height(); got != min(4+want, 7) {
			t.Errorf("block %d is the tip, want %d", got, min(4+want, 7))
		}
	}
}
