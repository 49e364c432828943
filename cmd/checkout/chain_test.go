package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"checkout/chain/chaintest"
)

// fails runs a command that must fail, and gives what it printed.
func (in *installation) fails(args ...string) (stdout, stderr string) {
	in.t.Helper()
	cmd := in.command(args...)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	if cmd.Run() == nil {
		in.t.Errorf("checkout %s did not fail: %s", strings.Join(args, " "), out.String())
	}
	return out.String(), err.String()
}

// bitcoinStatus is what the command line says of the Bitcoin chain.
func (in *installation) bitcoinStatus() chainView {
	in.t.Helper()
	var list []chainView
	in.cli(&list, "chain", "status", "--network", "bitcoin")
	if len(list) != 1 || list[0].Network != "bitcoin-regtest" {
		in.t.Fatalf("chain status: %+v", list)
	}
	return list[0]
}

// TestChainAccept: a private chain is set up anew, shorter than the old one. Nothing goes on until the operator accepts it;
// then what was paid on the old chain is taken back, and invoices can be paid on the new one.
func TestChainAccept(t *testing.T) {
	onBoth(t, func(t *testing.T, db string) {
		old := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
		in := open(t, db, old.URL(), "CHECKOUT_CONFIRMATIONS=BTC=1")
		in.serve()
		in.ready("BTC")
		if v := in.bitcoinStatus(); v.Status != "ok" || v.Stuck || v.Common != nil || v.Height != 120 || v.Node == nil || v.Node.Hash != v.Hash {
			t.Errorf("all is well, but %+v", v)
		}
		if _, said := in.fails("chain", "accept", "--network", "bitcoin", "--yes"); !strings.Contains(said, "nothing to accept") {
			t.Errorf("all is well, and accept says %q", said)
		}
		settled := in.create("settled", nil)
		old.Pay(*settled.Address, due)
		in.view(settled, "detected")
		old.Generate(15)
		in.view(settled, "paid")
		chaintest.Until(t, "all fifteen blocks", func() bool { return in.bitcoinStatus().Height == 135 })
		in.stop()

		anew := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
		in.set("CHECKOUT_BITCOIN_RPC", anew.URL())
		in.serve()
		chaintest.Until(t, "the chain is behind", func() bool { return strings.Contains(in.readyz(), "chain:BTC=behind") })
		v := in.bitcoinStatus()
		if v.Status != "behind" || !v.Stuck || v.Depth != 135 || v.Common == nil || v.Common.Height != 0 || v.Node.Height != 120 {
			t.Errorf("the chain is set up anew, and status says %+v", v)
		}
		shown, said := in.fails("chain", "accept", "--network", "bitcoin")
		var cost struct {
			Depth    int
			Invoices int
		}
		if err := json.Unmarshal([]byte(shown), &cost); err != nil || cost.Depth != 135 || cost.Invoices != 1 || !strings.Contains(said, "--yes") {
			t.Errorf("without --yes: %q %q", shown, said)
		}
		in.view(settled, "paid")

		in.cli(nil, "chain", "accept", "--network", "bitcoin", "--yes")
		in.view(settled, "detected")
		in.ready("BTC")
		if v := in.bitcoinStatus(); v.Status != "ok" || v.Stuck || v.Height != 120 || v.Reorgs != 1 || v.Accepted != nil {
			t.Errorf("after it was accepted: %+v", v)
		}
		in.shop.hears(t, "settled", "processing 0.00000000", "confirmed 0.00000000", "processing 0.00000000")
		fresh := in.create("fresh", nil)
		anew.Pay(*fresh.Address, due)
		in.view(fresh, "detected")
		anew.Generate(1)
		in.view(fresh, "paid")
		in.audit()
		in.stop()
	})
}

// TestChainAcceptAlone: nobody serves the database, so the command does it.
func TestChainAcceptAlone(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs a node")
	}
	old := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
	in := open(t, "", old.URL())
	if v := in.bitcoinStatus(); v.Status != "starting" || v.Node != nil {
		t.Errorf("before the first look: %+v", v)
	}
	in.serve()
	in.ready("BTC")
	in.create("waits", nil)
	in.kill()
	anew := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{Empty: true})
	anew.Generate(7)
	in.set("CHECKOUT_BITCOIN_RPC", anew.URL())
	in.cli(nil, "chain", "accept", "--network", "bitcoin", "--yes")
	if v := in.bitcoinStatus(); v.Status != "ok" || v.Height != 7 || v.Reorgs != 1 {
		t.Errorf("after it was accepted: %+v", v)
	}
	in.serve()
	in.ready("BTC")
	in.audit()
	anew.Stop()
	if v := in.bitcoinStatus(); v.NodeSays == "" || v.Node != nil {
		t.Errorf("its node is down: %+v", v)
	}
	if _, said := in.fails("chain", "accept", "--network", "rehearsal", "--yes"); !strings.Contains(said, "nothing to accept") {
		t.Errorf("the played chain: %q", said)
	}
	in.set("CHECKOUT_BITCOIN_RPC", "")
	if _, said := in.fails("chain", "status", "--network", "bitcoin"); !strings.Contains(said, "--network") {
		t.Errorf("without a node: %q", said)
	}
}

// TestHeldIsShown: an invoice that cannot be read is named wherever an operator looks, and settles once it is repaired.
func TestHeldIsShown(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs a node")
	}
	node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
	in := open(t, "", node.URL())
	in.serve()
	in.ready("BTC")
	broken, sound := in.create("broken", nil), in.create("sound", nil)
	if got := in.readyz(); !strings.HasPrefix(got, "ok\n") || !strings.Contains(got, "\nheld=0") {
		t.Errorf("readyz: %q", got)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(in.dir, "checkout.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	change := func(terms string) (was string) {
		t.Helper()
		if err := db.QueryRow("SELECT terms FROM invoices WHERE number = $1", broken.ID).Scan(&was); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("UPDATE invoices SET terms = $1 WHERE number = $2", terms, broken.ID); err != nil {
			t.Fatal(err)
		}
		return was
	}
	terms := change("{")
	node.Pay(*broken.Address, due)
	node.Pay(*sound.Address, due)
	in.view(sound, "detected")
	node.Generate(1)
	in.view(sound, "paid")
	chaintest.Until(t, "held=1", func() bool {
		got := in.readyz()
		return strings.HasPrefix(got, "degraded\n") && strings.Contains(got, "\nheld=1") && strings.Contains(got, "chain:BTC=ok")
	})
	if got := in.metrics(t); !strings.Contains(got, `checkout_chain_held{chain="bitcoin-regtest"} 1`) {
		t.Error("the metric does not show it")
	}
	if held := in.bitcoinStatus().Held; len(held) != 1 || held[0].Kind != "seen" || held[0].Height != 121 || held[0].Invoice != broken.path()[3:] {
		t.Errorf("chain status: %+v", held)
	}
	if out, _ := in.fails("audit", "verify"); !strings.Contains(out, "held: invoice "+broken.path()[3:]) {
		t.Errorf("the audit: %s", out)
	}
	if n := strings.Count(in.logs.String(), `"event":"sighting_held"`); n != 1 {
		t.Errorf("logged %d times", n)
	}
	change(terms)
	in.pass(61 * time.Second)
	in.view(broken, "paid")
	chaintest.Until(t, "held=0", func() bool { return strings.Contains(in.readyz(), "\nheld=0") })
	in.audit()
}
