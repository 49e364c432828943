// Package fault names the ways a request can go wrong, and what may be said of them.
//
// A fault gets its kind and code where it happens and is turned into words once, at the face it leaves by. What is
// not a fault is Internal, and its text says nothing.
package fault

import (
	"errors"
	"time"
)

// Kind is the class of a fault: what the caller can do about it.
type Kind uint8

// The kinds.
const (
	Internal     Kind = iota // our failure
	Invalid                  // the request is malformed or names something impossible
	Unauthorized             // we do not know who asks
	Forbidden                // we know, and they may not
	NotFound                 // no such thing, or none of theirs
	Conflict                 // not in this state, or already there
	Gone                     // it was, and is over
	TooMany                  // a limit
	Unavailable              // not now; the same request may work later
)

var kindNames = [...]string{"internal", "invalid", "unauthorized", "forbidden", "not_found", "conflict", "gone", "too_many", "unavailable"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Error is a fault. Two are the same (errors.Is) when their codes are.
type Error struct {
	Kind  Kind
	Code  string        // stable and machine-readable: "invoice_expired"
	Text  string        // safe to show to whoever asked
	Field string        // the input at fault, if one is
	After time.Duration // for TooMany and Unavailable: when to try again, 0 if unknown
	Err   error         // the cause: logged, never shown
}

// New declares a fault.
func New(kind Kind, code, text string) *Error { return &Error{Kind: kind, Code: code, Text: text} }

func (e *Error) Error() string {
	s := e.Code
	if e.Field != "" {
		s += " at " + e.Field
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is compares codes.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// At is the same fault of a field.
func (e *Error) At(field string) *Error { c := *e; c.Field = field; return &c }

// Because is the same fault with its cause.
func (e *Error) Because(err error) *Error { c := *e; c.Err = err; return &c }

// Saying is the same fault in other words.
func (e *Error) Saying(text string) *Error { c := *e; c.Text = text; return &c }

// In is the same fault with the time after which to try again.
func (e *Error) In(d time.Duration) *Error { c := *e; c.After = d; return &c }

// ErrInternal stands for everything that is not a fault.
var ErrInternal = New(Internal, "internal_error", "Internal error")

// Of finds the fault in a chain of errors; what has none is ErrInternal because of it.
func Of(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return ErrInternal.Because(err)
}
