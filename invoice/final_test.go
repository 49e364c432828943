package invoice

import (
	"errors"
	"testing"
	"time"
)

// TestFinal: an invoice of final terms stays expired whatever the payer does, in a coin late money of which would settle it
// otherwise; a person still decides. Before its end it can be renewed like any other.
func TestFinal(t *testing.T) {
	for name, row := range map[string]struct {
		final    bool
		requoted error
		late     State
	}{
		"final":     {true, ErrState, Expired},
		"not final": {false, nil, Settled},
	} {
		t.Run(name, func(t *testing.T) {
			terms := still(orders())
			terms.Final = row.final
			again := start(t, script{terms: terms, coin: "usd"})
			again.pass(25 * time.Minute)
			again.must(again.requote())
			again.pass(5 * time.Hour)
			if again.inv.Outcome.State != Expired {
				t.Fatal(again.inv.Outcome.State)
			}
			if err := again.requote(); !errors.Is(err, row.requoted) {
				t.Errorf("a new price after the end: %v", err)
			}
			p := start(t, script{terms: terms, coin: "usd"})
			p.pass(5 * time.Hour)
			p.pay("usd", 100_000_000)
			p.mine("usd", 3)
			if p.inv.Outcome.State != row.late {
				t.Errorf("late money: %s %s", p.inv.Outcome.State, p.inv.Outcome.Flags)
			}
			if row.final {
				p.must(p.mark(Mark{Kind: MarkAccept}))
				if p.inv.Outcome.State != Settled {
					t.Errorf("accepted, but %s", p.inv.Outcome.State)
				}
			}
		})
	}
}

// TestLinkTerms: a link's visitor has a day, a shop's an hour.
func TestLinkTerms(t *testing.T) {
	for terms, want := range map[*Terms]time.Duration{new(LinkTerms(cents(0), true)): 24 * time.Hour, new(OrderTerms(cents(0), true)): time.Hour} {
		p := start(t, script{terms: *terms})
		p.pass(want)
		if p.inv.Outcome.State != Open {
			t.Errorf("%s: %s before its time", terms.Name, p.inv.Outcome.State)
		}
		p.pass(time.Second)
		if p.inv.Outcome.State != Expired {
			t.Errorf("%s: %s after its time", terms.Name, p.inv.Outcome.State)
		}
		if terms.Final || terms.Lock != time.Hour {
			t.Errorf("%s: %+v", terms.Name, *terms)
		}
	}
}
