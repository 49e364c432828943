package chaintest

import (
	"fmt"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/address/v2/bech32"

	"checkout/chain"
)

// Script is the output script of an address of any network of Bitcoin's family, written in the form the network writes. It is
// the way back from what the adapter and the wallet do, and shares nothing with them.
func Script(network chain.Network, text string) ([]byte, error) {
	form, ok := network.AddressForm()
	if !ok {
		return nil, fmt.Errorf("%s has no addresses of this kind", network.ID)
	}
	if form.Cash != "" {
		kind, hash, err := chain.ParseCashAddr(form.Cash, text)
		if err != nil {
			return nil, fmt.Errorf("address %s: %w", text, err)
		}
		return hashScript(hash[:], kind == chain.CashScriptHash), nil
	}
	if part, words, _, err := bech32.DecodeGeneric(text); err == nil && part == form.Segwit && len(words) > 0 {
		program, err := bech32.ConvertBits(words[1:], 5, 8, false)
		if err != nil {
			return nil, fmt.Errorf("address %s: %w", text, err)
		}
		version := words[0]
		if version > 0 {
			version += 0x50 // OP_1 is 0x51
		}
		return append([]byte{version, byte(len(program))}, program...), nil
	}
	hash, version, err := base58.CheckDecode(text)
	if err != nil || len(hash) != 20 || version != form.PubKeyHash && version != form.ScriptHash {
		return nil, fmt.Errorf("address %s is none of %s", text, network.ID)
	}
	return hashScript(hash, version == form.ScriptHash), nil
}

// hashScript is P2PKH, or P2SH.
func hashScript(hash []byte, script bool) []byte {
	if script {
		return append(append([]byte{0xa9, 0x14}, hash...), 0x87)
	}
	return append(append([]byte{0x76, 0xa9, 0x14}, hash...), 0x88, 0xac)
}
