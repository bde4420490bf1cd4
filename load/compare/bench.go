package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"skerry.dev/skerry/load/rival"
)

// row is one line of comparison and its budget as a ratio to nginx; a row without one is for the record.
type row struct {
	key, title, path string
	edits            bool // access log, four header edits, a limit per address
	secure           bool // TLS 1.3
	h2               bool // HTTP/2 by h2load instead of HTTP/1.1 by wrk
	workers          int  // of every peer
	atMost, aim      float64

	seconds int    // least length of a sample; 0: as the flag says
	fixture string // a benign request instead of path: the row is about firewalls, and its ratios are to nginx with ModSecurity
}

// firewall reports whether the row is about firewalls.
func (r row) firewall() bool { return r.fixture != "" }

// yardstick is the peer that a row's ratios refer to.
func (r row) yardstick() string {
	if r.firewall() {
		return "modsecurity"
	}
	return "nginx"
}

var rows = []row{
	{key: "plain", title: "H1 → H1, 1 KB, keep-alive", path: "/1k", workers: 1, atMost: 0.95, aim: 0.85},
	{key: "edits", title: "H1 → H1, 1 KB, access log, four request-header edits and a limit per address", path: "/1k", edits: true, workers: 1, atMost: 0.9, aim: 0.75},
	{key: "tls", title: "TLS 1.3 H1 → H1, 1 KB", path: "/1k", secure: true, workers: 1, atMost: 0.85, aim: 0.7},
	{key: "large", title: "H1 → H1, 100 KB bodies", path: "/100k", workers: 1, atMost: 0.75, aim: 0.6},
	{key: "h2", title: "TLS 1.3 H2 → H1, 1 KB, 16 connections × 10 streams", path: "/1k", secure: true, h2: true, workers: 1},
	{key: "plain2", title: "two workers: H1 → H1, 1 KB, keep-alive", path: "/1k", workers: 2, atMost: 1, aim: 0.85},
	{key: "edits2", title: "two workers: access log, four request-header edits and a limit per address", path: "/1k", edits: true, workers: 2, atMost: 1, aim: 0.85},
	{key: "tls2", title: "two workers: TLS 1.3 H1 → H1, 1 KB", path: "/1k", secure: true, workers: 2, atMost: 1, aim: 0.85},
	{key: "large2", title: "two workers: H1 → H1, 100 KB bodies", path: "/100k", workers: 2, atMost: 1, aim: 0.85},
}

// values fill the templates.
type values struct {
	Addr, Admin, Origin, Dir, Log, Body string
	Edits, Secure                       bool
	Workers                             int
	Cert, Key, Both                     string // PEM files; Both has certificate and key

	Firewall bool   // the row is about firewalls
	Rules    string // then: the file of rules for a firewall that has none of its own; empty: go without
	Port     string // of Addr, for Caddy, which takes a host in its address for the only one it serves
}

//go:embed origin.tmpl
var originConf string

//go:embed nginx.tmpl
var nginxConf string

//go:embed haproxy.tmpl
var haproxyConf string

//go:embed caddy.tmpl
var caddyConf string

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
	inPlain    where = 1 << iota // rows that are not about firewalls
	inFirewall                   // rows about firewalls
	asFirewall                   // as a firewall, in these
)

// takesPart reports whether the peer has a part in the row.
func (p peer) takesPart(r row) bool {
	if r.firewall() {
		return p.where&inFirewall != 0
	}
	return p.where&inPlain != 0
}

// judges reports whether the peer has a firewall.
func (p peer) judges() bool { return p.where&asFirewall != 0 }

// bench is what all rows share.
type bench struct {
	ctx                context.Context
	o                  options
	dir                string
	skerry             string
	pinProxy, pinOther string
	peers              []peer
	rules              ruleFiles         // of rivals with a firewall, if a row is about firewalls
	unfit              map[string]string // firewalls that may not be compared, and why
}

func newBench(ctx context.Context, o options, dir string) (*bench, error) {
	if why := rival.Missing("wrk", "nginx"); why != "" {
		return nil, fmt.Errorf("the load generator and the origin are needed: %s", why)
	}
	b := &bench{ctx: ctx, o: o, dir: dir, skerry: o.skerry}
	if runtime.NumCPU() > 1 && rival.Missing("taskset") == "" {
		b.pinProxy, b.pinOther = "0", "1"
	}
	for _, name := range o.peers {
		i := slices.IndexFunc(allPeers, func(p peer) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no peer %q", name)
		}
		p, why := b.find(allPeers[i])
		if why != "" {
			fmt.Printf("%s is left out: %s\n", name, why)
			continue
		}
		b.peers = append(b.peers, p)
	}
	if len(b.peers) == 0 {
		return nil, fmt.Errorf("no peer is left")
	}
	return b, nil
}

// find looks whether a peer is here and which version it is; why says why not.
func (b *bench) find(p peer) (found peer, why string) {
	switch p.name {
	case "skerry":
		if b.skerry == "" {
			var err error
			if b.skerry, err = rival.Build(b.ctx, b.dir, "skerry"); err != nil {
				why = err.Error()
			}
		}
		p.version = rival.Version(b.skerry, "version")
	case "before":
		p.version = rival.Version(b.o.before, "version")
	case "nethttp":
		p.version = runtime.Version()
	case "coraza":
		p.version = moduleVersion("github.com/corazawaf/coraza/v3")
	case "modsecurity":
		if why = rival.Missing("nginx"); why == "" {
			if _, err := rival.NginxModule(modSecurityModule); err != nil {
				why = err.Error()
			}
		}
		p.version = libModSecurity()
	default:
		why = rival.Missing(p.name)
		p.version = rival.Version(p.name, versionFlag[p.name])
	}
	return p, why
}

var versionFlag = map[string]string{"nginx": "-v", "haproxy": "-v", "caddy": "version"}

func (b *bench) versions() []string {
	var all []string
	for _, p := range b.peers {
		all = append(all, p.name+" ("+p.version+")")
	}
	return all
}

var allPeers = []peer{
	{name: "skerry", where: inPlain | inFirewall | asFirewall, start: func(b *bench, o rival.Options, v values) (*rival.Proc, error) {
		return startSkerry(b.skerry, o, v)
	}},
	{name: "before", where: inPlain | inFirewall | asFirewall, start: func(b *bench, o rival.Options, v values) (*rival.Proc, error) {
		return startSkerry(b.o.before, o, v)
	}},
	{name: "nginx", where: inPlain | inFirewall, start: func(_ *bench, o rival.Options, v values) (*rival.Proc, error) {
		o.Conf = rival.Fill(nginxConf, v)
		return rival.Nginx(o)
	}},
	{name: "haproxy", where: inPlain, start: func(_ *bench, o rival.Options, v values) (*rival.Proc, error) {
		o.Conf = rival.Fill(haproxyConf, v)
		o.Out = v.Log
		return rival.HAProxy(o)
	}},
	{name: "caddy", where: inPlain | inFirewall, start: func(_ *bench, o rival.Options, v values) (*rival.Proc, error) {
		o.Conf = rival.Fill(caddyConf, v)
		return rival.Caddy(o)
	}},
	{name: "nethttp", where: inPlain | inFirewall, start: func(_ *bench, o rival.Options, v values) (*rival.Proc, error) {
		return startNetHTTP(o, v)
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
	args := []string{"-serve", v.Addr, "-origin", v.Origin}
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

// startOrigin starts the origin of a row's run.
func (b *bench) startOrigin(dir, addr string) (*rival.Proc, error) {
	if err := os.WriteFile(filepath.Join(dir, "100k"), bytes.Repeat([]byte("0123456789abcdef"), 6400), 0o644); err != nil {
		return nil, err
	}
	conf := rival.Fill(originConf, values{Origin: addr, Dir: dir, Body: strings.Repeat("x", 1024)})
	return rival.Nginx(rival.Options{Dir: dir, Conf: conf, Ready: addr, Pin: b.pinOther})
}
