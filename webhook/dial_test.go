package webhook

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// names is a name server that knows what it is told.
func names(addresses ...string) lookup {
	return func(_ context.Context, _, host string) ([]netip.Addr, error) {
		if len(addresses) == 0 {
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}
		var list []netip.Addr
		for _, a := range addresses {
			list = append(list, netip.MustParseAddr(a))
		}
		return list, nil
	}
}

// One bad address among those of a name blocks it, wherever it stands, and nothing is sent.
func TestEveryAddressOfANameIsJudged(t *testing.T) {
	const public, other = "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"
	for name, addresses := range map[string][]string{
		"loopback": {"127.0.0.1"}, "IPv6 loopback": {"::1"}, "public, then loopback": {public, "127.0.0.1"}, "public, then IPv6 loopback": {public, other, "::1"},
		"private among others": {public, "10.0.0.1", other}, "metadata": {"169.254.169.254"}, "mapped": {"::ffff:10.0.0.1"}, "NAT64": {public, "64:ff9b::a00:1"},
		"6to4": {"2002:a00:1::"}, "link-local": {"fe80::1"}, "unspecified": {"::"}, "carrier": {"100.64.0.1"},
	} {
		if a := post(t, newClient(false, names(addresses...)), "https://shop.example/"); a.Outcome != "blocked" {
			t.Errorf("%s: %s", name, a.Outcome)
		}
	}
	if a := post(t, newClient(true, names("127.0.0.1", "169.254.169.254")), "https://shop.example/"); a.Outcome != "blocked" {
		t.Errorf("metadata with leave for private addresses: %s", a.Outcome)
	}
	if a := post(t, newClient(false, names()), "https://shop.example/"); a.Outcome != "dns" {
		t.Errorf("a name without addresses: %s", a.Outcome)
	}
}

// Leave for private addresses is none for those where clouds keep credentials.
func TestMetadataIsBlocked(t *testing.T) {
	for address, blocked := range map[string]bool{
		"169.254.169.254": true, "169.254.170.2": true, "::ffff:169.254.169.254": true, "fe80::a9fe:a9fe": true, "fe80::1%lo": true, "fd00:ec2::254": true,
		"100.100.100.200": true, "::ffff:100.100.100.200": true, "224.0.0.1": true, "ff02::1": true,
		"127.0.0.1": false, "::1": false, "10.0.0.1": false, "192.168.1.1": false, "fd00:ec2::253": false, "100.100.100.201": false, "93.184.216.34": false,
	} {
		if err := control(true)("tcp", net.JoinHostPort(address, "80"), nil); (err != nil) != blocked {
			t.Errorf("%s: %v", address, err)
		}
		if blocked {
			if a := post(t, newClient(true, names(address)), "https://shop.example/"); a.Outcome != "blocked" {
				t.Errorf("%s: %s", address, a.Outcome)
			}
		}
	}
}

// Addresses of this host are not for merchants, be they global ones.
func TestOwnAddressesAreBlocked(t *testing.T) {
	list, err := net.InterfaceAddrs()
	if err != nil || len(list) == 0 {
		t.Skip("this machine has no addresses")
	}
	for _, a := range list {
		ip := netip.MustParsePrefix(a.String()).Addr().Unmap().WithZone("")
		if a := post(t, newClient(false, names(ip.String())), "https://shop.example/"); a.Outcome != "blocked" {
			t.Errorf("%s: %s", ip, a.Outcome)
		}
	}
	v4, v6 := ownAddresses()
	if len(v4)+len(v6) != len(list) {
		t.Errorf("%d of %d addresses are known", len(v4)+len(v6), len(list))
	}
}

// Only the ports of the web are reached.
func TestPorts(t *testing.T) {
	for _, port := range []string{":22", ":25", ":5432", ":8332", ":0"} {
		if a := post(t, newClient(false, names("93.184.216.34")), "http://shop.example"+port+"/"); a.Outcome != "blocked" {
			t.Errorf("port %s: %s", port, a.Outcome)
		}
	}
}

// Of several addresses the first that answers is taken.
func TestNextAddressIsTried(t *testing.T) {
	var heard atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Host, "shop.example:") {
			heard.Add(1)
		}
	}))
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if a := post(t, newClient(true, names("127.0.0.9", "127.0.0.1")), "http://shop.example:"+u.Port()+"/"); a.Outcome != "ok" || heard.Load() != 1 {
		t.Errorf("%s, heard %d times", a.Outcome, heard.Load())
	}
}
