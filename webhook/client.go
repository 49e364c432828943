package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// Limits of one delivery.
const (
	Timeout    = 15 * time.Second
	readLimit  = 64 << 10
	keepAnswer = 256
)

// errBlocked is what the dialer says of an address that may not be reached.
var errBlocked = errors.New("webhook: address not allowed")

// NewClient makes the one HTTP client for merchants' URLs. It never follows redirects, uses no proxy of the
// environment, checks certificates, and refuses at dial time, after DNS, every address that is not a global one, and
// this host's own. With allowPrivate, for tests and shops on the same machine, private and loopback addresses may be
// reached too; link-local ones, where clouds keep their metadata, never.
func NewClient(allowPrivate bool) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: control(allowPrivate)}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    10 * time.Second,
			DisableCompression:     true,
			MaxIdleConnsPerHost:    4,
			MaxConnsPerHost:        8,
			IdleConnTimeout:        30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2:      false, // receivers read headers by their exact spelling, which HTTP/2 lowers
			TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       Timeout,
	}
}

func control(allowPrivate bool) func(network, address string, c syscall.RawConn) error {
	if allowPrivate {
		return func(_, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil || ap.Addr().Unmap().IsLinkLocalUnicast() || ap.Addr().Unmap().IsMulticast() {
				return errBlocked
			}
			return nil
		}
	}
	own4, own6 := ownAddresses()
	guard := ssrf.New(ssrf.WithPorts(80, 443, 8443), ssrf.WithDeniedV4Prefixes(own4...), ssrf.WithDeniedV6Prefixes(own6...))
	return func(network, address string, c syscall.RawConn) error {
		if err := guard.Safe(network, address, c); err != nil {
			return fmt.Errorf("%w: %w", errBlocked, err)
		}
		return nil
	}
}

// ownAddresses are the global addresses of this host: what listens on them is not meant for merchants.
func ownAddresses() (v4, v6 []netip.Prefix) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, nil
	}
	for _, a := range list {
		p, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		one := netip.PrefixFrom(p.Addr().Unmap(), p.Addr().Unmap().BitLen())
		if one.Addr().Is4() {
			v4 = append(v4, one)
		} else {
			v6 = append(v6, one)
		}
	}
	return v4, v6
}

// send posts a body once and says what came of it.
func send(ctx context.Context, client *http.Client, url string, header http.Header, body []byte, heard func(int) bool, now func() time.Time) Attempt {
	start := now()
	done := func(outcome string, status int, answer string) Attempt {
		return Attempt{Outcome: outcome, Status: status, Answer: answer, At: start, Duration: now().Sub(start)}
	}
	if err := CheckURL(url); err != nil {
		return done("blocked", 0, "")
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return done("blocked", 0, "")
	}
	req.Header = header
	req.Header.Set("Accept-Encoding", "identity")
	res, err := client.Do(req)
	if err != nil {
		return done(outcomeOf(err), 0, "")
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, readLimit)) // what could not be read was not needed
	kept := strings.ToValidUTF8(strings.ReplaceAll(string(answer[:min(len(answer), keepAnswer)]), "\x00", ""), "")
	switch {
	case heard(res.StatusCode):
		return done("ok", res.StatusCode, kept)
	case res.StatusCode >= 300 && res.StatusCode < 400:
		return done("redirect", res.StatusCode, kept)
	}
	return done("http", res.StatusCode, kept)
}

// outcomeOf names the class of a failure.
func outcomeOf(err error) string {
	if errors.Is(err, errBlocked) {
		return "blocked"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "dns"
	}
	if ne, ok := errors.AsType[net.Error](err); errors.Is(err, context.DeadlineExceeded) || (ok && ne.Timeout()) {
		return "timeout"
	}
	if isTLS(err) {
		return "tls"
	}
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) {
		return "reset"
	}
	return "connect"
}

func isTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	return strings.Contains(err.Error(), "tls: ")
}
