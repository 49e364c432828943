package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/big"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2/base58"

	"checkout/money"
)

// The vectors of EIP-55.
func TestEIP55(t *testing.T) {
	for _, want := range []string{
		"0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D", "0xde709f2102306220921060314715629080e2fb77",
		"0x27b1fdb04752bbc536007a920d24acb045561c26", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
		"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
	} {
		for _, written := range []string{want, strings.ToLower(want), "0x" + strings.ToUpper(want[2:])} {
			if got, ok := EIP55(written); !ok || got != want {
				t.Errorf("%s: %s, %v; want %s", written, got, ok, want)
			}
		}
	}
	for _, bad := range []string{"", "0x", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg", "0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"} {
		if got, ok := EIP55(bad); ok {
			t.Errorf("%q is taken for %s", bad, got)
		}
	}
}

// TestItem7Contracts: every contract's checksum is right, and the decimals are those of the table in payment-uris.md.
func TestItem7Contracts(t *testing.T) {
	scales := map[string]uint8{
		"usdt-ethereum": 6, "usdc-ethereum": 6, "dai-ethereum": 18, "usdt-bsc": 18, "usdc-bsc": 18, "usdt-polygon": 6, "usdc-polygon": 6,
		"usdc-base": 6, "usdc-arbitrum": 6, "usdt-arbitrum": 6, "usdt-tron": 6, "usdc-tron": 6, "usdt-solana": 6, "usdc-solana": 6, "usdt-ton": 6,
		"btc": 8, "ltc": 8, "doge": 8, "bch": 8, "eth": 18, "eth-base": 18, "eth-arbitrum": 18, "eth-optimism": 18, "bnb": 18, "pol": 18,
		"trx": 6, "xrp": 6, "sol": 9, "ton": 9,
	}
	r := Catalogue()
	if len(r.Assets()) != len(scales) {
		t.Errorf("%d assets, want %d", len(r.Assets()), len(scales))
	}
	seen := map[string]string{}
	for _, a := range r.Assets() {
		if a.Currency.Scale != scales[a.ID] {
			t.Errorf("%s has %d decimals, want %d", a.ID, a.Currency.Scale, scales[a.ID])
		}
		if a.Contract == "" {
			continue
		}
		n, _ := r.Network(a.Network)
		if !validContract(n.Family, a.Contract) {
			t.Errorf("%s: contract %s", a.ID, a.Contract)
		}
		if other, twice := seen[a.Network+a.Contract]; twice {
			t.Errorf("%s and %s are the same token", a.ID, other)
		}
		seen[a.Network+a.Contract] = a.ID
	}
}

func validContract(f Family, contract string) bool {
	switch f {
	case FamilyEVM:
		sum, ok := EIP55(contract)
		return ok && sum == contract
	case FamilyTron: // version 0x41, 20 bytes, four of a double hash
		raw := base58.Decode(contract)
		if len(raw) != 25 || raw[0] != 0x41 {
			return false
		}
		once := sha256.Sum256(raw[:21])
		twice := sha256.Sum256(once[:])
		return bytes.Equal(twice[:4], raw[21:])
	case FamilySolana: // a public key, without a checksum
		return len(base58.Decode(contract)) == 32
	case FamilyTON: // flags, workchain, 32 bytes, CRC-16
		raw, err := base64.URLEncoding.DecodeString(contract)
		return err == nil && len(raw) == 36 && binary.BigEndian.Uint16(raw[34:]) == crc16(raw[:34])
	}
	return false
}

// crc16 is CRC-16/XMODEM.
func crc16(data []byte) uint16 {
	var sum uint16
	for _, b := range data {
		sum ^= uint16(b) << 8
		for range 8 {
			if sum&0x8000 != 0 {
				sum = sum<<1 ^ 0x1021
			} else {
				sum <<= 1
			}
		}
	}
	return sum
}

func TestCatalogue(t *testing.T) {
	r := Catalogue()
	places := map[string]int{"BTC": 8, "LTC": 8, "BCH": 8, "DOGE": 2, "ETH": 6, "BNB": 6, "SOL": 6, "POL": 3, "TRX": 3, "XRP": 3, "TON": 3, "USDT": 2, "USDC": 2, "DAI": 2}
	for _, a := range r.Assets() {
		if a.DuePlaces != places[a.Currency.Code] {
			t.Errorf("%s is rounded to %d places", a.ID, a.DuePlaces)
		}
		if a.Stable != (places[a.Currency.Code] == 2 && a.Currency.Code != "DOGE") || a.Stable != (a.Contract != "") {
			t.Errorf("%s: stable %v, contract %q", a.ID, a.Stable, a.Contract)
		}
		small, err1 := a.Dust.Cmp(a.Minimum)
		big, err2 := a.Minimum.Cmp(a.Cap)
		if err1 != nil || err2 != nil || small > 0 || big >= 0 || a.Dust.Sign() <= 0 {
			t.Errorf("%s: dust %s, minimum %s, cap %s", a.ID, a.Dust.Plain(), a.Minimum.Plain(), a.Cap.Plain())
		}
		if !a.Minimum.Equal(a.Minimum.CeilTo(a.DuePlaces)) {
			t.Errorf("%s: nobody can be asked for the minimum of %s", a.ID, a.Minimum.Plain())
		}
	}
	chains := map[int64]string{}
	for _, n := range r.Networks() {
		if !n.Main || n.Played || n.BlockTime <= 0 || n.Coin == "" {
			t.Errorf("%+v", n)
		}
		if (n.Family == FamilyEVM) != (n.EVM.ChainID > 0 && n.EVM.Title != "") {
			t.Errorf("%s is %s with %+v", n.ID, n.Family, n.EVM)
		}
		if other, twice := chains[n.EVM.ChainID]; twice && n.EVM.ChainID != 0 {
			t.Errorf("%s and %s are both chain %d", n.ID, other, n.EVM.ChainID)
		}
		chains[n.EVM.ChainID] = n.ID
	}
}

// What is offered today is in the catalogue as it is offered.
func TestCatalogueAgreesWithTheOffer(t *testing.T) {
	n, a, _ := Bitcoin("mainnet")
	r := Catalogue()
	network, _ := r.Network(n.ID)
	asset, _ := r.Asset(a.ID)
	if network != n || asset.Scheme != a.Scheme || asset.Currency != a.Currency || !asset.Cap.Equal(a.Cap) {
		t.Errorf("%+v, %+v", network, asset)
	}
	if _, played := Rehearsal(); played.Scheme != mustAsset(t, r, "ltc").Scheme {
		t.Error("the played coin has another scheme than the real one")
	}
}

func TestCatalogueLimits(t *testing.T) {
	r := Catalogue()
	for id, want := range map[string][3]string{
		"usdt-tron": {"0.01", "1", "1000000000000"}, "usdt-bsc": {"0.01", "1", "1000000000000"}, "eth": {"0.00001", "0.0001", "200000000"},
		"btc": {"0.00001", "0.00001", "21000000"}, "sol": {"0.001", "0.001", "2000000000"},
	} {
		a := mustAsset(t, r, id)
		if got := [3]string{a.Dust.Plain(), a.Minimum.Plain(), a.Cap.Plain()}; got != want {
			t.Errorf("%s: %v", id, got)
		}
	}
	wei := money.New(mustAsset(t, r, "eth").Currency, new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil))
	if wei.Plain() != "1" {
		t.Errorf("10^18 wei are %s ETH", wei.Plain())
	}
}

func mustAsset(t *testing.T, r *Registry, id string) Asset {
	t.Helper()
	a, ok := r.Asset(id)
	if !ok {
		t.Fatalf("no asset %s", id)
	}
	return a
}
