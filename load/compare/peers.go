package main

import (
	_ "embed"
	"os"
	"path/filepath"

	"skerry.dev/skerry/load/rival"
)

//go:embed nginx.tmpl
var nginxConf string

//go:embed haproxy.tmpl
var haproxyConf string

//go:embed caddy.tmpl
var caddyConf string

//go:embed h2o.tmpl
var h2oConf string

//go:embed varnish.tmpl
var varnishConf string

//go:embed skerry.tmpl
var skerrySpec string

// peer is a proxy to measure.
type peer struct {
	name    string
	version string
	where   where
	start   func(b *bench, o rival.Options, v values) (*rival.Proc, error)
}

// where is which rows a peer takes part in.
type where uint8

const (
	inPlain    where = 1 << iota // rows of HTTP/1.1
	inH2                         // rows of HTTP/2
	inGRPC                       // rows of gRPC
	inSocket                     // rows of WebSockets
	inFirewall                   // rows about firewalls
	asFirewall                   // as a firewall, in these
	inCache                      // rows of answers from a cache, without TLS
	inCacheTLS                   // rows of answers from a cache, with TLS

	inTraffic   = inPlain | inH2 | inGRPC | inSocket // all that ask an origin and are not about firewalls
	inAllCaches = inCache | inCacheTLS
)

// takesPart reports whether the peer has a part in the row.
func (p peer) takesPart(r row) bool { return p.where&r.place() != 0 }

// judges reports whether the peer has a firewall.
func (p peer) judges() bool { return p.where&asFirewall != 0 }

var allPeers = []peer{
	{name: "skerry", where: inTraffic | inFirewall | asFirewall | inAllCaches, start: func(b *bench, o rival.Options, v values) (*rival.Proc, error) {
		return startSkerry(b.skerry, o, v)
	}},
	{name: "before", where: inTraffic | inFirewall | asFirewall | inAllCaches, start: func(b *bench, o rival.Options, v values) (*rival.Proc, error) {
		return startSkerry(b.o.before, o, v)
	}},
	{name: "nginx", where: inTraffic | inFirewall | inAllCaches, start: func(_ *bench, o rival.Options, v values) (*rival.Proc, error) {
		o.Conf = rival.Fill(nginxConf, v)
		return rival.Nginx(o)
	}},
	{name: "haproxy", where: inTraffic | inAllCaches, start: func(_ *bench, o rival.Options, v values) (*rival.Proc, error) {
		o.Conf = rival.Fill(haproxyConf, v)
		o.Out = v.Log
		return rival.HAProxy(o)
	}},
	{name: "h2o", where: inH2, start: func(_ *bench, o rival.Options, v values) (*rival.Proc, error) {
		o.Conf = rival.Fill(h2oConf, v)
		return rival.H2O(o)
	}},
	{name: "caddy", where: inTraffic | inFirewall, start: func(_ *bench, o rival.Options, v values) (*rival.Proc, error) {
		o.Conf = rival.Fill(caddyConf, v)
		return rival.Caddy(o)
	}},
	{name: "nethttp", where: inTraffic | inFirewall, start: func(_ *bench, o rival.Options, v values) (*rival.Proc, error) {
		return startNetHTTP(o, v)
	}},
	{name: "varnish", where: inCache, start: func(_ *bench, o rival.Options, v values) (*rival.Proc, error) {
		return startVarnish(o, v)
	}},
	{name: "modsecurity", where: inFirewall | asFirewall, start: func(b *bench, o rival.Options, v values) (*rival.Proc, error) {
		v.Rules = b.rules.conf
		return startModSecurity(o, v)
	}},
	{name: "coraza", where: inFirewall | asFirewall, start: func(b *bench, o rival.Options, v values) (*rival.Proc, error) {
		v.Rules = b.rules.conf
		return startNetHTTP(o, v)
	}},
}

// startNetHTTP starts this program as a proxy of net/http, with Coraza if rules are named.
func startNetHTTP(o rival.Options, v values) (*rival.Proc, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{flagServe, v.Addr, "-origin", v.Origin}
	if v.GRPC {
		args = append(args, "-h2c")
	}
	if v.Edits {
		args = append(args, "-edits", "-log", v.Log)
	}
	if v.Secure {
		args = append(args, "-cert", v.Cert, "-key", v.Key)
	}
	if v.Rules != "" {
		args = append(args, "-rules", v.Rules)
	}
	return rival.Start(o, self, args...)
}

func startSkerry(binary string, o rival.Options, v values) (*rival.Proc, error) {
	admin, err := rival.FreeAddr()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(o.Dir, "bench.yaml")
	if err := os.WriteFile(path, []byte(rival.Fill(skerrySpec, v)), 0o644); err != nil {
		return nil, err
	}
	o.Out = v.Log // its log event goes to standard output
	listen := "--http"
	if v.Secure {
		listen = "--https"
	}
	return rival.Start(o, binary, "run", path, listen, v.Addr, "--admin", admin, "--secrets", filepath.Dir(v.Cert),
		"--max-connections", "15000", "--connections-per-address", "15000")
}
