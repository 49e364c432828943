// Package api has what both merchant dialects share: the raw body read once, a strict JSON reader, and the look-up of a
// key.
package api

import (
	"context"
	"errors"
	"io"
	"net/http"

	"checkout/fault"
	"checkout/merchant"
)

// ErrTooLarge is the fault of a body over the limit; nothing beyond the limit was read.
var ErrTooLarge = fault.New(fault.Invalid, "payload_too_large", "Payload too large")

// ErrEncoding is the fault of a body that claims to be compressed: it is never decompressed.
var ErrEncoding = fault.New(fault.Invalid, "unsupported_encoding", "Content encoding is not supported")

// Body reads the raw bytes a signature is made over, at most limit of them. Of a body that says it is longer, nothing is
// read.
func Body(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, ErrTooLarge
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case err != nil:
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			return nil, ErrTooLarge
		}
		return nil, ErrJSON.Because(err)
	case int64(len(raw)) > limit:
		return nil, ErrTooLarge
	}
	return raw, nil
}

// Uncoded refuses a body that claims to be compressed, even by the name of no compression.
func Uncoded(r *http.Request) error {
	if len(r.Header.Values("Content-Encoding")) > 0 {
		return ErrEncoding
	}
	return nil
}

// Keys looks keys up. merchant.ErrKey if nobody has it.
type Keys interface {
	Key(ctx context.Context, public string) (merchant.Key, error)
}
