// Package seal keeps secrets at rest: XChaCha20-Poly1305 under a master key that is not in the database, bound to
// the table, column and row it stands in, so that a sealed value copied to another place does not open.
package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"checkout/fault"
)

// The faults of sealing.
var (
	ErrKey  = fault.New(fault.Invalid, "master_key", "The master key must be 32 bytes, written as 64 hex digits or as base64.")
	ErrOpen = fault.New(fault.Internal, "seal_broken", "A sealed value does not open: wrong master key, or the value was changed.")
)

// version is written before every sealed value; it becomes v2 when the key or the cipher changes.
const version = "v1:"

// Box seals and opens values. Purposes other than sealing get keys of their own from Derive.
type Box struct {
	aead   cipher.AEAD
	master []byte
	random io.Reader
}

// Place is where a sealed value stands.
type Place struct{ Table, Column, Row string }

func (p Place) data() []byte {
	return []byte(version + p.Table + "|" + p.Column + "|" + p.Row)
}

// ParseKey reads a master key: 64 hex digits, or 32 bytes in standard or URL base64.
func ParseKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == 32 {
		return raw, nil
	}
	trimmed := strings.TrimRight(text, "=")
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if raw, err := enc.DecodeString(trimmed); err == nil && len(raw) == 32 {
			return raw, nil
		}
	}
	return nil, ErrKey
}

// New makes a box from a 32-byte master key.
func New(master []byte, random io.Reader) (*Box, error) {
	if len(master) != 32 {
		return nil, ErrKey
	}
	b := &Box{master: append([]byte(nil), master...), random: random}
	aead, err := chacha20poly1305.NewX(b.Derive("seal"))
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	b.aead = aead
	return b, nil
}

// Derive makes a 32-byte key for one purpose (HKDF-SHA256).
func (b *Box) Derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, b.master, nil, "checkout "+purpose, 32)
	if err != nil {
		panic("seal: " + err.Error()) // only for lengths no caller can ask for
	}
	return key
}

// Seal hides a value for its place: "v1:" and base64.
func (b *Box) Seal(p Place, plain []byte) string {
	nonce := make([]byte, b.aead.NonceSize())
	if _, err := io.ReadFull(b.random, nonce); err != nil {
		panic("seal: no randomness: " + err.Error())
	}
	return version + base64.RawStdEncoding.EncodeToString(b.aead.Seal(nonce, nonce, plain, p.data()))
}

// Open reads a sealed value from its place; ErrOpen if the key, the place or the text is not the right one.
func (b *Box) Open(p Place, sealed string) ([]byte, error) {
	body, ok := strings.CutPrefix(sealed, version)
	if !ok {
		return nil, ErrOpen
	}
	raw, err := base64.RawStdEncoding.DecodeString(body)
	if err != nil || len(raw) < b.aead.NonceSize() {
		return nil, ErrOpen
	}
	plain, err := b.aead.Open(nil, raw[:b.aead.NonceSize()], raw[b.aead.NonceSize():], p.data())
	if err != nil {
		return nil, ErrOpen.Because(fmt.Errorf("%s.%s of %s", p.Table, p.Column, p.Row))
	}
	return plain, nil
}
