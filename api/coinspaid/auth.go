package coinspaid

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"regexp"
	"time"

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

// call is a request of an authenticated merchant, with the parameters it signed.
type call struct {
	merchant.Tenant
	in *fields
}

// open checks a request in the order of section 1.3 and reads its parameters. On GET, nothing at all means none.
func (f *Face) open(r *http.Request) (call, error) {
	tenant, body, err := f.authenticate(r)
	if err != nil {
		return call{}, err
	}
	if err := api.Uncoded(r); err != nil {
		return call{}, err
	}
	if r.Method == http.MethodGet && len(body) == 0 {
		return call{tenant, noFields()}, nil
	}
	in, err := parse(body)
	return call{tenant, in}, err
}

// authenticate is who signed a request, with the bytes that were signed: key header, signature header, key known and
// enabled, signature. The first failure answers. The body is read, but not looked at.
func (f *Face) authenticate(r *http.Request) (merchant.Tenant, []byte, error) {
	keys, signatures := r.Header.Values(headerKey), r.Header.Values(headerSignature)
	switch {
	case len(keys) == 0 || keys[0] == "":
		return merchant.Tenant{}, nil, errNoKey
	case len(signatures) == 0 || signatures[0] == "":
		return merchant.Tenant{}, nil, errNoSignature
	}
	now := f.Now()
	key, err := f.key(r.Context(), keys[0], now)
	if err != nil && !errors.Is(err, errBadKey) {
		return merchant.Tenant{}, nil, err
	}
	body, tooMuch := api.Body(r, bodyLimit)
	switch {
	case err != nil:
		_ = verify(dummySecret, body, signatures[0]) // the time it takes is the point
		return merchant.Tenant{}, nil, err
	case tooMuch != nil:
		return merchant.Tenant{}, nil, tooMuch
	}
	tenant, ok := key.Admit(now, func(secret []byte) bool { return verify(secret, body, signatures[0]) })
	if !ok || len(keys) > 1 || len(signatures) > 1 { // a header given twice is a bad signature
		return merchant.Tenant{}, nil, errBadSignature
	}
	return tenant, body, nil
}

// keyShape is what a key can look like at all. Nothing else is looked up: PostgreSQL fails on text that is not UTF-8.
var keyShape = regexp.MustCompile(`^[0-9A-Za-z_-]{1,128}$`)

// key finds a key of this dialect that can sign: errBadKey if it is unknown, revoked, or without a secret.
func (f *Face) key(ctx context.Context, public string, now time.Time) (merchant.Key, error) {
	if !keyShape.MatchString(public) {
		return merchant.Key{}, errBadKey
	}
	key, err := f.Keys.Key(ctx, public)
	switch {
	case errors.Is(err, merchant.ErrKey):
		return key, errBadKey
	case err != nil:
		return key, err
	case key.Dialect != merchant.DialectCoinsPaid || key.Revoked || len(key.Secrets(now)) == 0:
		return key, errBadKey
	}
	return key, nil
}
