package checkout

import (
	"errors"
	"net/http"
	"strings"

	"checkout/fault"
	"checkout/invoice"
	"checkout/web/templates"
)

// longestAddress is the most that is read of an address; no chain of ours has longer ones.
const longestAddress = 120

// refundable says whether a view asks where money shall go back to.
func (v View) refundable() bool {
	switch v {
	case ViewUnderpaid, ViewOverpaid, ViewExpiredUnderpaid, ViewLate, ViewWrongAsset:
		return true
	}
	return false
}

// refund is the form that asks where to send money back to. The merchant approves every return.
func (f *Face) refund(s scene) *templates.Refund {
	p, ok := s.inv.Refundable()
	if !ok || !s.view.refundable() {
		return nil
	}
	out := &templates.Refund{
		Action: s.query.path(s.inv.ID, "/refund-address"), Coin: p.Transfer.Amount.Currency().Code, Network: f.networkName(p.Transfer.Network),
		Rest: s.view == ViewUnderpaid, Open: s.view == ViewOverpaid,
	}
	if s.inv.RefundAsset == p.Transfer.Asset {
		out.Kept, out.Address = s.inv.RefundAddress, s.inv.RefundAddress
	}
	if s.refund != nil {
		out.Address, out.Bad, out.Open = *s.refund, true, true
	}
	return out
}

// handleRefundAddress takes the form. What is no address is said at the field, with what was typed.
func (f *Face) handleRefundAddress(w http.ResponseWriter, r *http.Request) {
	s, ok := f.setForm(w, r)
	if !ok {
		return
	}
	typed := strings.TrimSpace(r.PostForm.Get("address"))
	if len(typed) > longestAddress {
		typed = typed[:longestAddress] // no address; what was typed is shown as far as one could go
	}
	_, err := f.Invoices.RefundTo(r.Context(), s.inv.ID, typed)
	switch {
	case err == nil, errors.Is(err, invoice.ErrState), errors.Is(err, invoice.ErrUnchanged):
		f.seeOther(w, r, s.query.path(s.inv.ID, "")+"#refund")
	case fault.Of(err).Kind == fault.Invalid:
		s.refund = &typed
		f.render(w, r, s, http.StatusBadRequest, templates.PageView(f.page(s)))
	default:
		f.fail(w, r, err)
	}
}
