package invoice

import (
	"context"
	"math/big"
	"strings"

	"checkout/fault"
	"checkout/ident"
)

// RefundTo keeps where the payer wants money back to, in the coin it would go back in: once some has come. Nothing is sent by it.
func (s *Service) RefundTo(ctx context.Context, id ident.ID, address string) (*Invoice, error) {
	return s.Store.Update(ctx, id, func(inv *Invoice, _ Moment) (Effects, error) {
		p, ok := inv.Refundable()
		if !ok {
			return Effects{}, ErrState
		}
		parsed, err := s.payee(ctx, p, address)
		if err != nil {
			return Effects{}, err
		}
		if inv.RefundAsset == p.Transfer.Asset && inv.RefundAddress == parsed {
			return Effects{}, ErrUnchanged
		}
		inv.RefundAsset, inv.RefundAddress = p.Transfer.Asset, parsed
		return Effects{}, nil
	})
}

// payee checks an address money of a payment is to go back to: one of the payment's network, and none of ours.
func (s *Service) payee(ctx context.Context, p Payment, address string) (string, error) {
	parsed, err := s.Addresses.Parse(p.Transfer.Network, address)
	if err != nil {
		return "", err
	}
	ours, err := s.Addresses.Ours(ctx, p.Transfer.Network, parsed)
	if err == nil && ours {
		err = ErrRefundAddress
	}
	return parsed, err
}

// Refundable is the money a merchant might send back, if there is any: of the coin chosen now, else the newest.
func (inv *Invoice) Refundable() (Payment, bool) {
	found, ok := Payment{}, false
	for _, p := range inv.Payments {
		if _, refunded := inv.RefundOf(p.ID); !p.Live() || !p.pays() || refunded {
			continue
		}
		if !ok || p.Transfer.Asset == inv.Asset || found.Transfer.Asset != inv.Asset {
			found, ok = p, true
		}
	}
	return found, ok
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
		if o.Address, err = s.payee(ctx, *p, o.Address); err != nil {
			return Effects{}, err
		}
		return inv.Refund(o, at)
	})
}

// RefundSent records the transaction that paid a refund, the only open one if refund is empty. A node must know that it pays
// the address the amount, and its payment must still be confirmed, unless the merchant's word is to be enough. The same
// again is no failure.
func (s *Service) RefundSent(ctx context.Context, id, refund ident.ID, txid, actor string, trust bool) (Refund, error) {
	if strings.Trim(txid, "0123456789abcdefABCDEF") == "" {
		txid = strings.ToLower(txid) // or it would be another one
	}
	inv, err := s.Find(ctx, id)
	if err != nil {
		return Refund{}, err
	}
	for _, r := range inv.Refunds {
		if r.State == RefundPaid && r.TxID == txid && (refund == "" || r.ID == refund) {
			return r, nil
		}
	}
	r, err := inv.OpenRefund(refund)
	if err != nil {
		return Refund{}, err
	}
	if !trust && inv.facts(Moment{}).unfounded(r) {
		return Refund{}, ErrRefundLost
	}
	paid, unknown := s.paidTo(ctx, r, txid)
	if unknown != nil && !trust {
		return Refund{}, unknown
	}
	err = s.Store.Together(ctx, func(ctx context.Context) error {
		used, err := s.Store.RefundedBy(ctx, r.Network, txid, r.Address)
		if err != nil {
			return err
		}
		proven := used.Add(used, r.Amount.Units()).Cmp(paid) <= 0
		if !proven && !trust {
			return ErrRefundProof
		}
		inv, err = s.Store.Update(ctx, id, func(inv *Invoice, at Moment) (Effects, error) {
			return inv.RefundSent(r.ID, txid, proven, actor, at)
		})
		return err
	})
	if err != nil {
		return Refund{}, err
	}
	return inv.refund(r.ID), nil
}

// ErrRefundLost is the fault of a refund whose payment the chain has taken back.
var ErrRefundLost = fault.New(fault.Conflict, "refund_lost", "The payment this refund is of is not confirmed any more: it may never have been yours to return.").At("refund")

// paidTo is what a transaction pays a refund's address in its coin, in smallest units; nothing if nobody knows it.
func (s *Service) paidTo(ctx context.Context, r Refund, txid string) (*big.Int, error) {
	sum := new(big.Int)
	if s.Pays == nil {
		return sum, nil
	}
	outs, err := s.Pays(ctx, r.Network, txid, r.Address)
	if err != nil {
		return sum, err
	}
	for _, out := range outs {
		if out.Asset == r.Asset {
			sum.Add(sum, out.Amount.Units())
		}
	}
	return sum, nil
}

// RejectRefund takes the approval of a refund back, of the only open one if refund is empty.
func (s *Service) RejectRefund(ctx context.Context, id, refund ident.ID, actor string) (Refund, error) {
	inv, err := s.Find(ctx, id)
	if err != nil {
		return Refund{}, err
	}
	r, err := inv.OpenRefund(refund)
	if err != nil {
		return Refund{}, err
	}
	inv, err = s.Store.Update(ctx, id, func(inv *Invoice, at Moment) (Effects, error) { return inv.RejectRefund(r.ID, actor, at) })
	if err != nil {
		return Refund{}, err
	}
	return inv.refund(r.ID), nil
}

// refund is the one of an id; none if it is not there.
func (inv *Invoice) refund(id ident.ID) Refund {
	for _, r := range inv.Refunds {
		if r.ID == id {
			return r
		}
	}
	return Refund{}
}
