package coinspaid

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"

	"checkout/api"
	"checkout/fault"
	"checkout/merchant"
)

// Headers of a signed request, spelled as receivers of callbacks expect them.
const (
	headerKey       = "X-Processing-Key"
	headerSignature = "X-Processing-Signature"
)

// bodyLimit is the most a request may carry, in bytes.
const bodyLimit = 65_536

// The faults of authentication (contracts/coinspaid.md 2.1).
var (
	errNoKey        = fault.New(fault.Forbidden, "required_header_key", "No key header")
	errNoSignature  = fault.New(fault.Forbidden, "required_header_signature", "No signature header")
	errBadKey       = fault.New(fault.Forbidden, "bad_header_key", "Bad key header")
	errBadSignature = fault.New(fault.Forbidden, "bad_header_signature", "Bad signature header")
	errFormat       = fault.New(fault.Invalid, "bad_content_format", "Bad content format")
)

// Sign is the signature of a body: lower-case hex of HMAC-SHA512 over its exact bytes.
func Sign(secret, body []byte) string {
	mac := hmac.New(sha512.New, secret)
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// verify compares in constant time. A signature is 128 lower-case hex digits; anything else is none.
func verify(secret, body []byte, signature string) bool {
	return subtle.ConstantTimeCompare([]byte(Sign(secret, body)), []byte(signature)) == 1
}

// dummySecret is what the signature of an unknown key is compared with, so that it takes as long as a known one's.
var dummySecret = []byte("no such key has this secret, and nobody can sign with it")

// caller is an authenticated merchant with the body that was signed.
type caller struct {
	merchant.Tenant
	body []byte
}

// authenticate checks a request in the order of section 1.3: key header, signature header, key known, signature. The
// body is read but not looked at before.
func (f *Face) authenticate(r *http.Request) (caller, error) {
	keys, signatures := r.Header.Values(headerKey), r.Header.Values(headerSignature)
	switch {
	case len(keys) == 0 || keys[0] == "":
		return caller{}, errNoKey
	case len(signatures) == 0 || signatures[0] == "":
		return caller{}, errNoSignature
	}
	body, err := api.Body(r, bodyLimit)
	if err != nil {
		return caller{}, err
	}
	key, err := f.key(r.Context(), keys)
	if err != nil {
		if errors.Is(err, errBadKey) {
			_ = verify(dummySecret, body, signatures[0]) // the time it takes is the point
		}
		return caller{}, err
	}
	tenant, ok := key.Admit(f.Now(), func(secret []byte) bool { return verify(secret, body, signatures[0]) })
	switch {
	case key.Revoked || len(key.Secrets(f.Now())) == 0:
		return caller{}, errBadKey
	case !ok || len(signatures) > 1:
		return caller{}, errBadSignature
	}
	return caller{Tenant: tenant, body: body}, nil
}

func (f *Face) key(ctx context.Context, keys []string) (merchant.Key, error) {
	if len(keys) > 1 {
		return merchant.Key{}, errBadKey
	}
	key, err := f.Keys.Key(ctx, keys[0])
	if errors.Is(err, merchant.ErrKey) || (err == nil && key.Dialect != merchant.DialectCoinsPaid) {
		return merchant.Key{}, errBadKey
	}
	return key, err
}
