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
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"checkout/fault"
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
// this host's own; one such address among several that a name has is enough. With allowPrivate, for tests and shops on the
// same machine, private and loopback addresses may be reached too, but not those where clouds keep their metadata.
func NewClient(allowPrivate bool) *http.Client {
	return newClient(allowPrivate, net.DefaultResolver.LookupNetIP)
}

func newClient(allowPrivate bool, lookup lookup) *http.Client {
	control := control(allowPrivate)
	d := dialer{lookup: lookup, control: control, net: &net.Dialer{Timeout: 5 * time.Second, Control: control}}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            d.dial,
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

// lookup finds the addresses of a name, as net.Resolver.LookupNetIP does.
type lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

// controller says whether an address may be reached; see net.Dialer.Control.
type controller func(network, address string, c syscall.RawConn) error

// dialer looks a name up itself, so that all its addresses are judged and not only the first that answers.
type dialer struct {
	lookup  lookup
	control controller
	net     *net.Dialer
}

func (d dialer) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	ips, err := d.lookup(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	var targets []string
	for _, ip := range ips {
		network, target := "tcp4", net.JoinHostPort(ip.Unmap().String(), port)
		if ip.Unmap().Is6() {
			network = "tcp6"
		}
		if err := d.control(network, target, nil); err != nil {
			return nil, err
		}
		targets = append(targets, target)
	}
	return d.first(ctx, host, targets)
}

// first connects to the first of a host's addresses that answers.
func (d dialer) first(ctx context.Context, host string, targets []string) (net.Conn, error) {
	var last error = &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	for _, target := range targets {
		conn, err := d.net.DialContext(ctx, "tcp", target)
		if err == nil {
			return conn, nil
		}
		last = err
	}
	return nil, last
}

// ports are where callbacks may go: what listens on others of a stranger's host is seldom meant for us.
var ports = []uint16{80, 443, 8443} //nolint:gochecknoglobals // a constant

// ErrPort is the fault of a callback URL that would be blocked at every delivery.
var ErrPort = fault.New(fault.Invalid, "callback_port", "Callbacks go to the ports 80, 443 and 8443 only.").At("callback_url")

// CheckPort refuses a URL, one CheckURL takes, whose port no callback may go to.
func CheckPort(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return ErrURL
	}
	if u.Port() == "" {
		return nil
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || !slices.Contains(ports, uint16(n)) {
		return ErrPort
	}
	return nil
}

// metadata are addresses where clouds tell a machine its credentials: all link-local ones, and what lies outside them, of
// AWS by IPv6 and of Alibaba.
var metadata = []netip.Prefix{ //nolint:gochecknoglobals // a constant
	netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("fd00:ec2::254/128"), netip.MustParsePrefix("100.100.100.200/32"),
}

func control(allowPrivate bool) controller {
	if allowPrivate {
		return func(_, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil {
				return errBlocked
			}
			ip := ap.Addr().Unmap().WithZone("")
			if ip.IsMulticast() || slices.ContainsFunc(metadata, func(p netip.Prefix) bool { return p.Contains(ip) }) {
				return errBlocked
			}
			return nil
		}
	}
	own4, own6 := ownAddresses()
	guard := ssrf.New(ssrf.WithPorts(ports...), ssrf.WithDeniedV4Prefixes(own4...), ssrf.WithDeniedV6Prefixes(own6...))
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
