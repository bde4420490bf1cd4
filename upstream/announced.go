package upstream

import (
	"net/netip"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/peer"
	"skerry.dev/skerry/wire/proxyheader"
)

// announced is the client that a PROXY header names: as in X-Forwarded-For the one of whom trusted proxies speak, whose port only
// the nearest of them knows. An exchange that no client waits for is nobody's. A connection that a proxy makes for many is no
// client's own: two who share an address would share what a service remembers of a connection.
func announced(x *exchange.Exchange) (c peer.Client) {
	addr := clientOf(x).Unmap().WithZone("")
	if !addr.IsValid() {
		return c
	}
	c.Source = netip.AddrPortFrom(addr, 0)
	if x.Conn == nil {
		return c
	}
	if near := x.Conn.Client; near.Addr().Unmap().WithZone("") == addr {
		c.Source, c.Conn = netip.AddrPortFrom(addr, near.Port()), x.Conn
	}
	c.Destination = x.Conn.Local
	return c
}

// proxyOf is the version of a header that the spec names.
func proxyOf(p spec.ProxyProtocol) proxyheader.Version {
	switch p {
	case spec.ProxyV1:
		return proxyheader.V1
	case spec.ProxyV2:
		return proxyheader.V2
	}
	return proxyheader.None
}
