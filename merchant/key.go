package merchant

import (
	"fmt"
	"io"
	"time"

	"checkout/fault"
	"checkout/ident"
)

// DialectCoinsPaid names the CoinsPaid / CryptoProcessing v2 dialect.
const DialectCoinsPaid = "coinspaid"

// RotationOverlap is how long the old secret of a rotated key is still accepted.
const RotationOverlap = 24 * time.Hour

// ErrKey is the fault of a key nobody has, that was revoked, or whose merchant is suspended.
var ErrKey = fault.New(fault.Forbidden, "key_unknown", "The key is unknown.")

// Key is an API key. It belongs to one merchant, one environment and one dialect.
type Key struct {
	Public        string
	Merchant      ident.ID
	Env           ident.Environment
	Dialect       string
	Secret        Secret
	Previous      Secret    // the secret before the last rotation
	PreviousUntil time.Time // until when it still counts
	Created       time.Time
	Revoked       bool
}

// NewKey draws a key.
func NewKey(random io.Reader, m ident.ID, env ident.Environment, dialect string, now time.Time) Key {
	return Key{
		Public: draw(random, 32), Merchant: m, Env: env, Dialect: dialect,
		Secret: Secret(draw(random, 64)), Created: now,
	}
}

// Rotate gives the key a new secret; the old one is accepted for RotationOverlap.
func (k Key) Rotate(random io.Reader, now time.Time) Key {
	k.Previous, k.PreviousUntil = k.Secret, now.Add(RotationOverlap)
	k.Secret = Secret(draw(random, 64))
	return k
}

// Secrets lists what a signature may be made with at an instant. An empty secret is none.
func (k Key) Secrets(now time.Time) []Secret {
	var list []Secret
	if k.Secret != "" {
		list = append(list, k.Secret)
	}
	if k.Previous != "" && now.Before(k.PreviousUntil) {
		list = append(list, k.Previous)
	}
	return list
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// draw makes n letters and digits, each equally likely.
func draw(random io.Reader, n int) string {
	out := make([]byte, 0, n)
	buf := make([]byte, 2*n)
	for len(out) < n {
		if _, err := io.ReadFull(random, buf); err != nil {
			panic("merchant: no randomness: " + err.Error())
		}
		for _, b := range buf {
			if int(b) < 256-256%len(alphabet) && len(out) < n {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(out)
}

// Tenant is a merchant in an environment who has shown to be that merchant. Every query on a merchant's data asks for
// one; it can only be made by Admit or, at the console, by Operator.
type Tenant struct {
	merchant ident.ID
	env      ident.Environment
}

// Merchant is whose data may be touched.
func (t Tenant) Merchant() ident.ID { return t.merchant }

// Env is the environment it may be touched in.
func (t Tenant) Env() ident.Environment { return t.env }

// Admit makes a tenant if verify accepts one of the key's secrets. It tries all of them, so that its time does not
// tell which one fitted.
func (k Key) Admit(now time.Time, verify func(secret []byte) bool) (Tenant, bool) {
	ok := false
	for _, s := range k.Secrets(now) {
		ok = verify([]byte(s.Reveal())) || ok
	}
	if !ok || k.Revoked {
		return Tenant{}, false
	}
	return Tenant{merchant: k.Merchant, env: k.Env}, true
}

// Operator is the tenant whoever runs the installation acts for at the console.
func Operator(m ident.ID, env ident.Environment) (Tenant, error) {
	if !ident.Valid(string(m)) || !env.Valid() {
		return Tenant{}, ErrNotFound.Because(fmt.Errorf("%q in %q", m, env))
	}
	return Tenant{merchant: m, env: env}, nil
}
