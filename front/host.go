package front

import (
	"net/http"
	"strings"
)

// maxURL is the longest request target we read.
const maxURL = 8 << 10

// Hosts refuses requests that are not for one of the configured names with 421, before anything else looks at them:
// links, redirects and forms must never be made from a name a stranger sent. A name is compared with its port unless
// that is the scheme's own. A target that names a scheme and host itself, as only proxies are asked, is 400. (Two Host
// headers are refused by net/http.)
func Hosts(fail func(w http.ResponseWriter, r *http.Request, status int), names ...string) Middleware {
	known := make(map[string]bool, len(names))
	for _, name := range names {
		known[plainHost(name)] = true
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Host != "" || r.URL.Scheme != "" || strings.ContainsAny(r.Host, "@/\\ \t,"):
				fail(w, r, http.StatusBadRequest)
			case !known[plainHost(r.Host)]:
				fail(w, r, http.StatusMisdirectedRequest)
			default:
				next.ServeHTTP(w, r)
			}
		})
	}
}

// plainHost is a Host header in the form names are compared in.
func plainHost(host string) string {
	host = strings.ToLower(host)
	for _, usual := range [...]string{":443", ":80"} {
		if trimmed, ok := strings.CutSuffix(host, usual); ok && trimmed != "" && !strings.HasSuffix(trimmed, ":") {
			return trimmed
		}
	}
	return host
}

// Sizes refuses targets above 8 KiB with 414 and lets no handler read more than body bytes. (Headers are limited by
// the server.)
func Sizes(fail func(w http.ResponseWriter, r *http.Request, status int), body int64) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if len(r.RequestURI) > maxURL {
				fail(w, r, http.StatusRequestURITooLong)
				return
			}
			if r.Body != nil && r.Body != http.NoBody {
				r.Body = http.MaxBytesReader(w, r.Body, body)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Bare answers with a status and its name: for refusals that come before any face has the word.
func Bare(w http.ResponseWriter, _ *http.Request, status int) {
	http.Error(w, http.StatusText(status), status)
}
