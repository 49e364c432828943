package xrp_test

import (
	"slices"
	"strings"
	"testing"

	"checkout/chain"
	"checkout/chain/rpc"
	"checkout/chain/xrp"
	"checkout/chain/xrp/devnet"
	"checkout/fault"
)

const shop = "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf"

func open(t *testing.T) (*devnet.Server, *xrp.Node) {
	t.Helper()
	s, err := devnet.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	return s, adapter(t, s.URL())
}

func adapter(t *testing.T, urls ...string) *xrp.Node {
	t.Helper()
	network, asset := chain.XRPDevnet()
	c := xrp.Config{Network: network, Asset: asset}
	for _, url := range urls {
		c.RPC = append(c.RPC, rpc.Config{URL: url})
	}
	n, err := xrp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func tag(n uint32) *uint32 { return &n }

// all are the transfers of all ledgers, "rX#7 1000000".
func all(t *testing.T, n *xrp.Node) (list []string, err error) {
	t.Helper()
	tip, err := n.Tip(t.Context())
	for height := int64(1000); err == nil && height <= tip.Height; height++ {
		var b chain.Block
		if b, err = n.Block(t.Context(), height); err != nil {
			break
		}
		for _, tx := range b.Txs {
			for _, out := range tx.Outputs {
				list = append(list, out.Address+" "+out.Amount.Minor())
			}
		}
	}
	return list, err
}

// What was delivered counts, to the address and tag it was delivered to, and nothing else.
func TestWhatIsDeliveredCounts(t *testing.T) {
	s, n := open(t)
	for _, p := range []devnet.Payment{
		{To: shop, Tag: tag(7), Drops: 25_000_000},
		{To: shop, Drops: 3},
		{To: shop, Tag: tag(0), Drops: 4},
		{To: shop, Tag: tag(1<<32 - 1), Drops: 5},
		{To: shop, Tag: tag(7), Drops: 1_000_000_000, Delivered: 1},
		{To: shop, Tag: tag(7), Drops: 1000, Issued: true},
		{To: shop, Tag: tag(7), Drops: 1000, Failed: true},
		{To: shop, Tag: tag(7), Drops: 1000, Check: true},
		{To: shop, Tag: tag(7), Drops: 0},
	} {
		s.Pay(p)
		s.Close(1)
	}
	got, err := all(t, n)
	want := []string{shop + "#7 25000000", shop + " 3", shop + "#0 4", shop + "#4294967295 5", shop + "#7 1"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func TestLedgersLink(t *testing.T) {
	s, n := open(t)
	s.Close(30)
	tip, err := n.Tip(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	parent := ""
	for height := tip.Height - 40; height <= tip.Height; height++ {
		h, err := n.Header(t.Context(), height)
		b, failed := n.Block(t.Context(), height)
		if err != nil || failed != nil || h != b.Header || (parent != "" && h.Parent != parent) {
			t.Fatalf("ledger %d: %+v, %+v, %v, %v", height, h, b.Header, err, failed)
		}
		parent = h.Hash
	}
	if pool, err := n.Mempool(t.Context(), nil); err != nil || pool.Tip != tip || len(pool.IDs) > 0 {
		t.Errorf("the mempool is %+v, %v", pool, err)
	}
	for _, height := range []int64{-1, 0, 999, tip.Height + 1, 1 << 40} {
		if _, err := n.Block(t.Context(), height); fault.Of(err).Code != xrp.ErrNoBlock.Code {
			t.Errorf("ledger %d: %v", height, err)
		}
	}
}

func TestPaysFindsAPaymentByItsTransaction(t *testing.T) {
	s, n := open(t)
	id, partial := s.Pay(devnet.Payment{To: shop, Tag: tag(7), Drops: 9}), s.Pay(devnet.Payment{To: shop, Drops: 9, Delivered: 2})
	if list, err := n.Pays(t.Context(), id, shop); err != nil || len(list) != 0 {
		t.Errorf("before it is validated it pays %v, %v", list, err)
	}
	s.Close(1)
	account, _ := chain.ParseXRPAddress(shop)
	x, _ := chain.XAddress(account, "7", false)
	for _, address := range []string{shop, shop + "#7", x} {
		if list, err := n.Pays(t.Context(), strings.ToLower(id), address); err != nil || len(list) != 1 || list[0].Amount.Minor() != "9" {
			t.Errorf("it pays %s %v, %v", address, list, err)
		}
	}
	if list, err := n.Pays(t.Context(), partial, shop); err != nil || len(list) != 1 || list[0].Amount.Minor() != "2" {
		t.Errorf("the partial one pays %v, %v", list, err)
	}
	for _, address := range []string{shop + "#8", "rrrrrrrrrrrrrrrrrrrrrhoLvTp"} {
		if list, err := n.Pays(t.Context(), id, address); err != nil || len(list) != 0 {
			t.Errorf("it pays %s %v, %v", address, list, err)
		}
	}
}

func TestNonsenseIsNoAnswer(t *testing.T) {
	s, _ := open(t)
	s.Pay(devnet.Payment{To: shop, Tag: tag(7), Drops: 9})
	s.Close(1)
	instead := func(method string, status int, text string) func() {
		return func() {
			s.Instead(func(m string) (int, string, bool) { return status, text, m == method || method == "" })
		}
	}
	edit := func(old, with string) func() {
		return func() {
			s.Edit(func(method, text string) string {
				if method != "ledger" {
					return text
				}
				return strings.ReplaceAll(text, old, with)
			})
		}
	}
	garbage := []string{rpc.ErrGarbage.Code, xrp.ErrBlockInvalid.Code}
	for name, c := range map[string]struct {
		quirk func()
		codes []string
	}{
		"a page":                   {instead("", 200, "<html>"), garbage},
		"nothing":                  {instead("", 200, "{}"), garbage},
		"a list":                   {instead("", 200, "[]"), garbage},
		"slow down":                {instead("", 503, "Server is overloaded"), []string{rpc.ErrUnreachable.Code}},
		"an error":                 {instead("ledger", 200, `{"result":{"error":"noNetwork","error_code":17,"status":"error"}}`), []string{rpc.ErrRefused.Code}},
		"another network":          {instead("server_info", 200, `{"result":{"info":{"network_id":1},"status":"success"}}`), []string{xrp.ErrWrongNetwork.Code}},
		"no network":               {instead("server_info", 200, `{"result":{"status":"success"}}`), garbage},
		"not validated":            {edit(`"validated":true`, `"validated":false`), []string{xrp.ErrNoBlock.Code}},
		"another index":            {edit(`"ledger_index":1`, `"ledger_index":2`), garbage},
		"a hash cut short":         {edit(`"parent_hash":"`, `"parent_hash":"0`), garbage},
		"no transactions":          {edit(`"transactions":[`, `"others":[`), garbage},
		"nothing was delivered":    {edit(`"delivered_amount"`, `"other_amount"`), garbage},
		"unavailable":              {edit(`"delivered_amount":"9"`, `"delivered_amount":"unavailable"`), garbage},
		"a fraction was delivered": {edit(`"delivered_amount":"9"`, `"delivered_amount":"0.9"`), garbage},
		"less than nothing":        {edit(`"delivered_amount":"9"`, `"delivered_amount":"-9"`), garbage},
		"a number was delivered":   {edit(`"delivered_amount":"9"`, `"delivered_amount":9`), garbage},
		"a tag of text":            {edit(`"DestinationTag":7`, `"DestinationTag":"7"`), garbage},
		"a tag too large":          {edit(`"DestinationTag":7`, `"DestinationTag":4294967296`), garbage},
		"an address that is none":  {edit(`"Destination":"r`, `"Destination":"q`), garbage},
	} {
		s.Instead(nil)
		s.Edit(nil)
		c.quirk()
		_, err := all(t, adapter(t, s.URL()))
		if err == nil || !slices.Contains(c.codes, fault.Of(err).Code) || fault.Of(err).Kind != fault.Unavailable {
			t.Errorf("%s: %v, want one of %v", name, err, c.codes)
		}
	}
	s.Instead(nil)
	s.Edit(nil)
	if got, err := all(t, adapter(t, "http://127.0.0.1:1", s.URL())); err != nil || len(got) != 1 {
		t.Errorf("with the first server down: %q, %v", got, err)
	}
}
