package cert

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/libdns/libdns"
	"github.com/miekg/dns"
)

// Updates changes the records of zones by dynamic updates (RFC 2136) over TCP, signed with a shared key (TSIG, RFC 8945), which
// BIND, Knot, PowerDNS and Windows take. It is a provider of libdns.
type Updates struct {
	server    string
	key       string // its name, with a dot at the end
	algorithm string
	secret    string // base64
}

// algorithms are those of TSIG that are not broken.
var algorithms = map[string]string{"hmac-sha256": dns.HmacSHA256, "hmac-sha384": dns.HmacSHA384, "hmac-sha512": dns.HmacSHA512}

// NewUpdates takes the address of the zone's primary server, port 53 if it says none, and a key as nsupdate -y takes it:
// [ALGORITHM:]NAME:SECRET, hmac-sha256 if it says none. The errors hold none of the secret.
func NewUpdates(server string, key []byte) (*Updates, error) {
	addr, err := netip.ParseAddrPort(server)
	if bare, bareErr := netip.ParseAddr(server); err != nil && bareErr == nil {
		addr, err = netip.AddrPortFrom(bare, 53), nil
	}
	if err != nil || addr.Port() == 0 {
		return nil, fmt.Errorf("--acme-dns %q is no address such as 10.0.0.2 or 10.0.0.2:53", server)
	}
	parts := strings.Split(strings.TrimSpace(string(key)), ":")
	if len(parts) == 2 {
		parts = append([]string{"hmac-sha256"}, parts...)
	}
	if len(parts) != 3 {
		return nil, errors.New("--acme-dns-key stands for no key of the form ALGORITHM:NAME:SECRET")
	}
	u := &Updates{server: addr.String(), key: dns.CanonicalName(parts[1]), algorithm: algorithms[strings.ToLower(parts[0])], secret: parts[2]}
	if _, ok := dns.IsDomainName(u.key); !ok || u.key == "." {
		return nil, errors.New("--acme-dns-key stands for a key without a name")
	}
	if u.algorithm == "" {
		return nil, errors.New("--acme-dns-key stands for a key of another algorithm than hmac-sha256, hmac-sha384 and hmac-sha512")
	}
	if raw, err := base64.StdEncoding.DecodeString(u.secret); err != nil || len(raw) < tsigBytesMin {
		return nil, fmt.Errorf("--acme-dns-key stands for a key whose secret is not base64 of at least %d bytes", tsigBytesMin)
	}
	return u, nil
}

// AppendRecords adds records to a zone.
func (u *Updates) AppendRecords(ctx context.Context, zone string, all []libdns.Record) ([]libdns.Record, error) {
	return all, u.update(ctx, zone, all, (*dns.Msg).Insert)
}

// DeleteRecords removes them; those that are not there are no error.
func (u *Updates) DeleteRecords(ctx context.Context, zone string, all []libdns.Record) ([]libdns.Record, error) {
	return all, u.update(ctx, zone, all, (*dns.Msg).Remove)
}

func (u *Updates) update(ctx context.Context, zone string, all []libdns.Record, change func(*dns.Msg, []dns.RR)) error {
	m := new(dns.Msg)
	m.SetUpdate(dns.Fqdn(zone))
	var records []dns.RR
	for _, r := range all {
		rr := r.RR()
		if rr.Type != "TXT" {
			return fmt.Errorf("a record of type %s is none of DNS-01", rr.Type)
		}
		head := dns.RR_Header{Name: dns.Fqdn(libdns.AbsoluteName(rr.Name, dns.Fqdn(zone))), Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: uint32(rr.TTL / time.Second)}
		records = append(records, &dns.TXT{Hdr: head, Txt: []string{rr.Data}})
	}
	change(m, records)
	m.SetTsig(u.key, u.algorithm, tsigFudge, time.Now().Unix())
	c := dns.Client{Net: "tcp", Timeout: updateTimeout, TsigSecret: map[string]string{u.key: u.secret}, Dialer: &net.Dialer{Timeout: updateTimeout}}
	answer, _, err := c.ExchangeContext(ctx, m, u.server)
	if err != nil {
		return fmt.Errorf("update of zone %s at --acme-dns %s: %w", zone, u.server, err)
	}
	if answer.Rcode != dns.RcodeSuccess {
		return fmt.Errorf("update of zone %s at --acme-dns %s: it answered %s; does the key of --acme-dns-key have the right to change TXT records there?", zone, u.server, dns.RcodeToString[answer.Rcode])
	}
	return nil
}
