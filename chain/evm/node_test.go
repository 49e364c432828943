package evm_test

import (
	"context"
	"math/big"
	"slices"
	"testing"

	"checkout/chain"
	"checkout/chain/chaintest"
	"checkout/chain/evm"
	"checkout/chain/evm/devnet"
	"checkout/chain/rpc"
	"checkout/fault"
	"checkout/money"
)

// lab is a real node with two tokens, and an adapter that reads it.
type lab struct {
	*chaintest.EVMNode
	t           *testing.T
	node        *evm.Node
	coin        chain.Asset
	usdt, dai   chain.Asset // of 6 decimals and of 18
	address     string      // the one that is paid
	network     chain.Network
	configAsset []chain.Asset
}

func openLab(t *testing.T, urls ...string) *lab {
	t.Helper()
	l := &lab{EVMNode: chaintest.StartEVM(t, 0), t: t}
	l.network, l.coin = chain.Devnet()
	l.usdt = chain.DevToken("USDT", 6, l.MakeToken("USDT", 6))
	l.dai = chain.DevToken("DAI", 18, l.MakeToken("DAI", 18))
	l.configAsset = []chain.Asset{l.coin, l.usdt, l.dai}
	if len(urls) == 0 {
		urls = []string{l.URL()}
	}
	l.node = l.adapter(evm.ByDepth, urls...)
	l.address = l.Address()
	return l
}

// adapter is one more reader of the same chain.
func (l *lab) adapter(final evm.Finality, urls ...string) *evm.Node {
	l.t.Helper()
	c := evm.Config{Network: l.network, Assets: l.configAsset, Final: final}
	for _, url := range urls {
		c.RPC = append(c.RPC, rpc.Config{URL: url})
	}
	n, err := evm.New(c)
	l.must(err)
	return n
}

func (l *lab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// send sends any transaction from an account that is not the payer of tokens' fees.
func (l *lab) send(tx devnet.Tx) string {
	l.t.Helper()
	txid, err := l.Send(l.t.Context(), tx)
	l.must(err)
	return txid
}

func (l *lab) trickster() string {
	l.t.Helper()
	at, err := l.Trickster(l.t.Context())
	l.must(err)
	return at
}

// tip is the newest block with what its transactions really pay.
func (l *lab) tip() chain.Block {
	l.t.Helper()
	ref, err := l.node.Tip(l.t.Context())
	l.must(err)
	return l.proven(l.node, ref.Height)
}

func (l *lab) proven(n *evm.Node, height int64) chain.Block {
	l.t.Helper()
	b, err := n.Block(l.t.Context(), height)
	l.must(err)
	for i := range b.Txs {
		b.Txs[i], err = n.Prove(l.t.Context(), b.BlockRef, b.Txs[i])
		l.must(err)
	}
	return b
}

// paid are the transfers of a block to an address, "usdt-ethereum-dev 5 #1".
func paid(b chain.Block, address string) []string {
	var list []string
	for _, tx := range b.Txs {
		for _, out := range tx.Outputs {
			if out.Address == address {
				list = append(list, out.Asset+" "+out.Amount.Minor()+" #"+big.NewInt(out.Ordinal).String())
			}
		}
	}
	slices.Sort(list)
	return list
}

func (l *lab) pays(b chain.Block, want ...string) {
	l.t.Helper()
	if got := paid(b, l.address); !slices.Equal(got, want) {
		l.t.Errorf("block %d pays %q, want %q", b.Height, got, want)
	}
}

func TestPaymentsAreMetInTheirBlocks(t *testing.T) {
	l := openLab(t)
	l.Coins(l.address, 1_000_000_000_000)
	l.Tokens(l.usdt.Contract, l.address, 5_000_000)
	l.Tokens(l.dai.Contract, l.address, 7)
	l.Tokens(l.usdt.Contract, l.Address(), 9)
	l.Blocks(1)
	b := l.tip()
	l.pays(b, "dai-ethereum-dev 7 #1", "eth 1000000000000 #0", "usdt-ethereum-dev 5000000 #1")
	for _, tx := range b.Txs {
		if len(tx.Inputs) != 1 || tx.Coinbase {
			t.Errorf("transaction %+v", tx)
		}
	}
}

// What a swindler's or a clumsy payer's transaction looks like must not count for more than what arrived of the real token.
func TestOnlyWhatTheTokenSaysCounts(t *testing.T) {
	l := openLab(t)
	trick, fake := l.trickster(), l.MakeToken("USDT", 6)
	l.Tokens(l.usdt.Contract, trick, 1000)
	l.Blocks(1)
	for name, c := range map[string]struct {
		tx   devnet.Tx
		want []string
	}{
		"a token of the same name":     {devnet.Tx{To: fake, Data: devnet.Call("transfer(address,uint256)", l.address, big.NewInt(5))}, nil},
		"a log of another contract":    {devnet.Tx{To: trick, Data: devnet.Call("pretend(address,uint256)", l.address, big.NewInt(5))}, nil},
		"a log without topics":         {devnet.Tx{To: trick, Data: devnet.Call("mutter(address,uint256)", l.address, big.NewInt(5))}, nil},
		"a log with two topics":        {devnet.Tx{To: trick, Data: devnet.Call("slur(address,uint256)", l.address, big.NewInt(5))}, nil},
		"a transfer that is undone":    {devnet.Tx{To: trick, Data: devnet.Call("payAndRevert(address,address,uint256)", l.usdt.Contract, l.address, big.NewInt(5))}, nil},
		"more than the payer has":      {devnet.Tx{From: l.Account(3), To: l.usdt.Contract, Data: devnet.Call("transfer(address,uint256)", l.address, big.NewInt(5))}, nil},
		"all a number can say":         {devnet.Tx{To: l.usdt.Contract, Data: devnet.Call("transfer(address,uint256)", l.address, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1)))}, nil},
		"nothing":                      {devnet.Tx{To: l.usdt.Contract, Data: devnet.Call("transfer(address,uint256)", l.address, new(big.Int))}, nil},
		"an approval":                  {devnet.Tx{To: l.usdt.Contract, Data: devnet.Call("approve(address,uint256)", l.address, big.NewInt(5))}, nil},
		"coins of an internal call":    {devnet.Tx{To: trick, Value: big.NewInt(5), Data: devnet.Call("payCoins(address)", l.address)}, nil},
		"coins of a contract that end": {devnet.Tx{To: trick, Value: big.NewInt(5), Data: devnet.Call("payByEnd(address)", l.address)}, nil},
		"a payer that is a contract":   {devnet.Tx{To: trick, Data: devnet.Call("payToken(address,address,uint256)", l.usdt.Contract, l.address, big.NewInt(5))}, []string{"usdt-ethereum-dev 5 #1"}},
		"two transfers at once": {devnet.Tx{To: trick, Data: devnet.Call("spray(address,address[],uint256[])", l.usdt.Contract,
			[]string{l.Address(), l.address, l.address}, []*big.Int{big.NewInt(1), big.NewInt(2), big.NewInt(3)})}, []string{"usdt-ethereum-dev 2 #2", "usdt-ethereum-dev 3 #3"}},
	} {
		l.send(c.tx)
		l.Blocks(1)
		b := l.tip()
		if len(b.Txs) != 1 {
			t.Fatalf("%s: the block has %d transactions", name, len(b.Txs))
		}
		if got := paid(b, l.address); !slices.Equal(got, c.want) {
			t.Errorf("%s pays %q, want %q", name, got, c.want)
		}
	}
}

func TestATokenWithAFeeCountsWhatArrives(t *testing.T) {
	l := openLab(t)
	contract, err := l.Token(t.Context(), "Fee", "USDC", 6, 100) // one percent
	l.must(err)
	l.configAsset = append(l.configAsset, chain.DevToken("USDC", 6, contract))
	l.node = l.adapter(evm.ByDepth, l.URL())
	l.Tokens(contract, l.address, 10_000)
	l.Blocks(1)
	l.pays(l.tip(), "usdc-ethereum-dev 9900 #1")
	amount, err := l.node.Balance(t.Context(), l.configAsset[3], l.address)
	l.must(err)
	if amount.Minor() != "9900" {
		t.Errorf("the address holds %s", amount)
	}
}

// The place of a transfer in its transaction is its identity: a reorganisation moves the log, and not that.
func TestIdentityOutlivesAReorganisation(t *testing.T) {
	l := openLab(t)
	trick := l.trickster()
	l.Tokens(l.usdt.Contract, trick, 1000)
	l.Blocks(1)
	tx := devnet.Tx{From: l.Account(1), Tip: 1, To: trick, Data: devnet.Call("payToken(address,address,uint256)", l.usdt.Contract, l.address, big.NewInt(5))}
	l.send(tx)
	l.Blocks(1)
	before := l.tip()
	l.pays(before, "usdt-ethereum-dev 5 #1")
	l.must(l.Replay(t.Context(), 1, tx, 0))
	ref, err := l.node.Tip(t.Context())
	l.must(err)
	h, err := l.node.Header(t.Context(), before.Height)
	l.must(err)
	if h.Hash == before.Hash || ref.Height != before.Height+1 {
		t.Fatalf("the chain was not reorganised: %+v, %+v", h, ref)
	}
	after := l.proven(l.node, before.Height)
	l.pays(after, "usdt-ethereum-dev 5 #1")
	if after.Txs[0].ID != before.Txs[0].ID {
		t.Errorf("it is another transaction: %s, %s", before.Txs[0].ID, after.Txs[0].ID)
	}
	for _, tx := range before.Txs {
		if _, err := l.node.Prove(t.Context(), before.BlockRef, tx); fault.Of(err).Code != evm.ErrUnproven.Code {
			t.Errorf("a transaction of a lost block is proven: %v", err)
		}
	}
}

func TestManyBlocksAtOnceAreTheSameAsOneByOne(t *testing.T) {
	l := openLab(t)
	for i := range 40 {
		if i%3 == 0 {
			l.Coins(l.address, int64(i+1))
		}
		if i%5 == 0 {
			l.Tokens(l.usdt.Contract, l.address, int64(i+1))
		}
		l.Blocks(1)
	}
	tip := l.tip()
	ahead, single := l.adapter(evm.ByDepth, l.URL()), l.adapter(evm.ByDepth, l.URL())
	_, err := ahead.Tip(t.Context()) // only who knows the tip fetches ahead
	l.must(err)
	headers, err := single.Headers(t.Context(), 0, tip.Height)
	if err != nil || int64(len(headers)) != tip.Height+1 {
		t.Fatalf("%d headers, %v", len(headers), err)
	}
	if _, err := single.Headers(t.Context(), 0, tip.Height+1); fault.Of(err).Code != evm.ErrNoBlock.Code {
		t.Errorf("one header more than there are: %v", err)
	}
	parent := ""
	for height := int64(0); height <= tip.Height; height++ {
		one, many := l.proven(single, height), l.proven(ahead, height)
		if parent != "" && many.Parent != parent {
			t.Fatalf("block %d follows %s, not %s", height, many.Parent, parent)
		}
		parent = many.Hash
		if one.Header != many.Header || one.Header != headers[height] || len(one.Txs) != len(many.Txs) || !slices.Equal(paid(one, l.address), paid(many, l.address)) {
			t.Errorf("height %d: %+v and %+v", height, one, many)
		}
	}
	if amount, err := l.node.Balance(t.Context(), l.coin, l.address); err != nil || amount.Minor() != "287" { // 1+4+…+40
		t.Errorf("the address holds %s, %v", amount, err)
	}
}

func TestFinality(t *testing.T) {
	l := openLab(t)
	tagged := l.adapter(evm.Finalized, l.URL())
	l.Blocks(80)
	tip, err := l.node.Tip(t.Context())
	l.must(err)
	if at, err := l.node.Ceiling(t.Context(), tip); err != nil || at != tip.Height {
		t.Errorf("by depth confirmations count from %d, %v; the tip is %d", at, err, tip.Height)
	}
	before, err := tagged.Ceiling(t.Context(), tip)
	l.must(err)
	if before >= tip.Height {
		t.Errorf("by tag confirmations count from %d, the tip is %d", before, tip.Height)
	}
	l.Blocks(10)
	tip, err = l.node.Tip(t.Context())
	l.must(err)
	if after, err := tagged.Ceiling(t.Context(), tip); err != nil || after != before+10 {
		t.Errorf("after ten blocks they count from %d, %v; before from %d", after, err, before)
	}
}

func TestContractsAreChecked(t *testing.T) {
	l := openLab(t)
	l.must(l.node.Check(t.Context(), l.coin))
	l.must(l.node.Check(t.Context(), l.usdt))
	l.must(l.node.Check(t.Context(), l.dai))
	for name, a := range map[string]chain.Asset{
		"other decimals":    chain.DevToken("USDT", 18, l.usdt.Contract),
		"no contract":       chain.DevToken("USDT", 6, l.Address()),
		"no token":          chain.DevToken("USDT", 6, l.trickster()),
		"decimals of a bot": chain.DevToken("USDT", 0, l.usdt.Contract),
	} {
		if err := l.node.Check(t.Context(), a); fault.Of(err).Code != evm.ErrMismatch.Code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPaysFindsAPaymentByItsTransaction(t *testing.T) {
	l := openLab(t)
	txid := l.Tokens(l.usdt.Contract, l.address, 5)
	failed := l.send(devnet.Tx{From: l.Account(3), To: l.usdt.Contract, Data: devnet.Call("transfer(address,uint256)", l.address, big.NewInt(5))})
	for _, id := range []string{txid, "no transaction", failed} { // unconfirmed
		if list, err := l.node.Pays(t.Context(), id, l.address); err != nil || len(list) != 0 {
			t.Errorf("%s pays %v, %v", id, list, err)
		}
	}
	l.Blocks(1)
	list, err := l.node.Pays(t.Context(), txid, l.address)
	l.must(err)
	if len(list) != 1 || list[0].Asset != l.usdt.ID || !list[0].Amount.Equal(money.Units(l.usdt.Currency, 5)) {
		t.Errorf("it pays %+v", list)
	}
	if list, err := l.node.Pays(t.Context(), failed, l.address); err != nil || len(list) != 0 {
		t.Errorf("what failed pays %v, %v", list, err)
	}
}

func TestTheAdapterBehaves(t *testing.T) {
	l := openLab(t)
	chaintest.RunBlocks(t, func(t *testing.T) (chaintest.Source, chaintest.Driver) {
		return proving{l.adapter(evm.ByDepth, l.URL())}, driver{l}
	})
}

// proving is the adapter as the watcher uses it: blocks with what is proven.
type proving struct{ *evm.Node }

func (p proving) Block(ctx context.Context, height int64) (chain.Block, error) {
	b, err := p.Node.Block(ctx, height)
	for i := range b.Txs {
		if err == nil {
			b.Txs[i], err = p.Prove(ctx, b.BlockRef, b.Txs[i])
		}
	}
	return b, err
}

// driver pays with a token.
type driver struct{ l *lab }

func (d driver) Asset() chain.Asset        { return d.l.usdt }
func (d driver) Address(*testing.T) string { return d.l.Address() }
func (d driver) Mine(_ *testing.T, n int)  { d.l.Blocks(n) }
func (d driver) Reorg(t *testing.T, n int) { d.l.must(d.l.Reorg(t.Context(), n)) }
func (d driver) Replace(t *testing.T, _, _ string, _ int64) string {
	t.Fatal("nothing is replaced unconfirmed")
	return ""
}

func (d driver) Pay(_ *testing.T, address string, units int64) string {
	return d.l.Tokens(d.l.usdt.Contract, address, units)
}
