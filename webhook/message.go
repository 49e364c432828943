// Package webhook delivers events to merchants' servers until they are heard.
//
// Messages wait in the outbox, written in the transaction of their event. The body of a message is rendered once,
// stored, and sent byte-identical on every attempt; attempts are written down and never changed.
package webhook

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"checkout/event"
	"checkout/fault"
	"checkout/ident"
)

// The faults of webhooks.
var (
	ErrURL = fault.New(fault.Invalid, "callback_url", "A callback URL is an absolute http or https URL with a host and without user name or password.").At("callback_url")
	// ErrNothing is what a dialect says of an event it does not tell.
	ErrNothing = fault.New(fault.Internal, "nothing_to_tell", "This event is not told in this dialect.")
	// ErrUnknown is the fault of a delivery nobody has.
	ErrUnknown = fault.New(fault.NotFound, "delivery_unknown", "There is no such delivery.")
)

// Endpoint is where a merchant listens, in one environment and one dialect.
type Endpoint struct {
	ID        ident.ID
	Merchant  ident.ID
	Env       ident.Environment
	Dialect   string
	PublicKey string // the key whose secret signs
	URL       string
	Types     []string // events it is told of: "invoice.settled", or "payment.*"
}

// Wants says whether the endpoint is told of a type of event.
func (e Endpoint) Wants(kind string) bool {
	for _, t := range e.Types {
		if family, all := strings.CutSuffix(t, "*"); t == kind || (all && strings.HasPrefix(kind, family)) {
			return true
		}
	}
	return false
}

// CheckURL refuses what no callback can be sent to. Whether the host may be reached is decided when it is dialed.
func CheckURL(text string) error {
	if len(text) > 2048 || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return ErrURL
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return ErrURL
	}
	return nil
}

// Message is one event on its way to one endpoint.
type Message struct {
	ID       ident.ID
	Event    event.Event
	Endpoint Endpoint
	Attempts int    // made so far, by hand or by the schedule
	Tries    int    // made so far by the schedule
	Manual   bool   // a person asked for this attempt
	Body     []byte // empty until rendered
	Holder   string // whose lease it is
}

// Attempt is what came of sending a message once.
type Attempt struct {
	Outcome  string // "ok", "http", "redirect", "timeout", "tls", "dns", "connect", "reset", "blocked"
	Status   int    // of the answer, 0 if there was none
	Answer   string // the first bytes of it
	At       time.Time
	Duration time.Duration
}

// Next is what becomes of a message after an attempt.
type Next struct {
	Heard bool
	Dead  bool      // not heard, and the schedule is over
	At    time.Time // not heard: when to try again
	// Supersede drops unheard messages about events of the stream older than one that was heard.
	Supersede bool
}

// Outbox keeps messages. The store provides it.
type Outbox interface {
	// Lease hands out messages that are due, at most each per endpoint, for the time a delivery may take; full names
	// endpoints that have no room. First attempts of one stream keep their order; one that fails holds its successor
	// back for at most a minute.
	Lease(ctx context.Context, holder string, full []ident.ID, each, limit int) ([]Message, error)
	// Render keeps a body; it is kept once, and the kept one is returned.
	Render(ctx context.Context, id ident.ID, body []byte) ([]byte, error)
	Skip(ctx context.Context, id ident.ID) error
	Record(ctx context.Context, m Message, a Attempt, n Next) error
	// Postpone moves on a message that could not be made, so that nothing was sent.
	Postpone(ctx context.Context, m Message, n Next) error
	// Secret is the current secret of a key.
	Secret(ctx context.Context, publicKey string) ([]byte, error)
}

// Dialect writes and judges callbacks as one kind of client expects them.
type Dialect interface {
	// Body renders an event; ErrNothing if the dialect does not tell it.
	Body(e event.Event) ([]byte, error)
	// Sign sets the headers of a request that carries body.
	Sign(h http.Header, body []byte, publicKey string, secret []byte)
	// Heard says whether an answer's status acknowledges.
	Heard(status int) bool
	// Retry is the wait before the next attempt after so many tries; false when there is none.
	Retry(tries int) (time.Duration, bool)
	// Latest says that once an event is heard, older ones of its stream need not be sent any more.
	Latest() bool
}
