package wallet

import (
	"errors"
	"strings"
	"testing"

	"checkout/chain"
	"checkout/fault"
)

// Account keys of the phrase "abandon … about" on the other coins' paths. Whatever derives them from the phrase gives these.
const (
	ltub44 = "Ltub2YDQmP391UYeDYvLye9P1SuNJFkcRGN7SYHM8JMxaDnegcPTXHJ2BnYmvHnFnGPGKu2WMuCga6iZV3SDxDMGrRyMcrYEfSPhrpS1EPkC43E" // m/44h/2h/0h
	mtub49 = "Mtub2rz9F1pkisRsSZX8sa4Ajon9GhPP6JymLgpuHqbYdU5JKFLBF7Qy8b1tZ3dccj2fefrAxfrPdVkpCxuWn3g72UctH2bvJRkp6iFmp8aLeRZ" // m/49h/2h/0h
	ltc49  = "ypub6WZ2nNciqS7sCCFCH64AswfvBu4pLXTdDQcvTkrSFyEbashNb6vEJwXTCB7axKdR4TSbNYTqnU7S6sYPs9afBYqTytiTdjzmcDVRuYcrtso"
	ltc84  = "zpub6rPo5mF47z5coVm5rvWv7fv181awb7Vckn5Cf3xQXBVKu18kuBHDhNi1Jrb4br6vVD3ZbrnXemEsWJoR18mZwkUdzwD8TQnHDUCGxqZ6swA" // m/84h/2h/0h
	ltc86  = "xpub6D39rno4TW2oi3tGmu8RUcukFtU7wFnAkdFkYAcSpGZY9yoPNbkRgTbEUYyhkqacm7dyNfc5uK8oQ71M2hTALqqDQeE2JAQn9YDteoW2cQC" // m/86h/2h/0h
	dgub44 = "dgub8rUhDtD3YFGZTUphBfpBbzvFxSMKQXYLzg87Me2ta78r2SdVLmypBUkkxrrn9RTnchsyiJSkHZyLWxD13ibBiXtuFWktBoDaGaZjQUBLNLs" // m/44h/3h/0h
	doge44 = "xpub6Bxse8AT19u9HExKtP1EAudLi9CpLxPpxDvanL2fFtM7UFE2Q7TTWRg4bnMnmT4KcyN6GQkSgZmPWDtyUywSii3MDpMNfXSTuzH7gvZywLU"
	bch44  = "xpub6ByHsPNSQXTWZ7PLESMY2FufyYWtLXagSUpMQq7Un96SiThZH2iJB1X7pwviH1WtKVeDP6K8d6xxFzzoaFzF3s8BKCZx8oEDdDkNnp4owAZ" // m/44h/145h/0h
)

// The first addresses of the phrase, as the coins' wallets (Trezor, Ledger, Trust, iancoleman.io/bip39) show them.
func TestCoinVectors(t *testing.T) {
	for _, v := range []struct {
		key, network string
		script       ScriptType
		addresses    []string
	}{
		{ltc84, "LTC/mainnet", WPKH, []string{"ltc1qjmxnz78nmc8nq77wuxh25n2es7rzm5c2rkk4wh", "ltc1qwlezpr3890hcp6vva9twqh27mr6edadreqvhnn"}},
		{mtub49, "LTC/mainnet", SHWPKH, []string{"M7wtsL7wSHDBJVMWWhtQfTMSYYkyooAAXM"}},
		{ltc49, "LTC/mainnet", SHWPKH, []string{"M7wtsL7wSHDBJVMWWhtQfTMSYYkyooAAXM"}},
		{ltub44 + "-[legacy]", "LTC/mainnet", PKH, []string{"LUWPbpM43E2p7ZSh8cyTBEkvpHmr3cB8Ez"}},
		{ltub44, "LTC/mainnet", WPKH, nil}, // as a plain xpub is
		{"[73c5da0a/44h/2h/0h]" + ltub44, "LTC/mainnet", PKH, []string{"LUWPbpM43E2p7ZSh8cyTBEkvpHmr3cB8Ez"}},
		{"tr(" + ltc86 + ")", "LTC/mainnet", TR, []string{"ltc1puht8rk95c53q3u9w3pf9h3jfcutcrl9lxc7rqsdthjrse4k6sn7q9tuqm9"}},
		{dgub44, "DOGE/mainnet", PKH, []string{"DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgC"}},
		{doge44, "DOGE/mainnet", PKH, []string{"DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgC"}},
		{"pkh([73c5da0a/44h/3h/0h]" + doge44 + "/<0;1>/*)", "DOGE/mainnet", PKH, []string{"DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgC"}},
		{bch44, "BCH/mainnet", PKH, []string{"bitcoincash:qqyx49mu0kkn9ftfj6hje6g2wfer34yfnq5tahq3q6"}},
		{bch44 + "-[legacy]", "BCH/mainnet", PKH, []string{"bitcoincash:qqyx49mu0kkn9ftfj6hje6g2wfer34yfnq5tahq3q6"}},
	} {
		t.Run(v.network+" "+v.key[:8], func(t *testing.T) {
			k := mustParse(t, v.key, v.network)
			if k.Script() != v.script {
				t.Errorf("script %q, want %q", k.Script(), v.script)
			}
			for i, want := range v.addresses {
				if got := mustAddress(t, k, uint32(i)); got != want {
					t.Errorf("address %d is %s, want %s", i, got, want)
				}
			}
			if again := mustParse(t, k.String(), v.network); again != k {
				t.Errorf("%s reads back as %s", k, again)
			}
			checkAddress(t, k, network(t, v.network))
		})
	}
}

// Keys of the private networks are those of Bitcoin's test networks, or Litecoin's own.
func TestCoinsOnRegtest(t *testing.T) {
	for _, v := range []struct{ key, network, starts string }{
		{tpub, "LTC/regtest", "rltc1q"},
		{reversion(t, tpub, 0x0436f6e1), "LTC/regtest", "rltc1q"}, // ttub
		{upub49, "LTC/regtest", "Q"},
		{tpub, "DOGE/regtest", "m n"},
		{tpub, "BCH/regtest", "bchreg:q"},
	} {
		k := mustParse(t, v.key, v.network)
		address := mustAddress(t, k, 0)
		var ok bool
		for starts := range strings.FieldsSeq(v.starts) {
			ok = ok || strings.HasPrefix(address, starts)
		}
		if !ok {
			t.Errorf("%s: %s", v.network, address)
		}
		checkAddress(t, k, network(t, v.network))
	}
}

func TestCoinKeysRefused(t *testing.T) {
	for _, v := range []struct{ name, text, network, says string }{
		{"zpub", zpub84, "DOGE/mainnet", "no addresses of the kind"},
		{"ypub", ypub49, "DOGE/mainnet", "no addresses of the kind"},
		{"zpub", zpub84, "BCH/mainnet", "no addresses of the kind"},
		{"vpub", reversion(t, tpub, 0x045f1cf6), "BCH/regtest", "no addresses of the kind"},
		{"P2WPKH", "wpkh(" + doge44 + "/0/*)", "DOGE/mainnet", "no addresses of the kind"},
		{"taproot", bch44 + "-[taproot]", "BCH/mainnet", "no addresses of the kind"},
		{"origin of P2WPKH", "[73c5da0a/84h/3h/0h]" + doge44, "DOGE/mainnet", "no addresses of the kind"},
		{"Ltub", ltub44, "DOGE/mainnet", "not a key of a Dogecoin account"},
		{"Ltub", ltub44, "mainnet", "not a key of a Bitcoin account"},
		{"Mtub", mtub49, "BCH/mainnet", "not a key of a Bitcoin Cash account"},
		{"dgub", dgub44, "LTC/mainnet", "not a key of a Litecoin account"},
		{"dgub", dgub44, "mainnet", "not a key of a Bitcoin account"},
		{"Mtub as P2WPKH", "wpkh(" + mtub49 + ")", "LTC/mainnet", "another kind"},
		{"main key", ltub44, "LTC/regtest", "main network"},
		{"main key", doge44, "DOGE/regtest", "main network"},
		{"test key", tpub, "BCH/mainnet", "test network"},
	} {
		_, err := ParseKey(v.text, network(t, v.network))
		if !errors.Is(err, ErrKey) || !strings.Contains(fault.Of(err).Text, v.says) {
			t.Errorf("%s on %s: %v, want something about %q", v.name, v.network, err, v.says)
		}
	}
	evm, _ := chain.Catalogue().Network("ethereum")
	for _, text := range []string{ltub44, mtub49, dgub44, ltc84} {
		if _, err := ParseKey(text, evm); !errors.Is(err, ErrKey) {
			t.Errorf("%s on Ethereum: %v", text[:4], err)
		}
	}
	for _, secret := range []string{
		"Ltpv71Q8zJh6iKRGx3iWzgmXmFmtvyEEhGbYW2o8n1xhTyCS8wVJWqQXTnhpPzkMOYKyvVLCtU8ZFbKqC4tYC4Gf1J5bHpzn9PiSRZfZPUmdHFa",
		"dgpv51eADS3spNJh9SCXmMbB6vZqvCAPjPo6LXZQMDhyqf5bVrJbyMDHJ1bUPbNm5Zzq8BhJPrPY9vYJU6pWcs5bhKWkjGyJPmhuYCRSVEH8mJB",
	} {
		for _, coin := range chain.UTXOCoins() {
			if _, err := ParseKey(secret, network(t, coin+"/mainnet")); !errors.Is(err, ErrPrivateKey) {
				t.Errorf("%s on %s: %v", secret[:4], coin, err)
			}
		}
	}
}

func TestCoinAddresses(t *testing.T) {
	const cash, cashP2SH = "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a", "bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq"
	for _, v := range []struct{ network, text, want string }{
		{"LTC/mainnet", "ltc1qjmxnz78nmc8nq77wuxh25n2es7rzm5c2rkk4wh", "ltc1qjmxnz78nmc8nq77wuxh25n2es7rzm5c2rkk4wh"},
		{"LTC/mainnet", "LTC1QJMXNZ78NMC8NQ77WUXH25N2ES7RZM5C2RKK4WH", "ltc1qjmxnz78nmc8nq77wuxh25n2es7rzm5c2rkk4wh"},
		{"LTC/mainnet", "ltc1puht8rk95c53q3u9w3pf9h3jfcutcrl9lxc7rqsdthjrse4k6sn7q9tuqm9", "ltc1puht8rk95c53q3u9w3pf9h3jfcutcrl9lxc7rqsdthjrse4k6sn7q9tuqm9"},
		{"LTC/mainnet", "LUWPbpM43E2p7ZSh8cyTBEkvpHmr3cB8Ez", "LUWPbpM43E2p7ZSh8cyTBEkvpHmr3cB8Ez"},
		{"LTC/mainnet", "M7wtsL7wSHDBJVMWWhtQfTMSYYkyooAAXM", "M7wtsL7wSHDBJVMWWhtQfTMSYYkyooAAXM"},
		{"LTC/mainnet", "31jkZShyVAMkVz5cQpu4qp73DrAXtFP3rZ", "M7wtsL7wSHDBJVMWWhtQfTMSYYkyooAAXM"},
		{"DOGE/mainnet", " DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgC\n", "DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgC"},
		{"DOGE/mainnet", "A7HRQk3GFCW2QasvdZxXuYj8kkQK5QrYLs", "A7HRQk3GFCW2QasvdZxXuYj8kkQK5QrYLs"},
		{"BCH/mainnet", cash, cash},
		{"BCH/mainnet", strings.ToUpper(cash), cash},
		{"BCH/mainnet", cash[12:], cash},
		{"BCH/mainnet", "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu", cash},
		{"BCH/mainnet", "3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC", cashP2SH},
		{"BCH/mainnet", cashP2SH, cashP2SH},
		{"BCH/mainnet", chain.CashAddr("bitcoincash", 2, hashOf(t, cash)), cash}, // may be sent tokens
		{"BCH/mainnet", chain.CashAddr("bitcoincash", 3, hashOf(t, cash))[12:], cashP2SH},
		{"BCH/mainnet", "1KXrWXciRDZUpQwQmuM1DbwsKDLYAYsVLR", "bitcoincash:qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy"},
		{"BCH/mainnet", "16w1D5WRVKJuZUsSRzdLp9w3YGcgoxDXb", "bitcoincash:qqq3728yw0y47sqn6l2na30mcw6zm78dzqre909m2r"},
		{"BCH/mainnet", "3LDsS579y7sruadqu11beEJoTjdFiFCdX4", "bitcoincash:pr95sy3j9xwd2ap32xkykttr4cvcu7as4yc93ky28e"},
		{"BCH/mainnet", "31nwvkZwyPdgzjBJZXfDmSWsC4ZLKpYyUw", "bitcoincash:pqq3728yw0y47sqn6l2na30mcw6zm78dzq5ucqzc37"},
		{"BCH/regtest", "mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r", "bchreg:qp63uahgrxged4z5jswyt5dn5v3lzsem6c6mz8vuwd"},
	} {
		got, err := ParseAddress(network(t, v.network), v.text)
		if err != nil || got != v.want {
			t.Errorf("%s %s: %q, %v", v.network, v.text, got, err)
		}
	}
}

func hashOf(t *testing.T, address string) [20]byte {
	t.Helper()
	_, hash, err := chain.ParseCashAddr("bitcoincash", address)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestCoinAddressesRefused(t *testing.T) {
	const cash = "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"
	hash := hashOf(t, cash)
	for _, v := range []struct{ name, network, text, says string }{
		{"Bitcoin's bech32", "LTC/mainnet", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "another network"},
		{"Bitcoin's P2PKH", "LTC/mainnet", "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH", "another network"},
		{"private", "LTC/mainnet", "ltcmweb1qqv2g556ddyyqxvr25avn9vsepu75fnygr92pwxewl72ua26su57nsqu5r89cpckmja4m7mc3tm3jr", "not supported"},
		{"Litecoin's bech32", "mainnet", "ltc1qjmxnz78nmc8nq77wuxh25n2es7rzm5c2rkk4wh", "another network"},
		{"Litecoin's P2SH", "mainnet", "M7wtsL7wSHDBJVMWWhtQfTMSYYkyooAAXM", "another network"},
		{"regtest", "LTC/mainnet", "rltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "another network"},
		{"bech32 of Bitcoin", "DOGE/mainnet", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "another network"},
		{"P2PKH of Bitcoin", "DOGE/mainnet", "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH", "another network"},
		{"typing error", "DOGE/mainnet", "DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgc", "typing error"},
		{"cashaddr", "DOGE/mainnet", cash, "another network"},
		{"bech32", "BCH/mainnet", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "another network"},
		{"Dogecoin's", "BCH/mainnet", "DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgC", "another network"},
		{"of a test network", "BCH/mainnet", chain.CashAddr("bchtest", 0, hash), "another network"},
		{"of regtest", "BCH/mainnet", chain.CashAddr("bchreg", 0, hash), "another network"},
		{"of main", "BCH/regtest", cash, "another network"},
		{"of eCash", "BCH/mainnet", chain.CashAddr("ecash", 0, hash), "another network"},
		{"mixed case", "BCH/mainnet", "bitcoincash:Qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a", "typing error"},
		{"typing error", "BCH/mainnet", cash[:40] + "q" + cash[41:], "typing error"},
		{"typing error without prefix", "BCH/mainnet", cash[12:40] + "q" + cash[41:], "typing error"},
		{"256 bits", "BCH/mainnet", "bitcoincash:qvch8mmxy0rtfrlarg7ucrxxfzds5pamg73h7370aa87d80gyhqxq5nlegake", "not supported"},
		{"noise", "BCH/mainnet", "hello", "not an address"},
		{"empty", "BCH/mainnet", "", "not an address"},
	} {
		_, err := ParseAddress(network(t, v.network), v.text)
		if !errors.Is(err, ErrAddress) || !strings.Contains(fault.Of(err).Text, v.says) {
			t.Errorf("%s on %s: %v, want something about %q", v.name, v.network, err, v.says)
		}
	}
}
