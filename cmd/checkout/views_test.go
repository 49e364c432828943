package main

import (
	"net/http"
	"testing"
)

// TestEveryViewIsReached drives the played chain and the command line until the page has shown every view an invoice has: what the
// preview shows is what customers meet.
func TestEveryViewIsReached(t *testing.T) {
	t.Parallel()
	in := open(t, "", "", "CHECKOUT_HIDE_AFTER=15s", "CHECKOUT_CONFIRMATIONS=LTCT=9")
	in.serve()
	in.ready("LTCT")
	type step struct{ action, view string } // an action of the rehearsal, or none, and the view that follows
	seen := map[string]bool{}
	for _, road := range []struct {
		coin  string
		steps []step
	}{
		{"", []step{{"", "choose"}}},
		{"LTCT", []step{{"", "waiting"}, {"expiring", "waiting_expiring"}}},
		{"LTCT", []step{{"short", "underpaid"}, {"expire?blocks=9", "expired_underpaid"}}},
		{"LTCT", []step{{"hold", "detected"}, {"release?blocks=1", "confirming"}, {"mine?blocks=9", "paid"}}},
		{"LTCT", []step{{"over?blocks=9", "overpaid"}, {"refund", "refund_pending"}, {"refund", "refunded"}}},
		{"LTCT", []step{{"expire", "expired"}}},
		{"LTCT", []step{{"late", "late"}}},
		{"RUSD", []step{{"late?blocks=3", "paid_late"}}},
		{"LTCT", []step{{"replace", "failed"}}},
		{"LTCT", []step{{"wrong", "wrong_asset"}}},
		{"LTCT", []step{{"cancel", "cancelled"}}},
		{"LTCT", []step{{"stall", "unavailable"}, {"resume", "waiting"}}}, // the chain stands still for all: last
	} {
		c := in.byHand(road.coin)
		for _, s := range road.steps {
			switch s.action {
			case "":
			case "cancel":
				in.cli(nil, "invoice", "cancel", c.path()[3:], "--reason", "called off")
			default:
				in.rehearse(t, c.path()[3:], s.action, http.StatusNoContent)
			}
			if s.view == "waiting_expiring" { // the page knows it by the end of the lock, and asks nobody
				in.says(c, `data-state="waiting_expiring"`)
			} else {
				in.view(c, s.view)
			}
			seen[s.view] = true
		}
	}
	if len(seen) != 18 {
		t.Errorf("%d views were shown, there are 18", len(seen))
	}
	in.audit()
}

// byHand makes a test invoice under our own terms; without a coin the customer chooses.
func (in *installation) byHand(coin string) created {
	in.t.Helper()
	args := []string{"invoice", "create", "--merchant", string(in.m.ID), "--test", "--amount", "25.50", "--title", "By hand"}
	if coin != "" {
		args = append(args, "--coin", coin)
	}
	var v invoiceView
	in.cli(&v, args...)
	return created{ForeignID: "by hand with " + coin, URL: v.URL}
}
