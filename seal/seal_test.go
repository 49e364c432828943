package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func mustBox(t testing.TB, key byte) *Box {
	t.Helper()
	b, err := New(bytes.Repeat([]byte{key}, 32), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var place = Place{Table: "api_keys", Column: "secret", Row: "K1"}

func TestSealedOpensInItsPlaceOnly(t *testing.T) {
	b := mustBox(t, 1)
	for _, plain := range []string{"", "s", "a secret of some length", strings.Repeat("x", 10_000)} {
		sealed := b.Seal(place, []byte(plain))
		if !strings.HasPrefix(sealed, "v1:") || (len(plain) > 8 && strings.Contains(sealed, plain)) {
			t.Errorf("sealed as %.40q", sealed)
		}
		if got, err := b.Open(place, sealed); err != nil || string(got) != plain {
			t.Errorf("%.20q opens as %.20q, %v", plain, got, err)
		}
		if sealed == b.Seal(place, []byte(plain)) {
			t.Error("sealed alike twice")
		}
		for _, other := range []Place{{"wallets", "secret", "K1"}, {"api_keys", "previous_secret", "K1"}, {"api_keys", "secret", "K2"}} {
			if got, err := b.Open(other, sealed); !errors.Is(err, ErrOpen) {
				t.Errorf("opens in %v as %q, %v", other, got, err)
			}
		}
		if got, err := mustBox(t, 2).Open(place, sealed); !errors.Is(err, ErrOpen) {
			t.Errorf("opens with another key as %q, %v", got, err)
		}
	}
}

func TestTamperedDoesNotOpen(t *testing.T) {
	b := mustBox(t, 1)
	sealed := b.Seal(place, []byte("secret"))
	raw, err := base64.RawStdEncoding.DecodeString(sealed[3:])
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 1
		if _, err := b.Open(place, "v1:"+base64.RawStdEncoding.EncodeToString(bad)); !errors.Is(err, ErrOpen) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	for _, text := range []string{"", "secret", "v1:", "v2:" + sealed[3:], sealed[3:], sealed[:len(sealed)-4], "v1:!!!", sealed + "AAAA"} {
		if got, err := b.Open(place, text); !errors.Is(err, ErrOpen) {
			t.Errorf("%.20q opens as %q, %v", text, got, err)
		}
	}
}

func TestDerivedKeysAreForOnePurpose(t *testing.T) {
	b := mustBox(t, 1)
	chain := b.Derive("audit chain")
	if len(chain) != 32 || !bytes.Equal(chain, b.Derive("audit chain")) {
		t.Errorf("%d bytes, and others the next time", len(chain))
	}
	if bytes.Equal(chain, b.Derive("seal")) || bytes.Equal(chain, mustBox(t, 2).Derive("audit chain")) || bytes.Equal(chain, bytes.Repeat([]byte{1}, 32)) {
		t.Error("the key of another purpose, of another master key or the master key itself")
	}
}

func TestParseKey(t *testing.T) {
	want := []byte("0123456789abcdefghijklmnopqrst\xfb\xff")
	for _, text := range []string{
		hex.EncodeToString(want), strings.ToUpper(hex.EncodeToString(want)), " " + hex.EncodeToString(want) + "\n",
		base64.StdEncoding.EncodeToString(want), base64.RawStdEncoding.EncodeToString(want), base64.URLEncoding.EncodeToString(want),
		base64.RawURLEncoding.EncodeToString(want) + "\n",
	} {
		if got, err := ParseKey(text); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q is %x, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "short", hex.EncodeToString(want[:31]), hex.EncodeToString(want) + "00", base64.StdEncoding.EncodeToString(want[:31]), strings.Repeat("z", 64)} {
		if got, err := ParseKey(text); !errors.Is(err, ErrKey) {
			t.Errorf("%q is %x, %v", text, got, err)
		}
	}
	if _, err := New(want[:31], rand.Reader); !errors.Is(err, ErrKey) {
		t.Errorf("a box of 31 bytes: %v", err)
	}
}
