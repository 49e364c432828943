package tron_test

import (
	"math/big"
	"slices"
	"strings"
	"testing"

	"checkout/chain"
	"checkout/chain/chaintest"
	"checkout/chain/evm/devnet"
	"checkout/chain/rpc"
	"checkout/chain/tron"
	"checkout/fault"
	"checkout/money"
)

// lab is a real node with Tron's face, two tokens, and an adapter that reads it.
type lab struct {
	*chaintest.TronNode
	t         *testing.T
	node      *tron.Node
	network   chain.Network
	trx, usdt chain.Asset
	usdc      chain.Asset
	address   string
}

func token(code string, contract string) chain.Asset {
	n, trx := chain.TronDevnet()
	return chain.Token(n, trx.Confirmations, money.Currency{Code: code, Scale: 6, Kind: money.Crypto}, contract)
}

func openLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{TronNode: chaintest.StartTron(t, 0), t: t}
	l.network, l.trx = chain.TronDevnet()
	l.usdt, l.usdc = token("USDT", l.MakeToken("USDT", 6)), token("USDC", l.MakeToken("USDC", 6))
	l.node = l.adapter(l.URL())
	l.address = l.Address()
	return l
}

func (l *lab) adapter(urls ...string) *tron.Node {
	l.t.Helper()
	c := tron.Config{Network: l.network, Assets: []chain.Asset{l.trx, l.usdt, l.usdc}}
	for _, url := range urls {
		c.RPC = append(c.RPC, rpc.Config{URL: url})
	}
	n, err := tron.New(c)
	l.must(err)
	return n
}

func (l *lab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) tip() chain.Block {
	l.t.Helper()
	ref, err := l.node.Tip(l.t.Context())
	l.must(err)
	b, err := l.node.Block(l.t.Context(), ref.Height)
	l.must(err)
	return b
}

// paid are the transfers of a block to an address, "usdt-tron-dev 5 #1".
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

func TestPaymentsAreMetInTheirBlocks(t *testing.T) {
	l := openLab(t)
	l.Sun(l.address, 1_000_000)
	txid := l.Tokens(l.usdt.Contract, l.address, 5_000_000)
	l.Tokens(l.usdt.Contract, l.Address(), 9)
	l.Blocks(1)
	b := l.tip()
	if got, want := paid(b, l.address), []string{"trx 1000000 #0", "usdt-tron-dev 5000000 #1"}; !slices.Equal(got, want) {
		t.Errorf("the block pays %q, want %q", got, want)
	}
	if !slices.ContainsFunc(b.Txs, func(tx chain.Tx) bool { return tx.ID == txid }) || !strings.HasPrefix(b.Hash, "00000000000000") {
		t.Errorf("block %s has no transaction %s", b.Hash, txid)
	}
	list, err := l.node.Pays(t.Context(), txid, l.address)
	l.must(err)
	if len(list) != 1 || list[0].Asset != l.usdt.ID {
		t.Errorf("the transaction pays %+v", list)
	}
	for asset, want := range map[chain.Asset]string{l.trx: "1000000", l.usdt: "5000000", l.usdc: "0"} {
		if held, err := l.node.Balance(t.Context(), asset, l.address); err != nil || held.Minor() != want {
			t.Errorf("the address holds %s, %v, want %s", held, err, want)
		}
	}
}

func TestOnlyWhatTheTokenSaysCounts(t *testing.T) {
	l := openLab(t)
	trick, err := l.Trickster(t.Context())
	l.must(err)
	fake := l.MakeToken("USDT", 6)
	to, sum := l.Plain(l.address), big.NewInt(5)
	l.Tokens(l.usdt.Contract, "T"+chain.TronAddress([20]byte{1})[1:], 1)
	l.Blocks(1)
	for name, c := range map[string]struct {
		tx   devnet.Tx
		want []string
	}{
		"a token of the same name":  {devnet.Tx{To: l.Plain(fake), Data: devnet.Call("transfer(address,uint256)", to, sum)}, nil},
		"a log of another contract": {devnet.Tx{To: trick, Data: devnet.Call("pretend(address,uint256)", to, sum)}, nil},
		"a log without topics":      {devnet.Tx{To: trick, Data: devnet.Call("mutter(address,uint256)", to, sum)}, nil},
		"a log with two topics":     {devnet.Tx{To: trick, Data: devnet.Call("slur(address,uint256)", to, sum)}, nil},
		"more than the payer has":   {devnet.Tx{From: l.Account(3), To: l.Plain(l.usdt.Contract), Data: devnet.Call("transfer(address,uint256)", to, sum)}, nil},
		"nothing":                   {devnet.Tx{To: l.Plain(l.usdt.Contract), Data: devnet.Call("transfer(address,uint256)", to, new(big.Int))}, nil},
		"an approval":               {devnet.Tx{To: l.Plain(l.usdt.Contract), Data: devnet.Call("approve(address,uint256)", to, sum)}, nil},
		"TRX of an internal call":   {devnet.Tx{To: trick, Value: sum, Data: devnet.Call("payCoins(address)", to)}, nil},
		"no TRX at all":             {devnet.Tx{To: to, Value: new(big.Int)}, nil},
		"a real one":                {devnet.Tx{To: l.Plain(l.usdt.Contract), Data: devnet.Call("transfer(address,uint256)", to, sum)}, []string{"usdt-tron-dev 5 #1"}},
	} {
		_, err := l.Send(t.Context(), c.tx)
		l.must(err)
		l.Blocks(1)
		if got := paid(l.tip(), l.address); !slices.Equal(got, c.want) {
			t.Errorf("%s pays %q, want %q", name, got, c.want)
		}
	}
}

// One transaction may pay many times, and a contract may pay: each payment keeps its number in another block.
func TestManyPaymentsOfOneTransaction(t *testing.T) {
	l := openLab(t)
	trick, err := l.Trickster(t.Context())
	l.must(err)
	account, _ := chain.ParseTronHex("41" + trick[2:])
	l.Tokens(l.usdt.Contract, chain.TronAddress(account), 1000)
	l.Blocks(1)
	usdt, to, other := l.Plain(l.usdt.Contract), l.Plain(l.address), l.Plain(l.Address())
	spray := devnet.Call("spray(address,address[],uint256[])", usdt, []string{other, to, to, to}, []*big.Int{big.NewInt(1), big.NewInt(2), new(big.Int), big.NewInt(3)})
	for name, c := range map[string]struct {
		data string
		want []string
	}{
		"a batch":            {spray, []string{"usdt-tron-dev 2 #2", "usdt-tron-dev 3 #4"}},
		"a contract wallet":  {devnet.Call("payToken(address,address,uint256)", usdt, to, big.NewInt(4)), []string{"usdt-tron-dev 4 #1"}},
		"one that is undone": {devnet.Call("payAndRevert(address,address,uint256)", usdt, to, big.NewInt(5)), nil},
	} {
		txid, err := l.Send(t.Context(), devnet.Tx{To: trick, Data: c.data})
		l.must(err)
		l.Blocks(1)
		if got := paid(l.tip(), l.address); !slices.Equal(got, c.want) {
			t.Errorf("%s pays %q, want %q", name, got, c.want)
		}
		list, err := l.node.Pays(t.Context(), strings.ToUpper(txid[2:]), l.address)
		if err != nil || len(list) != len(c.want) {
			t.Errorf("%s: the transaction pays %+v, %v", name, list, err)
		}
	}
	if list, err := l.node.Pays(t.Context(), strings.Repeat("0", 64), l.address); err != nil || len(list) != 0 {
		t.Errorf("a transaction that is not there pays %+v, %v", list, err)
	}
}

func TestConfirmationsCountFromWhatIsSolid(t *testing.T) {
	l := openLab(t)
	l.Blocks(40)
	ceiling := func() int64 {
		t.Helper()
		tip, err := l.node.Tip(t.Context())
		l.must(err)
		at, err := l.node.Ceiling(t.Context(), tip)
		l.must(err)
		return tip.Height - at
	}
	if got := ceiling(); got != 19-3+1 { // three confirmations are the fewest
		t.Errorf("confirmations count from %d below the tip", got)
	}
	l.SetLag(1)
	if got := ceiling(); got != 0 {
		t.Errorf("with all but one block solid they count from %d below the tip", got)
	}
	l.SetLag(25)
	if got := ceiling(); got != 25-3+1 { // what was counted from higher is the watcher's to remember
		t.Errorf("after the solid block has fallen back they count from %d below the tip", got)
	}
	l.Edit(func(path, text string) string {
		if strings.HasPrefix(path, "/walletsolidity") {
			return strings.Replace(text, `"blockID":"00000000000000`, `"blockID":"0000000000000f`, 1)
		}
		return text
	})
	tip, err := l.node.Tip(t.Context())
	l.must(err)
	if _, err := l.node.Ceiling(t.Context(), tip); fault.Of(err).Code != tron.ErrBlockInvalid.Code {
		t.Errorf("a solid block that is none: %v", err)
	}
}

func TestContractsAreChecked(t *testing.T) {
	l := openLab(t)
	l.must(l.node.Check(t.Context(), l.trx))
	l.must(l.node.Check(t.Context(), l.usdt))
	other := l.usdt
	other.Currency.Scale = 18
	for name, a := range map[string]chain.Asset{"other decimals": other, "no contract": token("USDT", l.Address())} {
		if err := l.node.Check(t.Context(), a); fault.Of(err).Code != tron.ErrMismatch.Code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nothing that makes no sense may be taken for an answer, nor half of one for a whole.
func TestNonsenseIsNoAnswer(t *testing.T) {
	l := openLab(t)
	for i := range 12 {
		l.Tokens(l.usdt.Contract, l.address, int64(i+1))
		l.Sun(l.address, int64(i+1))
		l.Blocks(1)
	}
	garbage := []string{rpc.ErrGarbage.Code, tron.ErrBlockInvalid.Code}
	instead := func(at string, status int, answer string) func() {
		return func() {
			l.Instead(func(path string, _ []byte) (int, string, bool) { return status, answer, strings.HasPrefix(path, at) })
		}
	}
	edit := func(at, old, with string) func() {
		return func() {
			l.Edit(func(path, text string) string {
				if path != at {
					return text
				}
				return strings.ReplaceAll(text, old, with)
			})
		}
	}
	const blocks, infos = "/wallet/getblockbynum", "/wallet/gettransactioninfobyblocknum"
	for name, c := range map[string]struct {
		quirk func()
		codes []string
	}{
		"a page":                         {instead("/", 200, "<html>"), garbage},
		"nothing":                        {instead("/", 200, ""), garbage},
		"half an answer":                 {instead("/", 200, `{"blockID":"00`), garbage},
		"too many questions":             {instead("/", 429, "slow down"), []string{rpc.ErrUnreachable.Code}},
		"no key":                         {instead("/", 403, "forbidden"), []string{rpc.ErrUnreachable.Code}},
		"a failure of the node":          {instead(blocks, 200, `{"Error":"class java.lang.NullPointerException : null"}`), []string{rpc.ErrRefused.Code}},
		"no block":                       {instead(blocks, 200, `{}`), []string{tron.ErrNoBlock.Code}},
		"a list for a block":             {instead(blocks, 200, `[]`), garbage},
		"no outcomes":                    {instead(infos, 200, `[]`), garbage},
		"an object for outcomes":         {instead(infos, 200, `{}`), garbage},
		"null for outcomes":              {instead(infos, 200, `null`), garbage},
		"outcomes of another block":      {edit(infos, `"blockNumber":`, `"blockNumber":9`), garbage},
		"outcomes of something else":     {edit(infos, `"id":"`, `"id":"0`), garbage},
		"an outcome that disagrees":      {edit(infos, `"result":"SUCCESS"`, `"result":"OUT_OF_ENERGY"`), garbage},
		"another height":                 {edit(blocks, `"number":`, `"number":9`), garbage},
		"a number with a fraction":       {edit(blocks, `"amount":`, `"amount":0.`), garbage},
		"a number below zero":            {edit(blocks, `"amount":`, `"amount":-`), garbage},
		"a number as text":               {edit(blocks, `"amount":`, `"amount":"1","was":`), garbage},
		"an id that is not the height's": {edit(blocks, `"blockID":"0000`, `"blockID":"0001`), garbage},
		"an id cut short":                {edit(blocks, `"blockID":"00`, `"blockID":"`), garbage},
		"an address of something else":   {edit(blocks, `"to_address":"41`, `"to_address":"a0`), garbage},
	} {
		l.Instead(nil)
		l.Edit(nil)
		c.quirk()
		_, err := l.all(l.adapter(l.URL()))
		if err == nil || !slices.Contains(c.codes, fault.Of(err).Code) || fault.Of(err).Kind != fault.Unavailable {
			t.Errorf("%s: %v, want one of %v", name, err, c.codes)
		}
	}
	l.Instead(nil)
	l.Edit(nil)
	if sum, err := l.all(l.node); err != nil || sum != 78*2 {
		t.Errorf("in the end: %d, %v", sum, err)
	}
}

// all adds up what the address gets in the whole chain.
func (l *lab) all(n *tron.Node) (sum int64, err error) {
	l.t.Helper()
	tip, err := n.Tip(l.t.Context())
	for height := int64(0); err == nil && height <= tip.Height; height++ {
		var b chain.Block
		if b, err = n.Block(l.t.Context(), height); err != nil {
			break
		}
		for _, tx := range b.Txs {
			for _, out := range tx.Outputs {
				if out.Address == l.address {
					sum += out.Amount.Units().Int64()
				}
			}
		}
	}
	return sum, err
}

func TestAnotherProviderTakesOver(t *testing.T) {
	l := openLab(t)
	l.Sun(l.address, 7)
	l.Blocks(1)
	two, err := proxied(t, l)
	l.must(err)
	n := l.adapter(l.URL(), two)
	l.Instead(func(string, []byte) (int, string, bool) { return 503, "", true })
	if sum, err := l.all(n); err != nil || sum != 7 {
		t.Errorf("with the first one down: %d, %v", sum, err)
	}
}

func TestLargeSumsNeedTwoNodes(t *testing.T) {
	l := openLab(t)
	two, err := proxied(t, l)
	l.must(err)
	l.Tokens(l.usdt.Contract, l.address, 1_000_000_001)
	l.Blocks(1)
	b := l.tip()
	n := l.adapter(two, l.URL())
	for i, tx := range b.Txs {
		if proven, err := n.Prove(t.Context(), b.BlockRef, tx); err != nil || len(proven.Outputs) != len(tx.Outputs) {
			t.Errorf("transaction %d: %+v, %v", i, proven, err)
		}
	}
	lost := chain.BlockRef{Height: b.Height, Hash: strings.Repeat("0", 64)}
	if _, err := n.Prove(t.Context(), lost, b.Txs[0]); fault.Of(err).Code != tron.ErrDisagree.Code {
		t.Errorf("in a block that was lost: %v", err)
	}
	for name, quirk := range map[string]func(){
		"is down": func() { l.Instead(func(string, []byte) (int, string, bool) { return 503, "", true }) },
		"says another amount": func() {
			l.Edit(func(_, text string) string { return strings.ReplaceAll(text, "3b9aca01", "3b9aca02") })
		},
	} {
		l.Instead(nil)
		l.Edit(nil)
		quirk()
		if _, err := n.Prove(t.Context(), b.BlockRef, b.Txs[0]); fault.Of(err).Code != tron.ErrDisagree.Code {
			t.Errorf("one of them %s: %v", name, err)
		}
	}
}

func TestANodeOfAnotherNetwork(t *testing.T) {
	l := openLab(t)
	l.network.Genesis = strings.Repeat("0", 16) + strings.Repeat("ab", 24)
	if _, err := l.adapter(l.URL()).Tip(t.Context()); fault.Of(err).Code != tron.ErrWrongNetwork.Code {
		t.Errorf("it says %v", err)
	}
}

func TestTheAdapterBehaves(t *testing.T) {
	l := openLab(t)
	chaintest.RunBlocks(t, func(*testing.T) (chaintest.Source, chaintest.Driver) { return l.adapter(l.URL()), driver{l} })
}

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
