package main

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"checkout/chain/chaintest"
)

// TestDepositCommands: addresses are listed and shown by their merchant's environment, with what was
// played to them.
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

	in.payTo(one.Address, "amount=0.25", http.StatusNoContent)
	in.payTo(one.Address, "amount=1.5&blocks=3", http.StatusNoContent)
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

	in.refused("no such deposit address", "deposit", "show", "999999")
	in.refused("--limit", "deposit", "list", "--merchant", m, "--limit", "0")
	in.audit()
}
