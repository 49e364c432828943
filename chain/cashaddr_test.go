package chain

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// The vectors of spec/cashaddr.md: "Larger test vectors" and "Undefined types", all of one size and the ends of the others.
func TestCashEncoding(t *testing.T) {
	for _, v := range []struct {
		kind, size byte
		text, data string
	}{
		{0, 0, "bitcoincash:qr6m7j9njldwwzlg9v7v53unlr4jkmx6eylep8ekg2", "F5BF48B397DAE70BE82B3CCA4793F8EB2B6CDAC9"},
		{1, 0, "bchtest:pr6m7j9njldwwzlg9v7v53unlr4jkmx6eyvwc0uz5t", "F5BF48B397DAE70BE82B3CCA4793F8EB2B6CDAC9"},
		{1, 0, "pref:pr6m7j9njldwwzlg9v7v53unlr4jkmx6ey65nvtks5", "F5BF48B397DAE70BE82B3CCA4793F8EB2B6CDAC9"},
		{0, 1, "bitcoincash:q9adhakpwzztepkpwp5z0dq62m6u5v5xtyj7j3h2ws4mr9g0", "7ADBF6C17084BC86C1706827B41A56F5CA32865925E946EA"},
		{1, 1, "bchtest:p9adhakpwzztepkpwp5z0dq62m6u5v5xtyj7j3h2u94tsynr", "7ADBF6C17084BC86C1706827B41A56F5CA32865925E946EA"},
		{0, 2, "bitcoincash:qgagf7w02x4wnz3mkwnchut2vxphjzccwxgjvvjmlsxqwkcw59jxxuz", "3A84F9CF51AAE98A3BB3A78BF16A6183790B18719126325BFC0C075B"},
		{0, 3, "bitcoincash:qvch8mmxy0rtfrlarg7ucrxxfzds5pamg73h7370aa87d80gyhqxq5nlegake", "3173EF6623C6B48FFD1A3DCC0CC6489B0A07BB47A37F47CFEF4FE69DE825C060"},
		{1, 3, "bchtest:pvch8mmxy0rtfrlarg7ucrxxfzds5pamg73h7370aa87d80gyhqxq7fqng6m6", "3173EF6623C6B48FFD1A3DCC0CC6489B0A07BB47A37F47CFEF4FE69DE825C060"},
		{0, 4, "bitcoincash:qnq8zwpj8cq05n7pytfmskuk9r4gzzel8qtsvwz79zdskftrzxtar994cgutavfklv39gr3uvz", "C07138323E00FA4FC122D3B85B9628EA810B3F381706385E289B0B25631197D194B5C238BEB136FB"},
		{1, 5, "pref:ph3krj5607v3qlqh5c3wq3lrw3wnuxw0sp8dv0zugrrt5a3kj6ucysfz8kxwv2k53krr7n933jfsunqjntdfcwg", "E361CA9A7F99107C17A622E047E3745D3E19CF804ED63C5C40C6BA763696B98241223D8CE62AD48D863F4CB18C930E4C"},
		{1, 6, "bchtest:pmvl5lzvdm6km38lgga64ek5jhdl7e3aqd9895wu04fvhlnare5937w4ywkq57juxsrhvw8ym5d8qx7sz7zz0zvcypqs6kgdsg2g", "D9FA7C4C6EF56DC4FF423BAAE6D495DBFF663D034A72D1DC7D52CBFE7D1E6858F9D523AC0A7A5C34077638E4DD1A701BD017842789982041"},
		{0, 7, "bitcoincash:qlg0x333p4238k0qrc5ej7rzfw5g8e4a4r6vvzyrcy8j3s5k0en7calvclhw46hudk5flttj6ydvjc0pv3nchp52amk97tqa5zygg96mtky5sv5w", "D0F346310D5513D9E01E299978624BA883E6BDA8F4C60883C10F28C2967E67EC77ECC7EEEAEAFC6DA89FAD72D11AC961E164678B868AEEEC5F2C1DA08884175B"},
		{15, 0, "prefix:0qxsg0rgpa", ""},
		{15, 7, "prefix:0uwa85v9fp", ""},
		{15, 0, "prefix:0zeuqqwwk0xjclsv4lzljpye09m74gv4darmzluu6g4yxxk5eja92nup8dp7p", "B3C001CEB3CD2C7E0CAFC5F904997977EAA1956F47B17F9CD22A431AD4CCBA55"},
		{15, 7, "prefix:07euqqwwk0xjclsv4lzljpye09m74gv4darmzluu6g4yxxk5eja922n8zkmjh", "B3C001CEB3CD2C7E0CAFC5F904997977EAA1956F47B17F9CD22A431AD4CCBA55"},
	} {
		data, err := hex.DecodeString(v.data)
		if err != nil {
			t.Fatal(err)
		}
		prefix, payload, _ := strings.Cut(v.text, ":")
		if got := encodeCash(prefix, v.kind<<3|v.size, data); got != v.text {
			t.Errorf("written as %s, want %s", got, v.text)
		}
		version, got, ok := decodeCash(prefix, payload)
		if !ok || version != v.kind<<3|v.size || !bytes.Equal(got, data) {
			t.Errorf("%s is read as %d %x, %t", v.text, version, got, ok)
		}
		if _, _, err := ParseCashAddr(prefix, v.text); (err == nil) != (v.kind < 4 && v.size == 0) {
			t.Errorf("%s as an address: %v", v.text, err)
		}
	}
}

// The checksums of spec/cashaddr.md whose payload is none.
func TestCashChecksum(t *testing.T) {
	for _, text := range []string{
		"prefix:x64nx6hz", "p:gpf8m4h7", "bitcoincash:qpzry9x8gf2tvdw0s3jn54khce6mua7lcw20ayyn",
		"bchtest:spectestnetaddressrealrealaddressqpan2k9lh", "bchreg:555555555555555555555555555555555555555555555udxmlmrz",
	} {
		prefix, payload, _ := strings.Cut(text, ":")
		digits := make([]byte, len(payload))
		for i := range payload {
			digits[i] = byte(strings.IndexByte(cashAlphabet, payload[i]))
		}
		if sum := cashChecksum(prefix, digits); sum != 0 {
			t.Errorf("%s: %x", text, sum)
		}
		if _, _, err := ParseCashAddr(prefix, text); err == nil {
			t.Errorf("%s is taken for an address", text)
		}
	}
}

func TestParseCashAddr(t *testing.T) {
	const good = "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"
	hash := [20]byte(mustHex(t, "76a04053bda0a88bda5177b86a15c3b29f559873"))
	tokens := encodeCash("bitcoincash", 2<<3, hash[:])
	if !strings.HasPrefix(tokens, "bitcoincash:z") {
		t.Fatalf("an address for tokens is %s", tokens)
	}
	damaged := []byte(good)
	damaged[30] ^= 1
	for _, v := range []struct {
		name, text string
		kind       CashKind
		want       error
	}{
		{"P2PKH", good, CashPubKeyHash, nil},
		{"P2SH", "bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq", CashScriptHash, nil},
		{"without prefix", good[12:], CashPubKeyHash, nil},
		{"upper case", strings.ToUpper(good), CashPubKeyHash, nil},
		{"upper case without prefix", strings.ToUpper(good[12:]), CashPubKeyHash, nil},
		{"for tokens", tokens, CashPubKeyHash, nil},
		{"P2SH for tokens", encodeCash("bitcoincash", 3<<3, hash[:]), CashScriptHash, nil},
		{"mixed case", good[:20] + strings.ToUpper(good[20:]), 0, ErrCashForm},
		{"prefix in another case", strings.ToUpper(good[:11]) + good[11:], 0, ErrCashForm},
		{"typing error", string(damaged), 0, ErrCashForm},
		{"another network's", encodeCash("bchtest", 0, hash[:]), 0, ErrCashPrefix},
		{"another network's without prefix", encodeCash("bchtest", 0, hash[:])[8:], 0, ErrCashForm},
		{"another network's prefix on it", "bchtest:" + good[12:], 0, ErrCashForm},
		{"no prefix", good[11:], 0, ErrCashForm},
		{"twice the prefix", "bitcoincash:" + good, 0, ErrCashForm},
		{"one more digit", good + "q", 0, ErrCashForm},
		{"kind 4", encodeCash("bitcoincash", 4<<3, hash[:]), 0, ErrCashKind},
		{"reserved bit", encodeCash("bitcoincash", 0x80, hash[:]), 0, ErrCashKind},
		{"P2SH of 256 bits", encodeCash("bitcoincash", 1<<3|3, make([]byte, 32)), 0, ErrCashKind},
		{"19 bytes", encodeCash("bitcoincash", 0, hash[:19]), 0, ErrCashForm},
		{"21 bytes", encodeCash("bitcoincash", 0, append(hash[:], 0)), 0, ErrCashForm},
		{"no bytes", encodeCash("bitcoincash", 0, nil), 0, ErrCashForm},
		{"padding not zero", withPadding(t, good), 0, ErrCashForm},
		{"legacy", "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu", 0, ErrCashForm},
		{"empty", "", 0, ErrCashForm},
		{"prefix only", "bitcoincash:", 0, ErrCashForm},
		{"not ASCII", "bitcoincash:qß", 0, ErrCashForm},
	} {
		kind, got, err := ParseCashAddr("bitcoincash", v.text)
		if !errors.Is(err, v.want) || kind != v.kind || (err == nil) != (got == hash) {
			t.Errorf("%s: %d, %x, %v", v.name, kind, got, err)
		}
	}
	if got := CashAddr("bitcoincash", CashPubKeyHash, hash); got != good {
		t.Errorf("written as %s", got)
	}
}

// withPadding sets the bit that fills up the last digit of an address of 20 bytes, and makes the checksum right again.
func withPadding(t *testing.T, text string) string {
	t.Helper()
	prefix, payload, _ := strings.Cut(text, ":")
	digits := make([]byte, len(payload)-cashSum)
	for i := range digits {
		digits[i] = byte(strings.IndexByte(cashAlphabet, payload[i]))
	}
	digits[len(digits)-1] |= 1
	sum := cashChecksum(prefix, append(digits[:len(digits):len(digits)], make([]byte, cashSum)...))
	var b strings.Builder
	for _, d := range digits {
		b.WriteByte(cashAlphabet[d])
	}
	for i := range cashSum {
		b.WriteByte(cashAlphabet[sum>>(5*(cashSum-1-i))&31])
	}
	return prefix + ":" + b.String()
}

func mustHex(t testing.TB, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What is read is written as the same address, in one form for all ways of writing it.
func FuzzParseCashAddr(f *testing.F) {
	for _, seed := range []string{
		"bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a", "BITCOINCASH:PPM2QSZNHKS23Z7629MMS6S4CWEF74VCWVN0H829PQ",
		"qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy", "bchreg:555555555555555555555555555555555555555555555udxmlmrz", ":", "q:", "\xff:\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		kind, hash, err := ParseCashAddr("bitcoincash", text)
		if err != nil {
			return
		}
		written := CashAddr("bitcoincash", kind, hash)
		if again, same, err := ParseCashAddr("bitcoincash", written); err != nil || again != kind || same != hash {
			t.Fatalf("%q is %s, which is %d %x, %v", text, written, again, same, err)
		}
	})
}
