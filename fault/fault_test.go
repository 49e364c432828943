package fault

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestFaultsAreToldApartByTheirCodes(t *testing.T) {
	gone := New(Gone, "invoice_expired", "This invoice has expired.")
	cause := errors.New("disk on fire")
	full := gone.At("amount").Because(cause).Saying("It is over.").In(time.Second)
	wrapped := fmt.Errorf("handler: %w", full)
	if !errors.Is(wrapped, gone) || !errors.Is(wrapped, cause) || errors.Is(wrapped, New(Gone, "other", "")) {
		t.Error("errors.Is")
	}
	if f := Of(wrapped); f.Kind != Gone || f.Code != "invoice_expired" || f.Field != "amount" || f.Text != "It is over." || f.After != time.Second {
		t.Errorf("%+v", f)
	}
	if got, want := full.Error(), "invoice_expired at amount: disk on fire"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if gone.Field != "" || gone.Err != nil || gone.Text != "This invoice has expired." || gone.After != 0 {
		t.Errorf("the declared fault became %+v", gone)
	}
}

// What is no fault is internal, and its text says nothing of the cause.
func TestWhatIsNoFaultIsInternal(t *testing.T) {
	cause := errors.New("password is hunter2")
	f := Of(cause)
	if f.Kind != Internal || f.Text != "Internal error" || !errors.Is(f, ErrInternal) || !errors.Is(f, cause) {
		t.Errorf("%+v", f)
	}
	if ErrInternal.Err != nil {
		t.Error("the declared fault took the cause")
	}
}

func TestKindsHaveNames(t *testing.T) {
	names := map[string]bool{}
	for k := Internal; k <= Unavailable; k++ {
		if names[k.String()] || k.String() == "unknown" {
			t.Errorf("kind %d is %q", k, k)
		}
		names[k.String()] = true
	}
	if got := (Unavailable + 1).String(); got != "unknown" {
		t.Errorf("no kind is %q", got)
	}
}
