// Package ident holds the names of things: capability ids, UUIDs, numbers and idempotency keys.
package ident

import (
	"encoding/hex"
	"io"
	"strings"
)

// ID is a capability id: 130 random bits as 26 characters of Crockford base32 (no I, L, O, U), upper case. Whoever
// holds one may see the thing it names. Ids carry no time, so neighbours share nothing.
type ID string

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// Length is the number of characters of an ID.
const Length = 26

// New draws an ID. It panics when the source of randomness fails: nothing can go on without it.
func New(random io.Reader) ID {
	var raw [17]byte
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		panic("ident: no randomness: " + err.Error())
	}
	var out [Length]byte
	var acc, bits uint
	next := 0
	for i := range out {
		for bits < 5 {
			acc, bits, next = acc<<8|uint(raw[next]), bits+8, next+1
		}
		bits -= 5
		out[i] = crockford[acc>>bits&31]
	}
	return ID(out[:])
}

// Valid says whether text has the form of an ID. Case matters: another spelling is another name.
func Valid(text string) bool {
	if len(text) != Length {
		return false
	}
	for i := range len(text) {
		if strings.IndexByte(crockford, text[i]) < 0 {
			return false
		}
	}
	return true
}

// Short is the form people read to each other: the first eight characters, "7K3M-9Q2X".
func (id ID) Short() string {
	if len(id) < 8 {
		return string(id)
	}
	return string(id[:4] + "-" + id[4:8])
}

// UUID draws a version 4 UUID (RFC 9562).
func UUID(random io.Reader) string {
	var raw [16]byte
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		panic("ident: no randomness: " + err.Error())
	}
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	h := hex.EncodeToString(raw[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
