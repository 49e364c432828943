package checkout

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"checkout/chain"
	"checkout/invoice"
	"checkout/web/templates"
)

// txid is a transaction id wherever it stands in what was pasted: people paste the address of an explorer as well.
var txid = regexp.MustCompile(`(?:^|[^0-9a-fA-F])([0-9a-fA-F]{64})(?:[^0-9a-fA-F]|$)`)

// handleHint answers "I have paid" in words. What is typed is looked up and never trusted: it changes nothing.
func (f *Face) handleHint(w http.ResponseWriter, r *http.Request) {
	s, ok := f.setForm(w, r)
	if !ok {
		return
	}
	typed := r.PostForm.Get("tx")
	if len(typed) > 300 {
		typed = typed[:300]
	}
	found := &templates.Found{Typed: strings.ToValidUTF8(typed, "")}
	status := http.StatusOK
	if m := txid.FindStringSubmatch(typed); m == nil {
		found.Bad, found.Says, status = true, s.lang.Say("find.bad"), http.StatusBadRequest
	} else {
		says, err := f.found(r, s, strings.ToLower(m[1]))
		if err != nil {
			f.fail(w, r, err)
			return
		}
		found.Says = says
	}
	s.found = found
	f.render(w, r, s, status, templates.PageView(f.page(s)))
}

// found says what is known of a transaction.
func (f *Face) found(r *http.Request, s scene, id string) (string, error) {
	for _, p := range s.inv.Payments {
		if sameTx(p.Transfer.TxID, id) && p.Standing != invoice.DustAside && p.Standing != invoice.Quarantined {
			return f.seenAs(s, p), nil
		}
	}
	for _, x := range s.inv.Strays {
		if sameTx(x.Transfer.TxID, id) {
			return f.astray(s, x).Heading(s.lang), nil
		}
	}
	network := ""
	for _, a := range s.inv.Addresses {
		owners, err := f.Invoices.PaidBy(r.Context(), a.Network, f.written(a.Network, id))
		if err != nil {
			return "", err
		}
		if len(owners) > 0 && !slices.Contains(owners, s.inv.ID) {
			return s.lang.Say("find.other"), nil
		}
		if n, ok := f.Registry.Network(a.Network); ok && (network == "" || a.Asset == s.inv.Asset) {
			network = n.Name
		}
	}
	return s.lang.Say("find.none", "network", network), nil
}

// sameTx compares an id with the 64 digits somebody typed: some networks write "0x" before theirs.
func sameTx(id, typed string) bool { return strings.EqualFold(strings.TrimPrefix(id, "0x"), typed) }

// written is an id of 64 digits as a network writes it.
func (f *Face) written(network, id string) string {
	if n, ok := f.Registry.Network(network); ok && n.Family == chain.FamilyEVM {
		return "0x" + id
	}
	return id
}

// seenAs says what became of a transaction that came to this invoice.
func (f *Face) seenAs(s scene, p invoice.Payment) string {
	t := s.lang
	if p.Standing == invoice.Unmatched {
		return t.Say("find.older")
	}
	amount := t.Isolated(p.Transfer.Amount.Plain() + " " + p.Transfer.Amount.Currency().Code)
	says := t.Say("find.seen", "amount", amount, "state", paymentState(t, p))
	switch w := f.wrong(s); {
	case p.Wrong && w != nil:
		return w.Heading(t)
	case s.inv.Counts(p) && s.inv.Outcome.Amount == invoice.Short:
		out := f.said(s)
		missing := t.Isolated(out.Due + " " + out.Coin)
		return says + " " + t.Say("underpaid.heading", "received", t.Isolated(out.Received+" "+out.Coin), "due", missing)
	}
	return says
}

// finder is the form, once there is an address something could have been sent to.
func (f *Face) finder(s scene) *templates.Finder {
	if len(s.inv.Addresses) == 0 {
		return nil
	}
	return &templates.Finder{Action: s.query.path(s.inv.ID, "/hint") + "#find", Found: s.found}
}
