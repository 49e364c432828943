package merchant

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"checkout/ident"
)

const id = ident.ID("4F7Q2M9XK3TDW8HZ6B5NCRVJ1E")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestNewKey(t *testing.T) {
	k := NewKey(rand.Reader, id, ident.Test, DialectCoinsPaid, noon)
	other := NewKey(rand.Reader, id, ident.Test, DialectCoinsPaid, noon)
	if !regexp.MustCompile(`^[A-Za-z0-9]{32}$`).MatchString(k.Public) || !regexp.MustCompile(`^[A-Za-z0-9]{64}$`).MatchString(k.Secret.Reveal()) {
		t.Errorf("%s, a secret of %d characters", k.Public, len(k.Secret.Reveal()))
	}
	if k.Public == other.Public || k.Secret == other.Secret {
		t.Error("drawn twice")
	}
	if k.Merchant != id || k.Env != ident.Test || k.Dialect != DialectCoinsPaid || !k.Created.Equal(noon) || k.Revoked || k.Previous != "" {
		t.Errorf("%+v", k)
	}
}

// Each letter and digit is equally likely: 62 letters do not divide 256, so the last bytes are thrown away.
func TestDrawIsFair(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	counts := map[rune]int{}
	for _, r := range draw(bytes.NewReader(bytes.Repeat(every, 8)), 248) { // 248 of 256 bytes are used
		counts[r]++
	}
	for _, r := range alphabet {
		if counts[r] != 4 {
			t.Errorf("%c comes %d times", r, counts[r])
		}
	}
}

func TestRotation(t *testing.T) {
	old := NewKey(rand.Reader, id, ident.Live, DialectCoinsPaid, noon)
	k := old.Rotate(rand.Reader, noon)
	if k.Secret == old.Secret || k.Previous != old.Secret || k.Public != old.Public {
		t.Fatalf("rotated to %+v", k)
	}
	counts := func(at time.Time, secret Secret) bool {
		_, ok := k.Admit(at, func(s []byte) bool { return string(s) == secret.Reveal() })
		return ok
	}
	last := noon.Add(RotationOverlap)
	if !counts(noon, k.Secret) || !counts(last, k.Secret) || !counts(last.Add(-1), old.Secret) || counts(last, old.Secret) {
		t.Error("the new secret counts at once, the old one until the overlap ends")
	}
	again := k.Rotate(rand.Reader, noon.Add(time.Hour))
	if _, ok := again.Admit(noon.Add(time.Hour), func(s []byte) bool { return string(s) == old.Secret.Reveal() }); ok {
		t.Error("the secret before the last counts")
	}
}

func TestAdmit(t *testing.T) {
	k := NewKey(rand.Reader, id, ident.Live, DialectCoinsPaid, noon).Rotate(rand.Reader, noon)
	tried := 0
	tenant, ok := k.Admit(noon, func([]byte) bool { tried++; return true })
	if !ok || tenant.Merchant() != id || tenant.Env() != ident.Live {
		t.Errorf("%+v, %v", tenant, ok)
	}
	if tried != 2 {
		t.Errorf("%d secrets were tried: the time tells which one fitted", tried)
	}
	if tenant, ok := k.Admit(noon, func([]byte) bool { return false }); ok || tenant != (Tenant{}) {
		t.Errorf("without a signature: %+v", tenant)
	}
	revoked, empty := k, Key{Merchant: id, Env: ident.Live}
	revoked.Revoked = true
	for name, k := range map[string]Key{"revoked": revoked, "without secrets": empty} {
		if tenant, ok := k.Admit(noon, func([]byte) bool { return true }); ok || tenant != (Tenant{}) {
			t.Errorf("%s: %+v", name, tenant)
		}
	}
}

func TestOperator(t *testing.T) {
	tenant, err := Operator(id, ident.Test)
	if err != nil || tenant.Merchant() != id || tenant.Env() != ident.Test {
		t.Errorf("%+v, %v", tenant, err)
	}
	for _, bad := range []struct {
		id  ident.ID
		env ident.Environment
	}{{"", ident.Live}, {"short", ident.Live}, {id, ""}, {id, "prod"}} {
		if tenant, err := Operator(bad.id, bad.env); !errors.Is(err, ErrNotFound) || tenant != (Tenant{}) {
			t.Errorf("%+v: %+v, %v", bad, tenant, err)
		}
	}
}

// A secret is never printed, whatever prints it.
func TestSecretIsNeverPrinted(t *testing.T) {
	const text = "hunter2hunter2"
	k := Key{Public: "pub", Secret: text, Previous: text}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "key", k, "secret", k.Secret, "any", []any{k.Secret})
	slog.New(slog.NewTextHandler(&log, nil)).Info("key", "key", k, "secret", k.Secret)
	asJSON, err := json.Marshal(map[string]any{"key": k, "secret": k.Secret})
	if err != nil {
		t.Fatal(err)
	}
	out := []string{log.String(), string(asJSON), fmt.Errorf("bad %w %v", errors.New("x"), k.Secret).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s"} {
		out = append(out, fmt.Sprintf(verb, k.Secret), fmt.Sprintf(verb, k), fmt.Sprintf(verb, &k), fmt.Sprintf(verb, []Secret{text}))
	}
	for _, s := range out {
		if strings.Contains(s, text) || strings.Contains(s, fmt.Sprintf("%x", text)) || strings.Contains(s, fmt.Sprintf("%X", text)) {
			t.Errorf("printed: %s", s)
		}
	}
	if k.Secret.Reveal() != text || k.Secret.String() != "***" {
		t.Error("Reveal is the one way")
	}
}
