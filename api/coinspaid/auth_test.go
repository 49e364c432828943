package coinspaid_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"checkout/api"
	"checkout/api/coinspaid"
	"checkout/ident"
	"checkout/merchant"
	"checkout/store"
)

// The bodies of contracts/coinspaid.md 2.1, byte for byte.
const (
	noKey        = `{"error":"No key header","code":"required_header_key"}`
	noSignature  = `{"error":"No signature header","code":"required_header_signature"}`
	badKey       = `{"error":"Bad key header","code":"bad_header_key"}`
	badSignature = `{"error":"Bad signature header","code":"bad_header_signature"}`
	badFormat    = `{"error":"Bad content format","code":"bad_content_format"}`
	notFound     = `{"error":"Not found","code":"not_found"}`
	wrongMethod  = `{"error":"Method not allowed","code":"method_not_allowed"}`
	tooLarge     = `{"error":"Payload too large","code":"payload_too_large"}`
	internal     = `{"error":"Internal error","code":"internal_error"}`
	noRate       = `{"error":"Rate is unavailable","code":"rate_unavailable"}`
)

// vectors are those of section 1.5.
var vectors = []struct{ name, secret, body, signature string }{
	{"P1", testSecret, `{"currency":"BTC","foreign_id":"123456"}`, "03c25fcf7cd35e7d995e402cd5d51edd72d48e1471e865907967809a0c189ba55b90815f20e2bb10f82c7a9e9d865546fda58989c2ae9e8e2ff7bc29195fa1ec"},
	{"P2", liveSecret, `{"currency": "BTC", "foreign_id": "123456"}`, "03232b86c33d6ada56efe8dc37fee15d5bb179d1ca9830ee6d8a0b9eb90ebcebae511fa06545f9d678475f2a8a0c709c1a16d30765bb6a420c50ef45d6b225c0"},
	{"P3", liveSecret, `{"title":"Caf\u00e9","url_success":"https:\/\/shop.example\/ok"}`, "349baa4648a856c6c00b63206f8d89d02b53ca5e87e012a3dda82966de109988505146ab63f4ca67ad815b737b034158b27e01926106f729dbb8dc86dd0fd658"},
	{"P4", liveSecret, `null`, "c4a141aa1040246c379b332d0a1745c19e0fd20d392533c4e8fc671de2afb8122b4d97b6066e0ffb19e9c7588292c761a0eed2489022b6620e23639874093921"},
	{"P5", liveSecret, `[]`, "ff9751a2aa197f2aa761d47ae63ea3ada6abb91aeb41062884a5b23fff5c392308b2fc05fd06ae033387bec28c8711d093e54faf9017ea5fdcc5865348fdf9ac"},
	{"P6", liveSecret, `{}`, "ddcb8d92ec613beed4537a4f754179a45093296849579f9ecd5a5df18102e8cb14bd3c3f51b8063bdca96a33a861883c5526ea54365d45568df9388148428d63"},
	{"P7", liveSecret, ``, "5edcea1b7135da1b62a741de937435e856c446e4b28aba2bc51a5904bcc7f1b78709f00804fcac93a56bc9cc3389f05036087f8b87842b862369a7f246d85629"},
	{"P8", liveSecret, `{"title":"Zoë ☕"}`, "2410161df2361abe53e7e4623a98fbc95736fca0d01db54e1d8a81ef25eb981585ed69ab845cefaac65f8e79897bfbd89cb087b12a5e172790dd3c3f7feb4d41"},
}

// TestVectors signs the vectors and has them verified: currencies/list reads none of their members, GET takes nothing.
func TestVectors(t *testing.T) {
	h := openHouse(t)
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			h := h.in(t)
			if got := coinspaid.Sign([]byte(v.secret), []byte(v.body)); got != v.signature {
				t.Fatalf("signed %s", got)
			}
			key := h.live
			if v.secret == testSecret {
				key = h.test
			}
			signed := func(body, signature string) answer {
				r := newRequest(key, http.MethodGet, "/api/v2/currencies/list", body)
				r.Header.Set("X-Processing-Signature", signature)
				return h.do(r)
			}
			if a := signed(v.body, v.signature); a.status != http.StatusOK {
				t.Errorf("%d %s", a.status, a.body)
			}
			for i := range len(v.body) {
				changed := v.body[:i] + string(v.body[i]^1) + v.body[i+1:]
				h.refuses(changed, signed(changed, v.signature), http.StatusForbidden, badSignature)
			}
			h.refuses("a byte more", signed(v.body+"\n", v.signature), http.StatusForbidden, badSignature)
			h.refuses("upper case", signed(v.body, strings.ToUpper(v.signature)), http.StatusForbidden, badSignature)
		})
	}
	h.refuses("P1's signature with P2's body", h.do(signedAs(h.test, vectors[1].body, vectors[0].signature)), http.StatusForbidden, badSignature)
	h.refuses("signature of body and newline", h.do(signedAs(h.test, vectors[0].body, sign(testSecret, vectors[0].body+"\n"))), http.StatusForbidden, badSignature)
}

func signedAs(key merchant.Key, body, signature string) *http.Request {
	r := newRequest(key, http.MethodPost, "/api/v2/currencies/list", body)
	r.Header["X-Processing-Signature"] = []string{signature}
	return r
}

// TestAuthentication is the order of section 1.3: of everything wrong with a request the first is answered.
func TestAuthentication(t *testing.T) {
	h := openHouse(t)
	_, theirs, _ := h.addMerchant("K2", "0", "secret of M2", "test secret of M2")
	revoked, suspended, hollow := h.unusableKeys()
	const body = `{"visible":true}`
	good := sign(liveSecret, body)
	big := `"` + strings.Repeat("x", 65_536) + `"`
	k := h.live.Public
	for _, tc := range []struct {
		name             string
		keys, signatures []string
		body             string
		status           int
		want             string
	}{
		{"no headers", nil, nil, body, 403, noKey},
		{"no headers and broken JSON", nil, nil, `{x`, 403, noKey},
		{"empty key", []string{""}, []string{good}, body, 403, noKey},
		{"no signature", []string{k}, nil, body, 403, noSignature},
		{"empty signature", []string{k}, []string{""}, body, 403, noSignature},
		{"unknown key without signature", []string{"nobody"}, nil, body, 403, noSignature},
		{"unknown key", []string{"nobody"}, []string{good}, body, 403, badKey},
		{"unknown key and broken JSON", []string{"nobody"}, []string{sign(liveSecret, `{x`)}, `{x`, 403, badKey},
		{"unknown key and too large a body", []string{"nobody"}, []string{good}, big, 403, badKey},
		{"key in another case", []string{strings.ToLower(k)}, []string{good}, body, 403, badKey},
		{"revoked key", []string{revoked.Public}, []string{good}, body, 403, badKey},
		{"key of a suspended merchant", []string{suspended.Public}, []string{good}, body, 403, badKey},
		{"key without a secret, signed with nothing", []string{hollow.Public}, []string{sign("", body)}, body, 403, badKey},
		{"key of another dialect", []string{"K4-other"}, []string{good}, body, 403, badKey},
		{"signature of another body", []string{k}, []string{sign(liveSecret, `{}`)}, body, 403, badSignature},
		{"signature with another merchant's secret", []string{k}, []string{sign(theirs.Secret.Reveal(), body)}, body, 403, badSignature},
		{"signature with the test key's secret", []string{k}, []string{sign(testSecret, body)}, body, 403, badSignature},
		{"wrong signature and broken JSON", []string{k}, []string{good}, `{x`, 403, badSignature},
		{"upper case", []string{k}, []string{strings.ToUpper(good)}, body, 403, badSignature},
		{"127 digits", []string{k}, []string{good[:127]}, body, 403, badSignature},
		{"129 digits", []string{k}, []string{good + "0"}, body, 403, badSignature},
		{"no digits", []string{k}, []string{strings.Repeat("z", 128)}, body, 403, badSignature},
		{"signature twice", []string{k}, []string{good, good}, body, 403, badSignature},
		{"good and bad signature", []string{k}, []string{good, sign(liveSecret, "")}, body, 403, badSignature},
		{"key twice", []string{k, k}, []string{good}, body, 403, badSignature},
		{"two keys", []string{k, theirs.Public}, []string{good}, body, 403, badSignature},
		{"too large a body", []string{k}, []string{sign(liveSecret, big)}, big, 413, tooLarge},
		{"good signature over broken JSON", []string{k}, []string{sign(liveSecret, `{x`)}, `{x`, 400, badFormat},
		{"bad field", []string{k}, []string{sign(liveSecret, `{"visible":2}`)}, `{"visible":2}`, 400, `{"errors":{"visible":"The visible field must be true or false."}}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRequest(h.live, http.MethodPost, "/api/v2/currencies/list", tc.body)
			r.Header["X-Processing-Key"], r.Header["X-Processing-Signature"] = tc.keys, tc.signatures
			h.in(t).refuses("", h.do(r), tc.status, tc.want)
		})
	}
	if a := h.do(signedAs(h.live, body, good)); a.status != http.StatusOK {
		t.Errorf("after all this a good request: %d %s", a.status, a.body)
	}
}

// unusableKeys adds keys that exist and sign nothing.
func (h *house) unusableKeys() (revoked, suspended, hollow merchant.Key) {
	h.Helper()
	merchants := store.Merchants{DB: h.db}
	add := func(m merchant.Merchant, k merchant.Key) merchant.Key {
		m.ID, m.Tolerance, m.Created = ident.New(h.random), "0", h.clock.Now()
		var err error
		m.Number, err = h.db.Number(h.Context())
		h.must(err)
		k.Merchant, k.Env, k.Created = m.ID, ident.Live, m.Created
		if k.Dialect == "" {
			k.Dialect = merchant.DialectCoinsPaid
		}
		h.must(merchants.Insert(h.Context(), m, []merchant.Key{k}))
		return k
	}
	revoked = add(merchant.Merchant{Name: "Left"}, merchant.Key{Public: "K3-revoked", Secret: liveSecret, Revoked: true})
	suspended = add(merchant.Merchant{Name: "Bad", Suspended: true}, merchant.Key{Public: "K3-suspended", Secret: liveSecret})
	hollow = add(merchant.Merchant{Name: "Hollow"}, merchant.Key{Public: "K3-hollow"})
	add(merchant.Merchant{Name: "Elsewhere"}, merchant.Key{Public: "K4-other", Secret: liveSecret, Dialect: "coinpayments"})
	return revoked, suspended, hollow
}

// watchedKeys notes what it is asked for, and fails as PostgreSQL does of text that is not UTF-8.
type watchedKeys struct {
	api.Keys
	asked []string
}

func (k *watchedKeys) Key(ctx context.Context, public string) (merchant.Key, error) {
	k.asked = append(k.asked, public)
	if !utf8.ValidString(public) {
		return merchant.Key{}, errors.New("invalid byte sequence for encoding \"UTF8\": 0xff")
	}
	return k.Keys.Key(ctx, public)
}

// TestKeysThatAreNone: what cannot be a key is a bad one, and the store never hears of it.
func TestKeysThatAreNone(t *testing.T) {
	h := openHouse(t)
	deps := h.deps()
	keys := &watchedKeys{Keys: deps.Keys}
	deps.Keys = keys
	h.face = coinspaid.New(deps)
	for _, public := range []string{"\xff", "K1-live\xff", "Schlüssel", "K1 live", "K1-live'--", "\x00", strings.Repeat("K", 129)} {
		r := signedAs(h.live, `{}`, sign(liveSecret, `{}`))
		r.Header["X-Processing-Key"] = []string{public}
		h.refuses(public, h.do(r), http.StatusForbidden, badKey)
	}
	if len(keys.asked) != 0 {
		t.Errorf("the store was asked for %q", keys.asked)
	}
	if a := h.do(signedAs(h.live, `{}`, sign(liveSecret, `{}`))); a.status != http.StatusOK || len(keys.asked) != 1 {
		t.Errorf("a good key: %d %s", a.status, a.body)
	}
}

// TestRotation has both secrets while they overlap, and the new one alone after it.
func TestRotation(t *testing.T) {
	h := openHouse(t)
	rotated, err := store.Merchants{DB: h.db}.Rotate(t.Context(), h.live.Public, func(k merchant.Key) merchant.Key {
		return k.Rotate(h.random, h.clock.Now())
	})
	h.must(err)
	signed := func(secret merchant.Secret) answer {
		return h.do(signedAs(h.live, `{}`, sign(secret.Reveal(), `{}`)))
	}
	for _, passed := range []time.Duration{0, merchant.RotationOverlap - time.Millisecond} {
		h.clock.pass(passed)
		for _, secret := range []merchant.Secret{h.live.Secret, rotated.Secret} {
			if a := signed(secret); a.status != http.StatusOK {
				t.Errorf("after %s: %d %s", passed, a.status, a.body)
			}
		}
	}
	h.clock.pass(time.Millisecond)
	h.refuses("the old secret after the overlap", signed(h.live.Secret), http.StatusForbidden, badSignature)
	if a := signed(rotated.Secret); a.status != http.StatusOK {
		t.Errorf("the new secret after the overlap: %d %s", a.status, a.body)
	}
}

func TestPing(t *testing.T) {
	h := openHouse(t)
	signed := func(method, body string) *http.Request { return newRequest(h.live, method, "/api/v2/ping", body) }
	bare := func(method, body string) *http.Request {
		return httptest.NewRequest(method, base+"/api/v2/ping", strings.NewReader(body))
	}
	with := func(r *http.Request, name, value string) *http.Request { r.Header.Set(name, value); return r }
	for name, r := range map[string]*http.Request{
		"nothing":                bare(http.MethodGet, ""),
		"body {}":                bare(http.MethodGet, "{}"),
		"body []":                bare(http.MethodGet, "[]"),
		"body that is no JSON":   bare(http.MethodGet, "{x"),
		"POST":                   bare(http.MethodPost, "[]"),
		"key only":               with(bare(http.MethodGet, ""), "X-Processing-Key", h.live.Public),
		"unknown key only":       with(bare(http.MethodGet, ""), "X-Processing-Key", "nobody"),
		"signature only":         with(bare(http.MethodGet, "[]"), "X-Processing-Signature", "wrong"),
		"both right":             signed(http.MethodGet, "[]"),
		"both right, no body":    signed(http.MethodGet, ""),
		"both right, compressed": with(signed(http.MethodGet, "[]"), "Content-Encoding", "gzip"),
	} {
		if a := h.do(r); a.status != http.StatusOK || a.body != "OK" || a.header.Get("Content-Type") != "text/plain" {
			t.Errorf("%s: %d %q %q", name, a.status, a.body, a.header.Get("Content-Type"))
		}
	}
	h.refuses("unknown key", h.do(with(signed(http.MethodGet, "[]"), "X-Processing-Key", "nobody")), http.StatusForbidden, badKey)
	h.refuses("wrong signature", h.do(with(signed(http.MethodGet, "[]"), "X-Processing-Signature", sign("x", "[]"))), http.StatusForbidden, badSignature)
	if a := h.do(bare(http.MethodHead, "")); a.status != http.StatusOK || a.header.Get("Content-Type") != "text/plain" {
		t.Errorf("HEAD: %d", a.status)
	}
}

// TestPaths: slashes too many are no matter, unknown paths answer in the form of the caller's dialect, and nothing is ever
// redirected.
func TestPaths(t *testing.T) {
	h := openHouse(t)
	for _, path := range []string{"/api/v2//currencies/list", "//api//v2///currencies/list", "/api/v2/currencies/list/", "/api/v2//currencies//list//"} {
		if a := h.do(newRequest(h.live, http.MethodPost, path, "null")); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	for _, path := range []string{
		"/api/v2/nowhere", "/api/v2", "/api/v2/", "/api/v1/currencies/list", "/api/v2/currencies/list/BTC", "/api/v2/Currencies/List", "/api/v2/currencies/list%00",
		"/api/v2/currencies%2Flist", "/api/v2/invoices/info", "/api/v2/payments/v1/x", "/api/v2/withdrawal_instant", "/api/v2/currencies/5057",
	} {
		h.refuses(path, h.do(newRequest(h.live, http.MethodPost, path, "null")), http.StatusNotFound, notFound)
	}
	a := h.do(httptest.NewRequest(http.MethodGet, base+"/api/v2/no<where", http.NoBody))
	want := `{"type":"https://pay.example.test/problems/not_found","title":"Not found","status":404,"detail":"There is nothing at this path.","instance":"/api/v2/no<where","code":"not_found"}`
	if a.status != http.StatusNotFound || a.body != want || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("of no dialect: %d %s", a.status, a.body)
	}
}

func TestMethods(t *testing.T) {
	h := openHouse(t)
	for _, tc := range []struct{ method, path, allow string }{
		{http.MethodGet, "/api/v2/invoices/create", "POST"},
		{http.MethodPut, "/api/v2/invoices/create", "POST"},
		{http.MethodOptions, "/api/v2/invoices/create/", "POST"},
		{"BREW", "/api/v2/invoices/create", "POST"},
		{http.MethodDelete, "/api/v2//currencies/list", "GET, POST"},
		{http.MethodPatch, "/api/v2/ping", "GET, HEAD, POST"},
	} {
		a := h.do(newRequest(h.live, tc.method, tc.path, ""))
		h.refuses(tc.method, a, http.StatusMethodNotAllowed, wrongMethod)
		if got := strings.Join(a.header.Values("Allow"), ", "); got != tc.allow {
			t.Errorf("%s %s: Allow %q", tc.method, tc.path, got)
		}
	}
	h.refuses("unknown method, unknown path", h.do(newRequest(h.live, "BREW", "/api/v2/nowhere", "")), http.StatusNotFound, notFound)
}
