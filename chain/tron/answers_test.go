package tron_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"checkout/chain"
	"checkout/chain/rpc"
	"checkout/chain/tron"
	"checkout/fault"
)

// A block as main-network nodes give them: what pays is found, under a number that no other contract's log can be taken for.
func TestARecordedBlock(t *testing.T) {
	most := strings.Repeat("f", 64)
	block := blockText(1, time.Now(),
		txText(1, "SUCCESS", "TransferContract", `{"amount":9223372036854775807,"owner_address":"41`+otherHex+`","to_address":"41`+shopHex+`"}`),
		callText(2, "SUCCESS"),
		txText(3, "SUCCESS", "TransferAssetContract", `{"amount":5,"asset_name":"55534454","owner_address":"41`+otherHex+`","to_address":"41`+shopHex+`"}`),
		callText(4, "OUT_OF_ENERGY"),
		txText(5, "SUCCESS", "CancelAllUnfreezeV2Contract", `{"owner_address":"41`+otherHex+`"}`),
		txText(6, "REVERT", "TransferContract", `{"amount":7,"owner_address":"41`+otherHex+`","to_address":"41`+shopHex+`"}`),
		callText(7, "SUCCESS"),
	)
	infos := "[" + strings.Join([]string{
		infoText(1, 2, "SUCCESS",
			logText(fakeHex, shopHex, word(9)), // another token moves first
			`{"address":"`+fakeHex+`","data":"00"}`,
			logText(usdtHex, shopHex, word(5)),
			logText(usdtHex, shopHex, word(0)),
			logText(usdtHex, otherHex, word(6)),
			logText(usdtHex, shopHex, most)),
		plainInfoText(1, 1), plainInfoText(1, 3),
		infoText(1, 4, "OUT_OF_ENERGY", logText(usdtHex, shopHex, word(8))),
		infoText(1, 7, "SUCCESS", strings.ReplaceAll(logText(usdtHex, shopHex, word(171)), topic, strings.ToUpper(topic)), // other spellings
			logText("41"+usdtHex, shopHex, word(172)), logText("3333", shopHex, word(9)), logText("", shopHex, word(9)),
			strings.Replace(logText(usdtHex, shopHex, word(9)), padding+otherHex, "41"+padding[2:]+otherHex, 1), // no addresses
			strings.Replace(logText(usdtHex, shopHex, word(9)), padding+shopHex, "41"+padding[2:]+shopHex, 1),
			logText(usdtHex, shopHex, word(173))),
	}, ",") + "]"
	b, err := recordedNode(t, nil, oneBlock(block, infos)).Block(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"trx 9223372036854775807 #0", "usdt-tron-dev 171 #1", "usdt-tron-dev 172 #2", "usdt-tron-dev 173 #5", "usdt-tron-dev 5 #2",
		"usdt-tron-dev 115792089237316195423570985008687907853269984665640564039457584007913129639935 #5",
	}
	slices.Sort(want)
	if got := paid(b, base58Of(t, shopHex)); !slices.Equal(got, want) {
		t.Errorf("the block pays\n%q, want\n%q", got, want)
	}
	if len(b.Txs) != 7 || b.Parent != idAt(0) {
		t.Errorf("%d transactions after block %s", len(b.Txs), b.Parent)
	}
}

// What lags, or cuts its answers short, must not make a payment look like none.
func TestHalfABlockIsNoBlock(t *testing.T) {
	call, log := callText(1, "SUCCESS"), logText(usdtHex, shopHex, word(5))
	whole, outcome := blockText(1, time.Now(), call), infoText(1, 1, "SUCCESS", log)
	swap := strings.Replace
	for name, c := range map[string]struct{ block, infos string }{
		"nothing came of it":              {whole, "[]"},
		"a call without its result":       {swap(whole, `"ret":[{"contractRet":"SUCCESS"}],`, "", 1), "[" + outcome + "]"},
		"a call with an empty result":     {swap(whole, `{"contractRet":"SUCCESS"}`, "{}", 1), "[" + outcome + "]"},
		"a call that failed, and did not": {swap(whole, "SUCCESS", "REVERT", 1), "[" + outcome + "]"},
		"a call that did not, and failed": {whole, "[" + swap(outcome, "SUCCESS", "REVERT", 1) + "]"},
		"an outcome without its result":   {whole, "[" + swap(outcome, `"result":"SUCCESS",`, "", 1) + "]"},
		"neither has a result":            {swap(whole, `{"contractRet":"SUCCESS"}`, "{}", 1), "[" + swap(outcome, `"result":"SUCCESS",`, "", 1) + "]"},
		"a failure only the block has":    {swap(whole, "SUCCESS", "REVERT", 1), "[" + swap(outcome, `"result":"SUCCESS",`, "", 1) + "]"},
		"a failure only its outcome has":  {swap(whole, `{"contractRet":"SUCCESS"}`, "{}", 1), "[" + swap(outcome, "SUCCESS", "REVERT", 1) + "]"},
		"an outcome too many":             {whole, "[" + outcome + "," + infoText(1, 2, "SUCCESS", log) + "]"},
		"a block of another branch":       {swap(whole, txAt(1), txAt(2), 1), "[" + outcome + "]"},
		"two calls in one transaction":    {swap(whole, `"contract":[`, `"contract":[{"type":"TriggerSmartContract"},`, 1), "[" + outcome + "]"},
		"two outcomes":                    {whole, "[" + outcome + "," + infoText(1, 1, "SUCCESS") + "]"},
		"an amount cut short":             {whole, "[" + swap(outcome, word(5), word(5)[1:], 1) + "]"},
		"an amount that is no number":     {whole, "[" + swap(outcome, word(5), "z"+word(5)[1:], 1) + "]"},
		"a topic cut short":               {whole, "[" + swap(outcome, topic, topic[2:], 1) + "]"},
		"a topic with 0x":                 {whole, "[" + swap(outcome, topic, "0x"+topic, 1) + "]"},
		"a contract that is no address":   {whole, "[" + swap(outcome, `"address":"`+usdtHex, `"address":"`+base58Of(t, usdtHex), 1) + "]"},
	} {
		b, err := recordedNode(t, nil, oneBlock(c.block, c.infos)).Block(t.Context(), 1)
		if fault.Of(err).Code != tron.ErrBlockInvalid.Code {
			t.Errorf("%s: it pays %q, %v", name, paid(b, base58Of(t, shopHex)), err)
		}
	}
	if b, err := recordedNode(t, nil, oneBlock(whole, "["+outcome+"]")).Block(t.Context(), 1); err != nil || len(paid(b, base58Of(t, shopHex))) != 1 {
		t.Errorf("the whole block: %+v, %v", b, err)
	}
}

// counting is a provider of a long chain that lets no more than 15 calls in a second pass, and locks out for half a minute who
// makes more (developers.tron.network, "Rate limits").
type counting struct {
	status int // of its refusals, and their text
	text   string

	mu     sync.Mutex
	second time.Time
	calls  int
	until  time.Time
	locked int // how often it locked us out
}

const countingTip = 1000

func (c *counting) answer(path, body string) (int, string) {
	time.Sleep(20 * time.Millisecond) // the way there
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.second) >= time.Second {
		c.second, c.calls = now, 0
	}
	if c.calls++; c.calls > 15 && now.After(c.until) {
		c.until = now.Add(30 * time.Second)
		c.locked++
	}
	if now.Before(c.until) {
		return c.status, c.text
	}
	height := heightIn(body)
	if height < 0 {
		height = countingTip
	}
	if strings.HasSuffix(path, "/gettransactioninfobyblocknum") {
		return http.StatusOK, "[" + infoText(height, int(height), "SUCCESS", logText(usdtHex, shopHex, word(1))) + "]"
	}
	return http.StatusOK, blockText(height, now, callText(int(height), "SUCCESS"))
}

// A provider that counts calls lets us begin, and catch up, all the same, however it says that it has had enough.
func TestAProviderThatCountsCalls(t *testing.T) {
	const grid = `{"Error":"The key exceeds the frequency limit(15), and the query server is suspended for 30s"}`
	for name, c := range map[string]*counting{
		"forbidden": {status: http.StatusForbidden, text: grid}, "too many": {status: http.StatusTooManyRequests, text: "<html>"},
		"not now": {status: http.StatusServiceUnavailable, text: grid}, "by its text": {status: http.StatusOK, text: grid},
		"a node of our own": {status: http.StatusOK, text: `{"Error":"class java.lang.IllegalAccessException : lack of computing resources"}`},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, c.catchUp) })
	}
}

func (c *counting) catchUp(t *testing.T) {
	n := recordedNode(t, nil, c.answer)
	start := time.Now()
	again := func(what string, f func() error) { // as the watcher does: a second later
		t.Helper()
		for err := f(); err != nil; err = f() {
			if time.Since(start) > 10*time.Minute {
				t.Fatalf("%s: %v", what, err)
			}
			time.Sleep(time.Second)
		}
	}
	again("it never begins", func() error {
		tip, err := n.Tip(t.Context())
		for height := tip.Height - 100; err == nil && height <= tip.Height; height++ {
			_, err = n.Header(t.Context(), height)
		}
		return err
	})
	for height := int64(countingTip - 300); height <= countingTip; height++ {
		again(fmt.Sprintf("it stays at %d", height), func() error {
			b, err := n.Block(t.Context(), height)
			if err == nil && len(paid(b, base58Of(t, shopHex))) != 1 {
				t.Errorf("block %d pays nothing", height)
			}
			return err
		})
	}
	if c.locked > 1 {
		t.Errorf("it was locked out %d times in %s", c.locked, time.Since(start))
	}
}

// A failure of a node that has nothing to do with how much it is asked slows nothing down, and a call that waits can be given up.
func TestOnlyLimitsSlowCallsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trouble := `{"Error":"class java.lang.NullPointerException : null"}`
		n := recordedNode(t, nil, func(path, body string) (int, string) {
			if trouble != "" {
				return http.StatusOK, trouble
			}
			return oneBlock(blockText(1, time.Now()), "[]")(path, body)
		})
		hundred := func(ctx context.Context) (took time.Duration, err error) {
			start := time.Now()
			for i := 0; i < 100 && err == nil; i++ {
				_, err = n.Tip(ctx)
			}
			return time.Since(start), err
		}
		if _, err := n.Tip(t.Context()); fault.Of(err).Code != rpc.ErrRefused.Code {
			t.Errorf("the failure is %v", err)
		}
		trouble = ""
		if took, err := hundred(t.Context()); err != nil || took > time.Second {
			t.Errorf("after a failure a hundred calls take %s, %v", took, err)
		}
		trouble = `{"Error":"The key exceeds the frequency limit(15)"}`
		_, _ = n.Tip(t.Context())
		trouble = ""
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if took, err := hundred(ctx); !errors.Is(err, context.DeadlineExceeded) || took != 5*time.Second {
			t.Errorf("a call that was given up: %s, %v", took, err)
		}
		time.Sleep(10 * time.Minute)
		if took, err := hundred(t.Context()); err != nil || took > time.Second {
			t.Errorf("ten minutes later a hundred calls take %s, %v", took, err)
		}
	})
}

// Trust in a node's identity ends after a minute, and with any trouble.
func TestIdentityIsLookedAtAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other, broken := false, false
		n := recordedNode(t, nil, func(path, body string) (int, string) {
			switch {
			case broken:
				return http.StatusOK, "<html>"
			case other && heightIn(body) == 0:
				return http.StatusOK, strings.Replace(blockText(0, time.Now()), "de", "ad", 1)
			}
			return oneBlock(blockText(1, time.Now()), "[]")(path, body)
		})
		tip := func() string {
			_, err := n.Tip(t.Context())
			if err == nil {
				return ""
			}
			return fault.Of(err).Code
		}
		if got := tip(); got != "" {
			t.Fatal(got)
		}
		other = true
		if got := tip(); got != "" {
			t.Errorf("it is asked who it is at each call: %s", got)
		}
		time.Sleep(61 * time.Second)
		if got := tip(); got != tron.ErrWrongNetwork.Code {
			t.Errorf("a minute later: %q", got)
		}
		other = false
		if got := tip(); got != "" {
			t.Errorf("when it is the right one again: %q", got)
		}
		broken = true
		if got := tip(); got != rpc.ErrGarbage.Code {
			t.Errorf("with a page for an answer: %q", got)
		}
		broken, other = false, true
		if got := tip(); got != tron.ErrWrongNetwork.Code {
			t.Errorf("after trouble: %q", got)
		}
	})
}

// On a main network an old block is no tip; anywhere, a node that has less than another is passed over.
func TestNodesThatLag(t *testing.T) {
	now := time.Now()
	at := func(height int64, age time.Duration) answering {
		return func(_, body string) (int, string) {
			if heightIn(body) == 0 {
				return http.StatusOK, blockText(0, now)
			}
			return http.StatusOK, blockText(height, now.Add(-age))
		}
	}
	main := func(c *tron.Config) { c.Network.Main = true }
	if _, err := recordedNode(t, main, at(9, 6*time.Minute)).Tip(t.Context()); fault.Of(err).Code != tron.ErrSyncing.Code {
		t.Errorf("a tip of six minutes ago: %v", err)
	}
	if tip, err := recordedNode(t, main, at(9, 6*time.Minute), at(12, time.Minute)).Tip(t.Context()); err != nil || tip.Height != 12 {
		t.Errorf("with another that has caught up: %v, %v", tip, err)
	}
	if _, err := recordedNode(t, nil, at(9, 6*time.Minute)).Tip(t.Context()); err != nil {
		t.Errorf("a private network may stand still: %v", err)
	}
	heights := []int64{20, 25}
	two := func(i int) answering {
		return func(path, body string) (int, string) { return at(heights[i], 0)(path, body) }
	}
	n := recordedNode(t, nil, two(0), two(1))
	for _, c := range []struct{ first, second, want int64 }{{20, 25, 20}, {21, 25, 21}, {19, 25, 25}, {22, 24, 24}, {30, 24, 24}} {
		heights[0], heights[1] = c.first, c.second
		if tip, err := n.Tip(t.Context()); err != nil || tip.Height != c.want {
			t.Errorf("of %d and %d the tip is %v, %v, want %d", c.first, c.second, tip, err, c.want)
		}
	}
}

// Confirmations count from so little above the solid block that nothing newer has three, and only if it is one of the chain's.
func TestTheSolidBlock(t *testing.T) {
	for name, c := range map[string]struct {
		solid int64
		edit  func(text string) string
		want  int64 // -1: none
	}{
		"far behind":           {5, nil, 7},
		"close behind":         {19, nil, 20},
		"the tip":              {20, nil, 20},
		"one that came since":  {22, nil, 20},
		"of another branch":    {5, func(text string) string { return strings.Replace(text, "abab", "cdcd", 1) }, -1},
		"another height's":     {5, func(text string) string { return strings.Replace(text, `"number":5`, `"number":6`, 1) }, -1},
		"none":                 {5, func(string) string { return "{}" }, -1},
		"a node that does not": {5, func(string) string { return `{"Error":"class java.lang.IllegalStateException : not found"}` }, -1},
	} {
		n := recordedNode(t, nil, func(path, body string) (int, string) {
			if height := heightIn(body); height >= 0 {
				return http.StatusOK, blockText(height, time.Now())
			}
			text := blockText(c.solid, time.Now())
			if c.edit != nil && strings.HasPrefix(path, "/walletsolidity/") {
				text = c.edit(text)
			}
			return http.StatusOK, text
		})
		got, err := n.Ceiling(t.Context(), chain.BlockRef{Height: 20, Hash: idAt(20)})
		if (c.want < 0) != (err != nil) || (err == nil && got != c.want) || (err != nil && fault.Of(err).Kind != fault.Unavailable) {
			t.Errorf("%s: %d, %v, want %d", name, got, err, c.want)
		}
	}
}

// Blocks that were fetched ahead are of the branch that was followed then: who looks for a fork gets them anew.
func TestWhatWasFetchedAheadIsDropped(t *testing.T) {
	asked := map[int64]int{}
	var mu sync.Mutex
	n := recordedNode(t, nil, func(_, body string) (int, string) {
		height := heightIn(body)
		if height < 0 {
			height = 50
		}
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(body, `"num"`) {
			asked[height]++
		}
		return http.StatusOK, blockText(height, time.Now())
	})
	take := func(height int64) {
		t.Helper()
		if b, err := n.Block(t.Context(), height); err != nil || b.Hash != idAt(height) {
			t.Fatalf("block %d is %s, %v", height, b.Hash, err)
		}
	}
	if _, err := n.Tip(t.Context()); err != nil {
		t.Fatal(err)
	}
	take(10)
	take(11)
	if asked[11] != 1 || asked[17] != 1 || asked[18] != 0 {
		t.Errorf("it fetched %v", asked)
	}
	if _, err := n.Header(t.Context(), 11); err != nil {
		t.Fatal(err)
	}
	take(12)
	if asked[12] != 2 {
		t.Errorf("after a look for a fork it fetched %v", asked)
	}
	take(49)
	take(50)
	if asked[50] != 1 || asked[51] != 0 {
		t.Errorf("at the tip it fetched %v", asked)
	}
}

// A provider gets its key, and what it writes of it is not repeated.
func TestTheKeyOfAProvider(t *testing.T) {
	const key = "5f7d2c1e-90ab-4c55-8c4f-d3c1b2a09876"
	sent := ""
	n := recordedNode(t, func(c *tron.Config) {
		c.RPC[0].Headers = map[string]string{"TRON-PRO-API-KEY": key}
		inner := c.RPC[0].HTTP.Transport
		c.RPC[0].HTTP.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			sent = r.Header.Get("TRON-PRO-API-KEY")
			return inner.RoundTrip(r)
		})
	}, func(string, string) (int, string) {
		return http.StatusBadRequest, `{"Error":"ApiKey not exists: ` + key + `"}`
	})
	_, err := n.Tip(t.Context())
	if sent != key {
		t.Errorf("the key sent is %q", sent)
	}
	if fault.Of(err).Code != rpc.ErrRefused.Code || strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "ApiKey not exists") {
		t.Errorf("the error is %v", err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Only a contract that is there and counts otherwise is another one than was configured; a node that cannot tell says nothing
// of it (tronprotocol.github.io, "/wallet/triggerconstantcontract").
func TestWhatContractsAnswer(t *testing.T) {
	_, assets := recordedAssets(t)
	mismatch, refused := tron.ErrMismatch.Code, rpc.ErrRefused.Code
	hex := func(text string) string { return fmt.Sprintf("%x", text) }
	for name, c := range map[string]struct{ answer, want string }{
		"six decimals":            {`{"result":{"result":true},"energy_used":500,"constant_result":["` + word(6) + `"],"transaction":{"ret":[{}]}}`, ""},
		"eighteen":                {`{"result":{"result":true},"constant_result":["` + word(18) + `"]}`, mismatch},
		"more than fits":          {`{"result":{"result":true},"constant_result":["` + strings.Repeat("f", 64) + `"]}`, mismatch},
		"no contract":             {`{"result":{"code":"CONTRACT_VALIDATE_ERROR","message":"` + hex("Smart contract is not exist.") + `"}}`, mismatch},
		"no such function":        {`{"result":{"result":true,"message":"` + hex("REVERT opcode executed") + `"},"constant_result":[""]}`, mismatch},
		"a number, undone":        {`{"result":{"result":true,"message":"` + hex("REVERT opcode executed") + `"},"constant_result":["` + word(6) + `"]}`, mismatch},
		"a node without the VM":   {`{"result":{"code":"CONTRACT_VALIDATE_ERROR","message":"` + hex("this node does not support constant") + `"}}`, refused},
		"a node that is too slow": {`{"result":{"code":"OTHER_ERROR","message":"` + hex("class OutOfTimeException : CPU timeout") + `"}}`, refused},
		"nothing":                 {`{}`, rpc.ErrGarbage.Code},
	} {
		n := recordedNode(t, nil, func(path, body string) (int, string) {
			if path == "/wallet/triggerconstantcontract" {
				return http.StatusOK, c.answer
			}
			return oneBlock(blockText(1, time.Now()), "[]")(path, body)
		})
		if err := n.Check(t.Context(), assets[1]); (err != nil || c.want != "") && fault.Of(err).Code != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// What addresses hold is asked of the solid blocks; an account nobody has paid is not there.
func TestBalancesOfSolidBlocks(t *testing.T) {
	n := recordedNode(t, nil, func(path, body string) (int, string) {
		switch {
		case path != "/walletsolidity/getaccount":
			return oneBlock(blockText(1, time.Now()), "[]")(path, body)
		case strings.Contains(body, shopHex):
			return http.StatusOK, `{"address":"41` + shopHex + `","balance":9223372036854775807,"create_time":1777445121000,"assetV2":[{"key":"1002000","value":5}]}`
		}
		return http.StatusOK, "{}"
	})
	held, err := n.Balances(t.Context(), []string{base58Of(t, shopHex), base58Of(t, otherHex)}, 1)
	if err != nil || held[0].Minor() != "9223372036854775807" || held[1].Sign() != 0 {
		t.Errorf("they hold %v, %v", held, err)
	}
	if _, err := n.Balances(t.Context(), []string{"0x" + shopHex}, 1); err == nil {
		t.Error("an address of another network is asked for")
	}
	if n.Coin().ID != "trx" {
		t.Errorf("the coin is %s", n.Coin().ID)
	}
}

// Whatever a node says of a block, it is refused or read, and what is read is of the network.
func FuzzBlock(f *testing.F) {
	log := logText(usdtHex, shopHex, word(5))
	f.Add(blockText(1, time.UnixMilli(1), callText(1, "SUCCESS")), "["+infoText(1, 1, "SUCCESS", log)+"]")
	f.Add(blockText(1, time.UnixMilli(1), txText(1, "SUCCESS", "TransferContract", `{"amount":1,"to_address":"41`+shopHex+`"}`)), "[]")
	f.Add(`{"blockID":null}`, `[{"log":[{}]}]`)
	f.Fuzz(func(t *testing.T, block, infos string) {
		b, err := recordedNode(t, nil, oneBlock(block, infos)).Block(t.Context(), 1)
		if err != nil {
			if fault.Of(err).Kind != fault.Unavailable {
				t.Fatalf("%v", err)
			}
			return
		}
		for _, tx := range b.Txs {
			for _, out := range tx.Outputs {
				if _, ok := chain.ParseTronAddress(out.Address); !ok || out.Amount.Sign() <= 0 || out.TxID != tx.ID {
					t.Fatalf("%+v", out)
				}
			}
		}
	})
}
