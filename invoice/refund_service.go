package invoice

import (
	"context"
	"slices"

	"checkout/ident"
	"checkout/money"
)

// RefundTo keeps where the payer wants money back to, in the chosen coin: once some has come. Nothing is sent by it.
func (s *Service) RefundTo(ctx context.Context, id ident.ID, address string) (*Invoice, error) {
	return s.Store.Update(ctx, id, func(inv *Invoice, _ Moment) (Effects, error) {
		m, ok := inv.Method(inv.Asset)
		if !ok || !inv.Refundable() {
			return Effects{}, ErrState
		}
		parsed, err := s.Addresses.Parse(m.Network, address)
		if err != nil {
			return Effects{}, err
		}
		if inv.gave(parsed) {
			return Effects{}, ErrRefundAddress
		}
		if inv.RefundAsset == m.Asset && inv.RefundAddress == parsed {
			return Effects{}, ErrUnchanged
		}
		inv.RefundAsset, inv.RefundAddress = m.Asset, parsed
		return Effects{}, nil
	})
}

// gave says whether an address is one the invoice was to be paid to.
func (inv *Invoice) gave(address string) bool {
	return slices.ContainsFunc(inv.Addresses, func(a Address) bool { return a.Text == address })
}

// Refundable says whether there is money a merchant might send back.
func (inv *Invoice) Refundable() bool {
	return slices.ContainsFunc(inv.Payments, func(p Payment) bool { return p.Live() && p.pays() && p.Transfer.Asset == inv.Asset })
}

// Refund approves that money of a payment goes back to its payer, by default to where the payer wants it. The merchant sends
// it, and names the transaction with RefundSent.
func (s *Service) Refund(ctx context.Context, id ident.ID, o RefundOrder) (*Invoice, error) {
	o.ID = ident.New(s.Random)
	return s.Store.Update(ctx, id, func(inv *Invoice, at Moment) (Effects, error) {
		p, err := inv.Returnable(o.Payment)
		if err != nil {
			return Effects{}, err
		}
		o := o
		if o.Address == "" && inv.RefundAsset == p.Transfer.Asset {
			o.Address = inv.RefundAddress
		}
		if o.Address == "" {
			return Effects{}, ErrRefundTo
		}
		if o.Address, err = s.Addresses.Parse(p.Transfer.Network, o.Address); err != nil {
			return Effects{}, err
		}
		if inv.gave(o.Address) {
			return Effects{}, ErrRefundAddress
		}
		return inv.Refund(o, at)
	})
}

// RefundSent records the transaction that paid a refund, the only open one if refund is empty. A node must know that it pays
// the address the amount, unless the merchant's word is to be enough.
func (s *Service) RefundSent(ctx context.Context, id, refund ident.ID, txid, actor string, trust bool) (*Invoice, error) {
	inv, err := s.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	r, err := inv.OpenRefund(refund)
	if err != nil {
		return nil, err
	}
	proven, err := s.proven(ctx, r, txid)
	if err != nil && !trust {
		return nil, err
	}
	if !proven && !trust {
		return nil, ErrRefundProof
	}
	return s.Store.Update(ctx, id, func(inv *Invoice, at Moment) (Effects, error) {
		return inv.RefundSent(r.ID, txid, proven, actor, at)
	})
}

// proven says whether a transaction pays a refund.
func (s *Service) proven(ctx context.Context, r Refund, txid string) (bool, error) {
	if s.Pays == nil {
		return false, nil
	}
	outs, err := s.Pays(ctx, r.Network, txid, r.Address)
	if err != nil {
		return false, err
	}
	sum := money.Zero(r.Amount.Currency())
	for _, out := range outs {
		if out.Asset == r.Asset {
			sum, _ = sum.Add(out.Amount) // one asset has one currency
		}
	}
	less, err := sum.Cmp(r.Amount)
	return less >= 0, err
}

// RejectRefund takes the approval of a refund back, of the only open one if refund is empty.
func (s *Service) RejectRefund(ctx context.Context, id, refund ident.ID, actor string) (*Invoice, error) {
	return s.Store.Update(ctx, id, func(inv *Invoice, at Moment) (Effects, error) { return inv.RejectRefund(refund, actor, at) })
}
