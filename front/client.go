package front

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// clientOf is the address a request comes from: the TCP peer, or, behind trusted proxies, the last address in
// X-Forwarded-For that is not a trusted proxy itself. What stands before it was written by the client and proves
// nothing.
func clientOf(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer := parseAddress(r.RemoteAddr)
	if !isTrusted(peer, trusted) {
		return peer
	}
	lines := r.Header.Values("X-Forwarded-For")
	for i := len(lines) - 1; i >= 0; i-- {
		hops := strings.Split(lines[i], ",")
		for j := len(hops) - 1; j >= 0; j-- {
			hop := parseAddress(strings.TrimSpace(hops[j]))
			if !hop.IsValid() {
				return peer // a proxy of ours writes addresses; whoever wrote this is not one
			}
			if peer = hop; !isTrusted(peer, trusted) {
				return peer
			}
		}
	}
	return peer
}

// parseAddress reads an address with or without a port, in the form addresses are compared in: IPv4 inside IPv6 is
// IPv4, and zones are dropped.
func parseAddress(text string) netip.Addr {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	for _, p := range trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// Source is the address by which limits count: an IPv6 client owns its whole /64 and can use any address of it.
func Source(addr netip.Addr) netip.Addr {
	if !addr.Is6() {
		return addr
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return addr
	}
	return prefix.Addr()
}
