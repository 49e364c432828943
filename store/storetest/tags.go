package storetest

import (
	"testing"

	"checkout/invoice"
	"checkout/store"
)

// addressTags: what payments to a shared address must carry is kept with the address.
func addressTags(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	inv, err := w.Invoices.Create(t.Context(), w.Tenant, w.New("tagged"))
	must(t, err)
	keep := store.Invoices{DB: w.DB}
	number, err := keep.Number(t.Context())
	must(t, err)
	_, err = keep.Update(t.Context(), inv.ID, func(inv *invoice.Invoice, _ invoice.Moment) (invoice.Effects, error) {
		shared := inv.Addresses[0]
		shared.Number, shared.Asset, shared.Tag = number, "shared", "1234567"
		inv.Addresses = append(inv.Addresses, shared)
		return invoice.Effects{}, nil
	})
	must(t, err)
	loaded, err := keep.Find(t.Context(), inv.ID)
	must(t, err)
	alone, _ := loaded.Address(w.Asset.ID)
	shared, ok := loaded.Address("shared")
	if alone.Tag != "" || !ok || shared.Tag != "1234567" || shared.Text != alone.Text {
		t.Errorf("kept %+v and %+v", alone, shared)
	}
}
