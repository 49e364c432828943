package qr

import (
	"encoding/hex"
	"math/big"
	"strconv"

	"checkout/chain"
)

// unreadable is the first amount in smallest units that must not stand in an EIP-681 URI: the library most wallets use
// turns it into "1e+21", and they fail (R4).
var unreadable = new(big.Int).Exp(big.NewInt(10), big.NewInt(21), nil)

// asksFor681 says whether an amount is asked for that a URI can carry.
func (p Payment) asksFor681() bool { return p.asks() && p.Due.Units().Cmp(unreadable) < 0 }

// ethereumURI is EIP-681. The chain id always stands (R6); of a token's parameters the recipient comes first and there is
// no other (R7).
func (p Payment) ethereumURI() string {
	at := "@" + strconv.FormatInt(p.Network.EVM.ChainID, 10)
	if p.Asset.Contract == "" {
		q := query{base: p.Asset.Scheme + ":" + p.Address + at}
		if p.asksFor681() {
			q.add("value", p.Due.Minor())
		}
		return q.String()
	}
	if !p.asksFor681() {
		return ""
	}
	return p.Asset.Scheme + ":" + p.transfer()
}

// transfer is the part of a token's URI that follows the scheme.
func (p Payment) transfer() string {
	q := query{base: p.Asset.Contract + "@" + strconv.FormatInt(p.Network.EVM.ChainID, 10) + "/transfer"}
	q.add("address", p.Address)
	q.add("uint256", p.Due.Minor())
	return q.String()
}

// Call is a transaction a wallet of the EVM family is asked to send, all fields as JSON-RPC has them (eth_sendTransaction).
type Call struct {
	ChainID string // quantity: "0x1"
	To      string // the recipient, or the token's contract
	Value   string // quantity, in wei
	Data    string // of a token: the call of transfer(address,uint256); empty: none
}

// transferSelector are the first four bytes of keccak("transfer(address,uint256)"), the only function ever called.
const transferSelector = "a9059cbb"

// Call is the transaction that pays. There is none without an amount, or for other families.
func (p Payment) Call() (Call, bool) {
	address, ok := chain.EIP55(p.Address)
	if p.Network.Family != chain.FamilyEVM || !p.asks() || !ok || p.Due.Units().BitLen() > 256 {
		return Call{}, false
	}
	c := Call{ChainID: quantity(big.NewInt(p.Network.EVM.ChainID))}
	if p.Asset.Contract == "" {
		c.To, c.Value = p.Address, quantity(p.Due.Units())
		return c, true
	}
	recipient, _ := new(big.Int).SetString(address[2:], 16)
	c.To, c.Value, c.Data = p.Asset.Contract, "0x0", "0x"+transferSelector+word(recipient)+word(p.Due.Units())
	return c, true
}

// quantity is a number as JSON-RPC writes it: hex digits without zeros before them.
func quantity(n *big.Int) string { return "0x" + n.Text(16) }

// word is a number as an argument of a contract: 32 bytes, in hex.
func word(n *big.Int) string { return hex.EncodeToString(n.FillBytes(make([]byte, 32))) }
