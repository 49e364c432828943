package front

import (
	"net/http"
	"strings"
)

// Headers are the security headers of one kind of answer.
type Headers struct {
	list map[string][]string
}

const hsts = "max-age=31536000; includeSubDomains"

// DenyHeaders are for everything that is not a page: nothing in it may run, load, be framed or be kept.
func DenyHeaders(tls bool) Headers {
	return newHeaders(tls, map[string]string{
		"Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"Permissions-Policy":      "camera=(), microphone=(), geolocation=(), payment=()",
		"X-Frame-Options":         "DENY",
		"Cache-Control":           "no-store",
	})
}

// PageHeaders are those of a customer's page. Only the ancestors named, sources of a content policy, may frame it; without
// any, nobody may. What the policy forbids and a browser tried is reported to reportTo, a path of this server.
func PageHeaders(tls bool, reportTo string, ancestors ...string) Headers {
	framing := "'none'"
	if len(ancestors) > 0 {
		framing = strings.Join(ancestors, " ")
	}
	values := map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
			"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors " + framing + "; report-to csp",
		"Reporting-Endpoints": `csp="` + reportTo + `"`,
		"Permissions-Policy":  "camera=(), microphone=(), geolocation=(), payment=(), clipboard-write=(self)",
		"Cache-Control":       "private, no-store",
	}
	if len(ancestors) == 0 {
		values["X-Frame-Options"] = "DENY"
	}
	h := newHeaders(tls, values)
	if len(ancestors) > 0 { // it has no list of those who may, so whatever set it by default must not stand
		h.list["X-Frame-Options"] = nil
	}
	return h
}

// AppHeaders are those of a page that can be installed: it has a manifest and a worker, and may make a sound. Nobody may frame it.
func AppHeaders(tls bool, reportTo string) Headers {
	h := PageHeaders(tls, reportTo)
	policy := h.list["Content-Security-Policy"][0]
	h.list["Content-Security-Policy"] = []string{strings.Replace(policy, "connect-src 'self'; ", "connect-src 'self'; manifest-src 'self'; worker-src 'self'; media-src 'self'; ", 1)}
	return h
}

func newHeaders(tls bool, values map[string]string) Headers {
	values["Referrer-Policy"] = "no-referrer"
	values["X-Content-Type-Options"] = "nosniff"
	values["X-Robots-Tag"] = "noindex"
	if tls {
		values["Strict-Transport-Security"] = hsts
	}
	h := Headers{list: make(map[string][]string, len(values))}
	for name, value := range values {
		h.list[http.CanonicalHeaderKey(name)] = []string{value}
	}
	return h
}

// Wrap sets the headers before the handler runs; a handler may still set its own. The slices are made once: they are
// shared by all answers and replaced, never changed, by Set.
func (h Headers) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.Apply(w.Header())
		next.ServeHTTP(w, r)
	})
}

// Apply sets the headers, in place of any that are there; one without a value is taken out.
func (h Headers) Apply(to http.Header) {
	for name, value := range h.list {
		if value == nil {
			delete(to, name)
			continue
		}
		to[name] = value
	}
}
