package coinspaid

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"checkout/api"
	"checkout/deposit"
	"checkout/fault"
	"checkout/invoice"
	"checkout/rate"
)

// fieldErrors are what is wrong with a request, a sentence for each field; they answer 400 {"errors":{…}}.
type fieldErrors map[string]string

func (e fieldErrors) Error() string {
	names := make([]string, 0, len(e))
	for name := range e {
		names = append(names, name)
	}
	return "coinspaid: bad fields: " + strings.Join(names, ", ")
}

// statuses maps the codes answered as {"error","code"} to their HTTP status. Only authentication answers 403, because
// clients decode 403 in this shape and every other failure as {"errors"}.
var statuses = map[string]int{
	"bad_content_format":        http.StatusBadRequest,
	"required_header_key":       http.StatusForbidden,
	"required_header_signature": http.StatusForbidden,
	"bad_header_key":            http.StatusForbidden,
	"bad_header_signature":      http.StatusForbidden,
	"not_found":                 http.StatusNotFound,
	"method_not_allowed":        http.StatusMethodNotAllowed,
	"payload_too_large":         http.StatusRequestEntityTooLarge,
	"too_many_requests":         http.StatusTooManyRequests,
	"internal_error":            http.StatusInternalServerError,
}

var (
	errNotFound = fault.New(fault.NotFound, "not_found", "Not found")
	errMethod   = fault.New(fault.Invalid, "method_not_allowed", "Method not allowed")
)

// translate turns any failure into what this dialect says of it: field errors, or a fault of the table above, or one of
// kind Unavailable with its own code.
func translate(err error) (fieldErrors, *fault.Error) {
	if fields, ok := errors.AsType[fieldErrors](err); ok {
		return fields, nil
	}
	f := fault.Of(err)
	switch {
	case errors.Is(f, api.ErrJSON), errors.Is(f, api.ErrEncoding):
		return nil, errFormat.Because(err)
	case errors.Is(f, invoice.ErrForeign):
		return fieldErrors{"foreign_id": "The foreign id has already been taken."}, nil
	case errors.Is(f, deposit.ErrAsset):
		return fieldErrors{"currency": "The selected currency is invalid."}, nil
	case errors.Is(f, deposit.ErrConvert):
		return fieldErrors{"convert_to": "The selected convert to is invalid."}, nil
	case errors.Is(f, invoice.ErrMethod):
		return fieldErrors{"sender_currency": "The selected sender currency is invalid."}, nil
	case errors.Is(f, rate.ErrUnavailable), f.Kind == fault.Unavailable:
		return nil, f
	}
	if _, known := statuses[f.Code]; known {
		return nil, f
	}
	switch f.Kind {
	case fault.NotFound:
		return nil, errNotFound.Because(err)
	case fault.TooMany:
		return nil, f
	case fault.Invalid, fault.Conflict, fault.Gone:
		field := f.Field
		if field == "" {
			field = "message"
		}
		return fieldErrors{field: f.Text}, nil
	}
	return nil, fault.ErrInternal.Because(err)
}

// writeError answers a failure. Nothing but the code and a safe sentence leaves the house.
func (f *Face) writeError(w http.ResponseWriter, r *http.Request, err error) {
	fields, ft := translate(err)
	if ft == nil {
		writeJSON(w, http.StatusBadRequest, struct {
			Errors fieldErrors `json:"errors"`
		}{fields})
		return
	}
	status, known := statuses[ft.Code]
	switch {
	case known:
	case ft.Kind == fault.Unavailable:
		status = http.StatusServiceUnavailable
	case ft.Kind == fault.TooMany:
		status = http.StatusTooManyRequests
	default:
		status = http.StatusInternalServerError
	}
	if status >= http.StatusInternalServerError {
		f.Log.ErrorContext(r.Context(), "request failed", "event", "request_failed", "path", r.URL.Path, "err", err)
	}
	if ft.After > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((ft.After+time.Second-1)/time.Second), 10))
	}
	if status == http.StatusRequestEntityTooLarge {
		w.Header().Set("Connection", "close") // else the server would read on, to reach the next request
	}
	if status == http.StatusTooManyRequests {
		writeJSON(w, status, struct {
			Errors fieldErrors `json:"errors"`
		}{fieldErrors{"message": "error code: 1015"}})
		return
	}
	writeJSON(w, status, struct {
		Error string `json:"error"`
		Code  string `json:"code"`
	}{ft.Text, ft.Code})
}
