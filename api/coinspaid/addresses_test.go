package coinspaid_test

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"checkout/chain"
	"checkout/store"
)

// takenAddress is an answer of addresses/take.
type takenAddress struct {
	ID               int64   `json:"id"`
	Currency         string  `json:"currency"`
	ConvertTo        *string `json:"convert_to"`
	Address          string  `json:"address"`
	Tag              *string `json:"tag"`
	ForeignID        string  `json:"foreign_id"`
	EndUserReference *string `json:"end_user_reference"`
}

// follow lets the watcher of Bitcoin have seen a block: addresses are given away of followed networks only.
func (h *house) follow() {
	h.Helper()
	for _, network := range []string{"bitcoin-regtest", "rehearsal"} {
		block := chain.Header{BlockRef: chain.BlockRef{Height: 100, Hash: network + "-100"}, Parent: network + "-99"}
		h.must(store.Chains{DB: h.db}.Extend(h.Context(), network, block))
	}
}

func (h *house) take(body string) takenAddress {
	h.Helper()
	a := h.call(h.live, "addresses/take", body)
	var got struct{ Data takenAddress }
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != http.StatusCreated {
		h.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return got.Data
}

// The same customer has the same address for ever; each member of what it is for makes another (checklist 21).
func TestAddressesTake(t *testing.T) {
	h := openHouse(t)
	h.follow()
	first := h.take(`{"currency":"BTC","foreign_id":"cust-91"}`)
	if !strings.HasPrefix(first.Address, "bcrt1q") || first.Tag != nil || first.ConvertTo != nil || first.EndUserReference != nil || first.ForeignID != "cust-91" {
		t.Errorf("%+v", first)
	}
	if again := h.take(`{"tag":null,"currency":"BTC","foreign_id":"cust-91","convert_to":null,"end_user_reference":"ada"}`); again.ID != first.ID || again.Address != first.Address ||
		again.EndUserReference == nil || *again.EndUserReference != "ada" {
		t.Errorf("asked again: %+v", again)
	}
	seen := map[string]bool{first.Address: true}
	for _, body := range []string{
		`{"currency":"BTC","foreign_id":"cust-92"}`, `{"currency":"BTC","foreign_id":"cust-91","convert_to":"EUR"}`,
		`{"currency":"BTC","foreign_id":"cust-91","convert_to":"USD"}`, `{"currency":"BTC","foreign_id":91}`,
	} {
		other := h.take(body)
		if seen[other.Address] {
			t.Errorf("%s shares an address", body)
		}
		seen[other.Address] = true
		if again := h.take(body); again.Address != other.Address || again.ID != other.ID {
			t.Errorf("%s: another address the second time", body)
		}
	}
	if converted := h.take(`{"currency":"BTC","foreign_id":"cust-91","convert_to":"EUR"}`); converted.ConvertTo == nil || *converted.ConvertTo != "EUR" {
		t.Errorf("%+v", converted)
	}
	if test := h.call(h.test, "addresses/take", `{"currency":"LTCT","foreign_id":"cust-91","sender_type":"natural","sender_data":{"first_name":"Ada","last_name":"Lind","date_of_birth":"1990-04-02"}}`); test.status != http.StatusCreated {
		t.Errorf("%d %s", test.status, test.body)
	}
}

func TestAddressesTakeRefuses(t *testing.T) {
	h := openHouse(t)
	h.refuses("never followed", h.call(h.live, "addresses/take", `{"currency":"BTC","foreign_id":"1"}`), http.StatusServiceUnavailable,
		`{"error":"This coin is not available right now.","code":"asset_unavailable"}`)
	h.follow()
	for body, want := range map[string]string{
		`null`: `{"errors":{"currency":"The currency field is required.","foreign_id":"The foreign id field is required."}}`,
		`{"currency":"ETH","foreign_id":"1","convert_to":"ETH"}`:                                      `{"errors":{"convert_to":"The selected convert to is invalid.","currency":"The selected currency is invalid."}}`,
		`{"currency":"BTC","foreign_id":"1","convert_to":"BTC"}`:                                      `{"errors":{"convert_to":"The selected convert to is invalid."}}`,
		`{"currency":"BTC","foreign_id":"1","convert_to":"XXX"}`:                                      `{"errors":{"convert_to":"The selected convert to is invalid."}}`,
		`{"currency":"BTC","foreign_id":"1","convert_to":7}`:                                          `{"errors":{"convert_to":"The selected convert to is invalid."}}`,
		`{"currency":":)","foreign_id":"1"}`:                                                          `{"errors":{"currency":"The selected currency is invalid."}}`,
		`{"currency":"LTCT","foreign_id":"1"}`:                                                        `{"errors":{"currency":"The selected currency is invalid."}}`, // of the other environment
		`{"currency":"EUR","foreign_id":1.5}`:                                                         `{"errors":{"currency":"The selected currency is invalid.","foreign_id":"The foreign id format is invalid."}}`,
		`{"currency":"BTC","foreign_id":"` + strings.Repeat("x", 256) + `"}`:                          `{"errors":{"foreign_id":"The foreign id may not be greater than 255 characters."}}`,
		`{"currency":"BTC","foreign_id":"1","sender_type":"legal","sender_data":{"email":"a@b"}}`:     `{"errors":{"sender_data.country_of_registration":"The sender data.country of registration field is required.","sender_data.legal_name":"The sender data.legal name field is required."}}`,
		`{"currency":"BTC","foreign_id":"1","end_user_reference":"` + strings.Repeat("x", 256) + `"}`: `{"errors":{"end_user_reference":"The end user reference may not be greater than 255 characters."}}`,
	} {
		h.refuses(body, h.call(h.live, "addresses/take", body), http.StatusBadRequest, want)
	}
	if n := h.rows("deposit_addresses"); n != 0 {
		t.Errorf("%d addresses were given away", n)
	}
}

// rows counts a table.
func (h *house) rows(table string) (n int) {
	h.Helper()
	raw := h.raw()
	h.must(raw.QueryRowContext(h.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n)) //nolint:gosec // a name of ours
	return n
}

// Fifty at the same time get one address (checklist 22).
func TestAddressesTakeTogether(t *testing.T) {
	h := openHouse(t)
	h.follow()
	var mu sync.Mutex
	var wg sync.WaitGroup
	got := map[string]int{}
	for range 50 {
		wg.Go(func() {
			a := h.call(h.live, "addresses/take", `{"currency":"BTC","foreign_id":"cust-1"}`)
			mu.Lock()
			defer mu.Unlock()
			got[a.body]++
		})
	}
	wg.Wait()
	if len(got) != 1 || h.rows("deposit_addresses") != 1 || h.rows("addresses") != 1 {
		t.Errorf("%v", got)
	}
}

// raw is a connection that may do anything to the database.
func (h *house) raw() *sql.DB {
	h.Helper()
	raw, err := sql.Open("sqlite", "file:"+h.file+"?_pragma=busy_timeout(5000)")
	h.must(err)
	h.Cleanup(func() { _ = raw.Close() })
	return raw
}
