package upstream

import (
	"net/netip"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

// clientOf is the client's address.
func clientOf(x *exchange.Exchange) netip.Addr {
	if addr := x.Facts.Client.Addr; addr.IsValid() || x.Conn == nil {
		return addr
	}
	return x.Conn.Client.Addr()
}

// classOf is the priority of a request. It is only asked where a service has a bound on its open requests.
func (s *Stage) classOf(x *exchange.Exchange) spec.Class {
	if s.class != s.crawlers && crawler(x.Req.Sent.Get(exchange.NameUserAgent)) {
		return s.crawlers
	}
	return s.class
}

// marks are what the names of crawlers have in them; those of the large search engines, archives and language models all
// do. Who hides gets what a person gets.
var marks = [...]string{"bot", "crawl", "spider", "slurp", "archiver", "scrap"}

// crawler reports whether a User-Agent says that it is a program that walks through sites.
func crawler(agent []byte) bool {
	if len(agent) > agentBytesMax {
		agent = agent[:agentBytesMax]
	}
	for i := range agent {
		switch agent[i] | 0x20 {
		case 'b', 'c', 's', 'a':
			for _, mark := range marks {
				if len(agent)-i >= len(mark) && foldedEqual(agent[i:i+len(mark)], mark) {
					return true
				}
			}
		}
	}
	return false
}

// foldedEqual compares with lower-case letters.
func foldedEqual(b []byte, lower string) bool {
	for i := range b {
		if b[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}
