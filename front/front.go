// Package front is what every face shares before its own work begins: who asks, from where, how often and how much,
// the headers of every answer, the log line, and what happens when a handler panics.
//
// Everything here is a middleware of the standard form and knows no router.
package front

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"checkout/fault"
)

// Middleware wraps a handler.
type Middleware = func(http.Handler) http.Handler

// Chain applies middlewares; the first is the outermost.
func Chain(h http.Handler, list ...Middleware) http.Handler {
	for i := len(list) - 1; i >= 0; i-- {
		h = list[i](h)
	}
	return h
}

// visit is what is known of a request. It is made once and carried in the request's context.
type visit struct {
	id     string
	client netip.Addr
}

type visitKey struct{}

// Identify gives every request an id and finds the client's address. The first part of an id is drawn once from
// random, the rest is a counter: ids have to be different, not secret, and drawing each would cost more than the
// shortest answers. Forwarding headers are believed only of the trusted peers.
func Identify(random io.Reader, trusted []netip.Prefix) Middleware {
	var start [4]byte
	if _, err := io.ReadFull(random, start[:]); err != nil {
		panic("front: no randomness: " + err.Error())
	}
	prefix := hex.EncodeToString(start[:]) + "-"
	var count atomic.Uint64
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			number := strconv.FormatUint(count.Add(1), 16)
			v := &visit{id: prefix + "00000000"[min(len(number), 8):] + number, client: clientOf(r, trusted)}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitKey{}, v)))
		})
	}
}

// RequestID is the id Identify gave the request of ctx, empty outside one.
func RequestID(ctx context.Context) string {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		return v.id
	}
	return ""
}

// Client is the client's address Identify found, the zero address outside a request.
func Client(ctx context.Context) netip.Addr {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		return v.client
	}
	return netip.Addr{}
}

// Fail writes an error in the manner of a face.
type Fail = func(w http.ResponseWriter, r *http.Request, err error)

// Plain is the Fail of last resort: a status and the fault's own words.
func Plain(w http.ResponseWriter, _ *http.Request, err error) {
	f := fault.Of(err)
	if f.After > 0 {
		w.Header().Set("Retry-After", RetryAfter(f.After))
	}
	http.Error(w, f.Text, Status(f.Kind))
}

// Status is the HTTP status of a kind of fault.
func Status(kind fault.Kind) int {
	switch kind {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unauthorized:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Gone:
		return http.StatusGone
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// RetryAfter writes a time to wait in whole seconds, at least one.
func RetryAfter(d time.Duration) string {
	return strconv.FormatInt(max(1, int64((d+time.Second-1)/time.Second)), 10)
}

// Recover turns a panic into an answer and a log entry with the stack. A handler that gives up with
// http.ErrAbortHandler has its reasons. Once the answer has begun nothing more can be said: the connection is cut, so
// that half an answer is not taken for a whole one.
func Recover(log *slog.Logger, fail Fail) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			watched := &recorder{ResponseWriter: w}
			defer func() {
				cause := recover()
				if cause == nil {
					return
				}
				if err, ok := cause.(error); ok && err == http.ErrAbortHandler { //nolint:errorlint // net/http panics with this very value
					panic(cause)
				}
				log.LogAttrs(r.Context(), slog.LevelError, "panic",
					slog.String("request", RequestID(r.Context())), slog.Any("cause", cause), slog.String("stack", string(debug.Stack())))
				if watched.status != 0 {
					panic(http.ErrAbortHandler)
				}
				fail(w, r, fault.ErrInternal.Because(fmt.Errorf("panic: %v", cause)))
			}()
			next.ServeHTTP(watched, r)
		})
	}
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// AccessLog writes one line for every request.
type AccessLog struct {
	Log *slog.Logger
	// Route names the route that answered, without the secrets that stand in a path: links are capabilities, and a
	// log that holds them opens every invoice.
	Route func(*http.Request) string
	// Sampled says of which routes only one good answer in Every is logged: polls would drown the rest.
	Sampled func(route string) bool
	Every   uint64
	Now     func() time.Time
}

// Wrap is the middleware.
func (a AccessLog) Wrap(next http.Handler) http.Handler {
	var polls atomic.Uint64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := a.Now()
		watched := &recorder{ResponseWriter: w}
		defer func() {
			route := a.Route(r)
			status := watched.status
			if status == 0 {
				status = http.StatusOK
			}
			if status < 400 && a.Every > 1 && a.Sampled != nil && a.Sampled(route) && polls.Add(1)%a.Every != 0 {
				return
			}
			a.Log.LogAttrs(r.Context(), level(status), "request",
				slog.String("request", RequestID(r.Context())), slog.String("method", method(r.Method)), slog.String("route", route),
				slog.Int("status", status), slog.Int64("bytes", watched.bytes), slog.String("client", Client(r.Context()).String()),
				slog.Duration("took", a.Now().Sub(began)))
		}()
		next.ServeHTTP(watched, r)
	})
}

func level(status int) slog.Level {
	if status >= 500 {
		return slog.LevelError
	}
	return slog.LevelInfo
}

// method keeps invented methods, which may be of any length, out of the log.
func method(name string) string {
	switch name {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return name
	}
	return "other"
}
