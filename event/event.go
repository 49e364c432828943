// Package event has the word for something that happened and that merchants (or letters) may hear of.
package event

import (
	"strconv"
	"time"

	"checkout/ident"
)

// Event is one fact, written in the transaction of its cause and never changed.
type Event struct {
	// ID stays the same over every retry of every delivery. The store draws it.
	ID ident.ID
	// Stream is the object whose events are told in order: the invoice, deposit or withdrawal.
	Stream ident.ID
	// StreamSeq is the event's place in its stream, from 1, without gaps. The store counts it.
	StreamSeq int64
	// Object and Seq name what happened to what: the invoice itself with the number of its state-log row, or a
	// payment or quote with a count of its own. There is one event for each pair.
	Object ident.ID
	Seq    int64
	Type   string // "invoice.settled", "payment.detected"

	Merchant ident.ID
	Env      ident.Environment
	// Data is the record of the stream's object at that moment, in the stored form of its domain package.
	Data []byte
	At   time.Time
}

// Subject is how receivers tell events of one object apart: "<object>/<sequence>".
func (e Event) Subject() string { return string(e.Object) + "/" + strconv.FormatInt(e.Seq, 10) }
