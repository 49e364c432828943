package coinspaid_test

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"checkout/api/coinspaid"
	"checkout/chain"
	"checkout/deposit"
	"checkout/event"
	"checkout/webhook"
)

// deposited is the deposit of the contract's examples (section 6.4), changed.
func deposited(change func(r *deposit.Record)) deposit.Record {
	r := deposit.Record{
		ID: "D1", Number: 2_140_001, Origin: "coinspaid", EndUserReference: "cust-88", Asset: "btc", Amount: coins(2_500_000), TxNumber: 880_001,
		TxID:   "b096c157b535978c4048d01c27d7920500420206d80fdd129ddc29a6dcb5aae2",
		Status: deposit.Confirmed, Standing: deposit.Counted, Confirmations: 1, Need: 1,
		Address: deposit.RecordAddress{Number: 5120, Asset: "btc", Currency: "BTC", Text: "tb1q3pppc0h05xj0y26s4mrv9p7pc7ymmm267n66vd", Label: "cust-88"},
	}
	change(&r)
	return r
}

// tooSmall is the deposit of the example below the minimum.
func tooSmall(r *deposit.Record) {
	r.Number, r.TxNumber, r.Amount, r.Status, r.Standing, r.Confirmations = 2_140_002, 880_002, coins(5000), deposit.Seen, deposit.Small, 0
	r.TxID = "d53ba5ac68c644f4cd70358a9fc58125d279a773c4979627c85a4ca528f5c4fb"
}

func toldDeposit(t *testing.T, kind string, r deposit.Record) ([]byte, error) {
	t.Helper()
	data, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return coinspaid.Callbacks{Registry: chain.Catalogue()}.Body(event.Event{Type: kind, Object: r.ID, Data: data})
}

// TestDepositExamples writes the deposit callbacks the contract shows, byte for byte.
func TestDepositExamples(t *testing.T) {
	fee := coins(20_000)
	usd := event.Money{Currency: "USDC", Scale: 6, Crypto: true, Minor: "160000"}
	for name, x := range map[string]struct {
		kind string
		r    deposit.Record
	}{
		"deposit_confirmed": {"deposit.confirmed", deposited(func(r *deposit.Record) { r.Fee = &fee })},
		"deposit_not_confirmed": {"deposit.detected", deposited(func(r *deposit.Record) {
			r.Status, r.Confirmations, r.Fee = deposit.Seen, 0, &fee // told only once it is confirmed
		})},
		"deposit_below_minimum": {"deposit.detected", deposited(tooSmall)},
		"deposit_double_spend": {"deposit.dropped", deposited(func(r *deposit.Record) {
			r.Number, r.TxNumber, r.Amount, r.Status, r.Confirmations = 2_140_003, 880_003, coins(1_000_000), deposit.Dropped, 0
			r.TxID = "8618305825c39880170fe6239743107db40e89a64faaf0d18787d9e6b40f4795"
		})},
		"deposit_cross_currency": {"deposit.confirmed", deposited(func(r *deposit.Record) {
			r.Number, r.TxNumber, r.Asset, r.Crossed, r.Confirmations, r.Need, r.Fee = 2_140_005, 880_005, "usdc-eth", true, 10, 10, &usd
			r.Amount = event.Money{Currency: "USDC", Scale: 6, Crypto: true, Minor: "20000000"}
			r.TxID = "0xf09c8e49e293cccf50aa116144b089fe007de47268fcaca72d4678318876a09e"
			r.Address = deposit.RecordAddress{Number: 5121, Currency: "USDTE", Text: "0x8ec882bd2c681510f258376bef11c78f4da1b383", Label: "cust-88"}
		})},
	} {
		want, err := os.ReadFile(filepath.Join("testdata", "contract", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := toldDeposit(t, x.kind, x.r)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v\ngot  %s\nwant %s", name, err, got, want)
		}
		if again := phpRoundTrip(t, got); again != string(got) {
			t.Errorf("PHP makes %s of %s", again, got)
		}
	}
	body, err := toldDeposit(t, "deposit.confirmed", deposited(func(r *deposit.Record) { r.Fee = &fee }))
	header := http.Header{}
	coinspaid.Callbacks{}.Sign(header, body, "K1-live", []byte(liveSecret))
	const signature = "f6cba1a44fa1d14a522ac1c9317fca4ea73f5f35e96666f225826330f8cb5f99bcd9da9ceb34a30e4c83776660fc0e735f57c50c256adb0624e86d0beec5ec10"
	if err != nil || len(body) != 753 || header["X-Processing-Signature"][0] != signature { // section 6.12
		t.Errorf("%v, %d bytes, %v", err, len(body), header)
	}
}

// TestDepositsTold is section 5.3: what is told of a deposit, and what is not.
func TestDepositsTold(t *testing.T) {
	for _, x := range []struct {
		name, kind, want string
		change           func(r *deposit.Record)
	}{
		{"seen", "deposit.detected", `"status":"not_confirmed"`, func(r *deposit.Record) { r.Status, r.Confirmations = deposit.Seen, 0 }},
		{"seen in a block", "deposit.detected", `"confirmations":"0"`, func(r *deposit.Record) { r.Status, r.Confirmations = deposit.Seen, 2 }},
		{"seen deep enough is told by its confirmation", "deposit.detected", "", func(*deposit.Record) {}},
		{"confirmed", "deposit.confirmed", `"fees":[{"type":"fee_crypto_deposit","currency":"BTC","amount":"0.00000000"}],"error":"","status":"confirmed"`, func(*deposit.Record) {}},
		{"taken back", "deposit.reverted", "", func(r *deposit.Record) { r.Status, r.Again = deposit.Reverted, true }},
		{"confirmed again", "deposit.confirmed", "", func(r *deposit.Record) { r.Again = true }},
		{"gone for good", "deposit.dropped", `"error":"Transaction was double spent","status":"cancelled"`, func(r *deposit.Record) { r.Status = deposit.Dropped }},
		{"too small", "deposit.detected", `"error":"Transaction amount less than minimum deposit","status":"cancelled"`, tooSmall},
		{"too small, confirmed", "deposit.confirmed", `"confirmations":"1"}],"fees":[],"error":"Transaction amount less than minimum deposit","status":"cancelled"`, func(r *deposit.Record) {
			tooSmall(r)
			r.Status, r.Confirmations = deposit.Confirmed, 1
		}},
		{"older than the address", "deposit.confirmed", "", func(r *deposit.Record) { r.Standing = deposit.Unmatched }},
		{"more than there is", "deposit.quarantined", "", func(r *deposit.Record) { r.Standing = deposit.Quarantined }},
		{"wished for in euros, credited as it came", "deposit.confirmed", `"currency":"BTC","convert_to":"EUR"`, func(r *deposit.Record) { r.Address.ConvertTo = "EUR" }},
	} {
		body, err := toldDeposit(t, x.kind, deposited(x.change))
		switch {
		case x.want == "" && !errors.Is(err, webhook.ErrNothing):
			t.Errorf("%s: told %s, %v", x.name, body, err)
		case x.want != "" && (err != nil || !bytes.Contains(body, []byte(x.want)) || bytes.Contains(body, []byte(`"status":"confirmed","foreign_id"`))):
			t.Errorf("%s: %v %s", x.name, err, body)
		}
	}
}
