package main

import (
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"checkout/chain/chaintest"
)

// topUp plays a customer who pays to a deposit address.
func (in *installation) topUp(id, action string, form url.Values, want int) {
	in.t.Helper()
	res, err := http.PostForm(in.inner+"/rehearsal/deposits/"+id+"/"+action, form)
	if err != nil {
		in.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != want {
		text, _ := io.ReadAll(res.Body)
		in.t.Errorf("%s %s %v: %d %s, want %d", id, action, form, res.StatusCode, text, want)
	}
}

// TestDepositCommands: addresses are listed and shown by their merchant's environment, with what was played to them; real coins
// cannot be played.
func TestDepositCommands(t *testing.T) {
	in := open(t, "", "")
	m := string(in.m.ID)
	var list []depositView
	in.cli(&list, "deposit", "list", "--merchant", m, "--test")
	if len(list) != 0 {
		t.Errorf("before anything: %+v", list)
	}
	in.serve()
	in.ready("LTCT")
	code, body := in.call("addresses/take", in.m.Test.CoinsPaid, map[string]any{"currency": "LTCT", "foreign_id": "cust-9", "convert_to": "EUR"})
	if code != http.StatusCreated {
		t.Fatalf("addresses/take: %d %s", code, body)
	}
	in.cli(&list, "deposit", "list", "--merchant", m, "--test")
	if len(list) != 1 {
		t.Fatalf("listed %+v", list)
	}
	one := list[0]
	if !strings.HasSuffix(one.URL, "/d/"+string(one.ID)) || one.Label != "cust-9" || one.ConvertTo != "EUR" || one.Coin != "LTCT" || one.Asset != "ltct" || one.Environment != "test" ||
		!strings.Contains(string(body), `"`+one.Address+`"`) || one.Minimum == "" || one.Received != "0" || len(one.Payments) != 0 {
		t.Errorf("listed %+v of %s", one, body)
	}
	var live []depositView
	if in.cli(&live, "deposit", "list", "--merchant", m); len(live) != 0 {
		t.Errorf("among live ones: %+v", live)
	}

	in.topUp(string(one.ID), "pay", nil, http.StatusNoContent)
	in.topUp(strconv.FormatInt(one.Number, 10), "pay", url.Values{"amount": {"1.5"}, "blocks": {"3"}}, http.StatusNoContent)
	in.shop.hearsOf(t, "cust-9", "not_confirmed 0.25000000 0", "not_confirmed 1.50000000 0", "confirmed 0.25000000 3", "confirmed 1.50000000 3")
	var shown depositView
	for _, name := range []string{string(one.ID), strconv.FormatInt(one.Number, 10)} {
		chaintest.Until(t, "both payments confirmed", func() bool {
			in.cli(&shown, "deposit", "show", name)
			return len(shown.Payments) == 2 && shown.Payments[0].Status == "confirmed" && shown.Payments[1].Status == "confirmed"
		})
		if shown.Received != "1.75" || shown.Payments[0].Standing != "counted" || shown.Payments[0].TxID == "" {
			t.Errorf("shown %+v", shown)
		}
	}
	if _, said, _ := runs(t, nil, append(in.plain(), "deposit", "show", string(one.ID))...); !strings.Contains(said, one.URL[strings.Index(one.URL, "/d/"):]) || strings.Count(said, "confirmed, counted") != 2 {
		t.Errorf("in words: %s", said)
	}
	in.cli(&list, "deposit", "list", "--merchant", m, "--test")
	if !reflect.DeepEqual(list, []depositView{shown}) {
		t.Errorf("listed %+v", list)
	}

	in.topUp(string(one.ID), "pay", url.Values{"amount": {"-1"}}, http.StatusBadRequest)
	in.topUp(string(one.ID), "pay", url.Values{"blocks": {"101"}}, http.StatusBadRequest)
	in.topUp(string(one.ID), "steal", nil, http.StatusNotFound)
	in.topUp(strings.Repeat("0", 26), "pay", nil, http.StatusNotFound)
	in.topUp("999999", "pay", nil, http.StatusNotFound)
	in.refused("no such deposit address", "deposit", "show", "999999")
	in.refused("--limit", "deposit", "list", "--merchant", m, "--limit", "0")
	in.audit()
}

// TestRealDepositsAreNotPlayed: an address of a coin with a chain of its own takes no played money.
func TestRealDepositsAreNotPlayed(t *testing.T) {
	node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
	in := open(t, "", node.URL())
	in.serve()
	in.ready("BTC")
	in.taken("cust-1")
	var list []depositView
	in.cli(&list, "deposit", "list", "--merchant", string(in.m.ID))
	if len(list) != 1 || list[0].Coin != "BTC" {
		t.Fatalf("listed %+v", list)
	}
	in.topUp(string(list[0].ID), "pay", nil, http.StatusConflict)
}
