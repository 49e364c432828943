package chaintest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"checkout/chain"
	"checkout/fault"
	"checkout/money"
)

// Source is a chain adapter: what the watcher follows.
type Source interface {
	Network() chain.Network
	Tip(ctx context.Context) (chain.BlockRef, error)
	Header(ctx context.Context, height int64) (chain.Header, error)
	Block(ctx context.Context, height int64) (chain.Block, error)
	Mempool(ctx context.Context, known func(txid string) bool) (chain.Mempool, error)
}

// Taker and Dater are what an adapter may do besides; see package watch.
type (
	Taker interface {
		Offer(ctx context.Context, raw []byte) error
	}
	Dater interface {
		Arrivals(ctx context.Context, ids []string) (map[string]time.Time, error)
	}
)

// Driver makes things happen on the chain an adapter reads. Its methods fail the test themselves.
type Driver interface {
	// Asset is the coin it pays with.
	Asset() chain.Asset
	// Address is an address that was not paid before.
	Address(t *testing.T) string
	// Pay pays so many smallest units, replaceably, and names the transaction.
	Pay(t *testing.T, address string, units int64) (txid string)
	// Replace puts a payment to another address in the place of an unconfirmed one and names it.
	Replace(t *testing.T, txid, address string, units int64) (other string)
	// Mine makes blocks that confirm what is unconfirmed.
	Mine(t *testing.T, blocks int)
	// Reorg takes the last depth blocks away and puts depth+1 others in their place. Their transactions are confirmed
	// again or unconfirmed.
	Reorg(t *testing.T, depth int)
}

// Run checks that an adapter behaves. open gives an adapter and a chain with at least three blocks, for each part anew.
func Run(t *testing.T, open func(t *testing.T) (Source, Driver)) {
	run(t, open, false, []part{
		{"blocks link", suite.blocksLink},
		{"payment", suite.payment},
		{"payments of one block", suite.payments},
		{"known transactions", suite.known},
		{"replacement", suite.replacement},
		{"arrival", suite.arrival},
		{"offers", suite.offers},
		{"reorganisation", suite.reorganisation},
		{"payment in a lost block", suite.lostBlock},
		{"no such block", suite.noBlock},
		{"call that was given up", suite.givenUp},
	})
}

// RunBlocks checks that an adapter behaves which does not look into a mempool: payments are met in their blocks.
func RunBlocks(t *testing.T, open func(t *testing.T) (Source, Driver)) {
	run(t, open, true, []part{
		{"blocks link", suite.blocksLink},
		{"payments of one block", suite.payments},
		{"nothing unconfirmed", suite.blind},
		{"reorganisation", suite.reorganisation},
		{"no such block", suite.noBlock},
		{"call that was given up", suite.givenUp},
	})
}

type part struct {
	name  string
	check func(suite, *testing.T)
}

func run(t *testing.T, open func(t *testing.T) (Source, Driver), blocksOnly bool, parts []part) {
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) {
			source, driver := open(t)
			p.check(suite{Source: source, drive: driver, blocksOnly: blocksOnly}, t)
		})
	}
}

type suite struct {
	Source
	drive      Driver
	blocksOnly bool // it does not look into a mempool
}

// Amounts that payments are made of, in smallest units.
const (
	some  = 123_456
	other = 234_567
)

func (s suite) tip(t *testing.T) chain.BlockRef {
	t.Helper()
	tip, err := s.Tip(t.Context())
	must(t, err)
	return tip
}

func (s suite) block(t *testing.T, height int64) chain.Block {
	t.Helper()
	b, err := s.Block(t.Context(), height)
	must(t, err)
	return b
}

func (s suite) pool(t *testing.T) chain.Mempool {
	t.Helper()
	pool, err := s.Mempool(t.Context(), func(string) bool { return false })
	must(t, err)
	return pool
}

// unconfirmed waits for a transaction in the mempool.
func (s suite) unconfirmed(t *testing.T, txid string) chain.Tx {
	t.Helper()
	var found chain.Tx
	Until(t, "the payment is in the mempool", func() bool {
		pool := s.pool(t)
		_, ok := pool.IDs[txid]
		found, _ = find(pool.Txs, txid)
		return ok
	})
	if found.ID != txid {
		t.Fatalf("%s is among the ids only", txid)
	}
	return found
}

func find(txs []chain.Tx, txid string) (chain.Tx, bool) {
	i := slices.IndexFunc(txs, func(tx chain.Tx) bool { return tx.ID == txid })
	if i < 0 {
		return chain.Tx{}, false
	}
	return txs[i], true
}

// pays checks that a transaction pays an address once, and gives the transfer.
func (s suite) pays(t *testing.T, tx chain.Tx, address string, units int64) chain.Transfer {
	t.Helper()
	var found []chain.Transfer
	for _, out := range tx.Outputs {
		if out.Address == address {
			found = append(found, out)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s pays %s %d times", tx.ID, address, len(found))
	}
	asset := s.drive.Asset()
	want := chain.Transfer{
		Network: s.Network().ID, TxID: tx.ID, Ordinal: found[0].Ordinal, Asset: asset.ID, Address: address,
		Amount: money.Units(asset.Currency, units),
	}
	if got := found[0]; got.Ordinal < 0 || !got.Amount.Equal(want.Amount) || got.Network != want.Network ||
		got.TxID != want.TxID || got.Asset != want.Asset {
		t.Fatalf("the transfer is\n%+v, want\n%+v", got, want)
	}
	return found[0]
}

// links checks that the last count blocks are one chain and gives their hashes, the tip first.
func (s suite) links(t *testing.T, count int64) []string {
	t.Helper()
	tip := s.tip(t)
	var hashes []string
	want := tip.Hash
	for height := tip.Height; height > tip.Height-count; height-- {
		b := s.block(t, height)
		h, err := s.Header(t.Context(), height)
		must(t, err)
		if h != b.Header {
			t.Fatalf("height %d has the header\n%+v, its block\n%+v", height, h, b.Header)
		}
		if b.Height != height || b.Hash != want {
			t.Fatalf("height %d has the block %+v, want %s", height, b.BlockRef, want)
		}
		hashes, want = append(hashes, b.Hash), b.Parent
	}
	return hashes
}

func (s suite) blocksLink(t *testing.T) {
	before := s.tip(t)
	s.drive.Mine(t, 3)
	if after := s.tip(t); after.Height != before.Height+3 || after.Hash == before.Hash {
		t.Errorf("three blocks after %+v the tip is %+v", before, after)
	}
	s.links(t, 4)
}

// payment follows one payment from the mempool into a block. It is the same transfer in both places.
func (s suite) payment(t *testing.T) {
	address := s.drive.Address(t)
	begin := time.Now()
	txid := s.drive.Pay(t, address, some)
	pooled := s.unconfirmed(t, txid)
	transfer := s.pays(t, pooled, address, some)
	if pool := s.pool(t); pool.Tip != s.tip(t) {
		t.Errorf("the mempool is of %+v, the tip is %+v", pool.Tip, s.tip(t))
	}
	if at := pooled.SeenAt; !at.IsZero() && (at.Before(begin.Add(-time.Minute)) || at.After(time.Now().Add(time.Minute))) {
		t.Errorf("seen at %s, paid at %s", at, begin)
	}

	s.drive.Mine(t, 1)
	mined, ok := find(s.block(t, s.tip(t).Height).Txs, txid)
	if !ok {
		t.Fatalf("%s is not in the block", txid)
	}
	again := s.pays(t, mined, address, some)
	if again.Ordinal != transfer.Ordinal || !slices.Equal(mined.Inputs, pooled.Inputs) {
		t.Errorf("in the mempool it was\n%+v, in the block it is\n%+v", pooled, mined)
	}
	if mined.Coinbase {
		t.Error("a payment is taken for new coins")
	}
	if _, there := s.pool(t).IDs[txid]; there {
		t.Error("it is still in the mempool")
	}
}

// payments finds several in one block, two of them to one address.
func (s suite) payments(t *testing.T) {
	one, two := s.drive.Address(t), s.drive.Address(t)
	if one == two {
		t.Fatalf("%s is given twice", one)
	}
	paid := []struct {
		txid, address string
		units         int64
	}{{address: one, units: some}, {address: two, units: some}, {address: one, units: other}}
	for i := range paid {
		paid[i].txid = s.drive.Pay(t, paid[i].address, paid[i].units)
		if !s.blocksOnly {
			s.unconfirmed(t, paid[i].txid)
		}
	}
	s.drive.Mine(t, 1)
	block := s.block(t, s.tip(t).Height)
	for _, p := range paid {
		tx, ok := find(block.Txs, p.txid)
		if !ok {
			t.Fatalf("%s is not in the block", p.txid)
		}
		s.pays(t, tx, p.address, p.units)
	}
}

// blind: an adapter that knows nothing of what is unconfirmed names none of it, and still says where it stands.
func (s suite) blind(t *testing.T) {
	s.drive.Pay(t, s.drive.Address(t), some)
	pool := s.pool(t)
	if len(pool.IDs) > 0 || len(pool.Txs) > 0 || pool.Tip != s.tip(t) {
		t.Errorf("its mempool is %+v, its tip %+v", pool, s.tip(t))
	}
}

// known transactions are named, but not given again.
func (s suite) known(t *testing.T) {
	txid := s.drive.Pay(t, s.drive.Address(t), some)
	s.unconfirmed(t, txid)
	pool, err := s.Mempool(t.Context(), func(id string) bool { return id == txid })
	must(t, err)
	if _, there := pool.IDs[txid]; !there {
		t.Error("a known transaction is not named")
	}
	if _, given := find(pool.Txs, txid); given {
		t.Error("a known transaction is given again")
	}
}

// replacement: the first payment is gone, and what took its place spends one of the same outputs.
func (s suite) replacement(t *testing.T) {
	address, elsewhere := s.drive.Address(t), s.drive.Address(t)
	txid := s.drive.Pay(t, address, some)
	first := s.unconfirmed(t, txid)
	if !first.Replaceable {
		t.Error("it does not say that it may be replaced")
	}
	second := s.unconfirmed(t, s.drive.Replace(t, txid, elsewhere, other))
	s.pays(t, second, elsewhere, other)
	if _, there := s.pool(t).IDs[txid]; there {
		t.Error("the replaced payment is still in the mempool")
	}
	shared := slices.ContainsFunc(first.Inputs, func(in string) bool { return slices.Contains(second.Inputs, in) })
	if !shared {
		t.Errorf("%v and %v have nothing in common", first.Inputs, second.Inputs)
	}
	s.drive.Mine(t, 1)
	block := s.block(t, s.tip(t).Height)
	if _, mined := find(block.Txs, txid); mined {
		t.Error("the replaced payment is in the block")
	}
	if _, mined := find(block.Txs, second.ID); !mined {
		t.Error("its replacement is not in the block")
	}
}

// arrival: an adapter that dates transactions of its mempool dates no others.
func (s suite) arrival(t *testing.T) {
	dater, ok := s.Source.(Dater)
	if !ok {
		t.Skip("it does not say when transactions came")
	}
	begin := time.Now()
	txid := s.drive.Pay(t, s.drive.Address(t), some)
	s.unconfirmed(t, txid)
	times, err := dater.Arrivals(t.Context(), []string{txid, strings.Repeat("cd", 32)})
	must(t, err)
	if at := times[txid]; len(times) != 1 || at.Before(begin.Add(-time.Minute)) || at.After(time.Now().Add(time.Minute)) {
		t.Errorf("paid at %s, it came %v", begin, times)
	}
	s.drive.Mine(t, 1)
	if times, err = dater.Arrivals(t.Context(), []string{txid}); err != nil || len(times) != 0 {
		t.Errorf("it is in a block, and came %v, %v", times, err)
	}
}

// offers: a transaction may be offered again wherever it is, but not once its coins are spent.
func (s suite) offers(t *testing.T) {
	taker, ok := s.Source.(Taker)
	if !ok {
		t.Skip("it takes no transactions")
	}
	txid := s.drive.Pay(t, s.drive.Address(t), some)
	kept := s.unconfirmed(t, txid)
	if len(kept.Raw) == 0 {
		t.Fatal("it takes transactions, but does not give them")
	}
	must(t, taker.Offer(t.Context(), kept.Raw))
	replaced := s.unconfirmed(t, s.drive.Pay(t, s.drive.Address(t), other))
	s.unconfirmed(t, s.drive.Replace(t, replaced.ID, s.drive.Address(t), other))
	refused := func(where string) {
		t.Helper()
		if err := taker.Offer(t.Context(), replaced.Raw); !errors.Is(err, chain.ErrTxRefused) {
			t.Errorf("its coins are spent in %s: %v", where, err)
		}
	}
	refused("the mempool")
	s.drive.Mine(t, 1)
	refused("a block")
	must(t, taker.Offer(t.Context(), kept.Raw))
	if _, there := s.pool(t).IDs[txid]; there {
		t.Error("what is in a block is unconfirmed again")
	}
}

func (s suite) reorganisation(t *testing.T) {
	s.drive.Mine(t, 3)
	before, tip := s.links(t, 3), s.tip(t)
	s.drive.Reorg(t, 2)
	if after := s.tip(t); after.Height != tip.Height+1 {
		t.Fatalf("two blocks of height %d were replaced by three: the tip is %+v", tip.Height, after)
	}
	after := s.links(t, 4)
	if after[1] == before[0] || after[2] == before[1] {
		t.Errorf("blocks were not replaced: %v became %v", before, after)
	}
	if after[3] != before[2] {
		t.Errorf("the common block is %s, was %s", after[3], before[2])
	}
}

// lostBlock: a payment whose block was lost is unconfirmed again, or in a block of the new branch.
func (s suite) lostBlock(t *testing.T) {
	address := s.drive.Address(t)
	txid := s.drive.Pay(t, address, some)
	s.unconfirmed(t, txid)
	s.drive.Mine(t, 1)
	s.drive.Reorg(t, 1)
	tip := s.tip(t)
	txs := append(s.block(t, tip.Height).Txs, s.block(t, tip.Height-1).Txs...)
	tx, ok := find(append(txs, s.pool(t).Txs...), txid)
	if !ok {
		t.Fatalf("%s is lost", txid)
	}
	s.pays(t, tx, address, some)
}

func (s suite) noBlock(t *testing.T) {
	for _, height := range []int64{-1, s.tip(t).Height + 1, 1 << 32, 1 << 62} {
		_, err := s.Header(t.Context(), height)
		isNoBlock(t, "Header", height, err)
		_, err = s.Block(t.Context(), height)
		isNoBlock(t, "Block", height, err)
	}
	s.links(t, 1) // it still answers
}

func isNoBlock(t *testing.T, what string, height int64, err error) {
	t.Helper()
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != "block_unknown" {
		t.Errorf("%s of height %d: %v, want the fault block_unknown", what, height, err)
	}
}

func (s suite) givenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Tip(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Tip: %v", err)
	}
	if _, err := s.Block(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("Block: %v", err)
	}
	if _, err := s.Mempool(ctx, func(string) bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("Mempool: %v", err)
	}
	s.links(t, 1)
}
