package storetest

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"checkout/merchant"
	"checkout/store"
)

// looks keeps how a merchant's pages look, a picture of theirs and no other, and refuses what may not be.
func looks(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	s := store.Merchants{DB: w.DB}
	want := merchant.Look{
		Origins: []string{"https://shop.example"}, Language: "de", Theme: "dark", Brand: "#f7931a", Codes: map[string]string{"btc": "address"}, UpperCodes: true,
		Logo: &merchant.Logo{Name: "logo.b.png", Width: 160, Height: 40, Clear: true}, NoHeader: true,
		Texts: map[string]merchant.Texts{"de": {merchant.TextPaid: "Danke\nschön"}},
	}
	_, err := s.Restyle(t.Context(), w.Merchant.ID, func(merchant.Look) merchant.Look { return want })
	must(t, err)
	m, err := s.Find(t.Context(), w.Merchant.ID)
	must(t, err)
	if diff := cmp.Diff(want, m.Look); diff != "" {
		t.Error(diff)
	}
	if _, err := s.Restyle(t.Context(), w.Merchant.ID, func(l merchant.Look) merchant.Look { l.Brand = "red"; return l }); !errors.Is(err, merchant.ErrBrand) {
		t.Errorf("a colour that is none: %v", err)
	}

	other, _, _ := w.AddMerchant("Bolt Bikes")
	picture := []byte{0, 1, 2, 0xff, '\'', '"'}
	must(t, s.KeepLogo(t.Context(), w.Merchant.ID, "logo.a.png", []byte("old")))
	must(t, s.KeepLogo(t.Context(), w.Merchant.ID, "logo.b.png", picture))
	must(t, s.KeepLogo(t.Context(), other.ID, "logo.b.png", []byte("theirs")))
	if got, err := s.Logo(t.Context(), w.Merchant.ID, "logo.b.png"); err != nil || !bytes.Equal(got, picture) {
		t.Errorf("the picture came back as %v, %v", got, err)
	}
	if _, err := s.Logo(t.Context(), w.Merchant.ID, "logo.a.png"); !errors.Is(err, merchant.ErrNotFound) {
		t.Errorf("the old picture: %v", err)
	}
	must(t, s.KeepLogo(t.Context(), w.Merchant.ID, "", nil))
	if _, err := s.Logo(t.Context(), w.Merchant.ID, "logo.b.png"); !errors.Is(err, merchant.ErrNotFound) {
		t.Errorf("no picture any more: %v", err)
	}
	if got, err := s.Logo(t.Context(), other.ID, "logo.b.png"); err != nil || string(got) != "theirs" {
		t.Errorf("another merchant's: %q, %v", got, err)
	}
}
