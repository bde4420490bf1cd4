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

// values fill the templates.
type values struct {
	Addr, Admin, Origin, Dir, Log, Body string
	Edits, Secure                       bool
	Workers                             int
	Cert, Key, Both                     string // PEM files; Both has certificate and key

	Firewall   bool   // the row is about firewalls
	Rules      string // then: the file of rules for a firewall that has none of its own; empty: go without
	GRPC       bool   // the origin speaks HTTP/2 without TLS
	Sockets    bool   // WebSockets come
	Cached     bool   // answers are cached
	Small      bool   // then: and fit nginx's buffer
	OriginPort string // of Origin, for Varnish
	Port       string // of Addr, for h2o, and for Caddy, which takes a host in its address for the only one it serves
}

//go:embed origin.tmpl
var originConf string

// bench is what all rows share.
type bench struct {
	ctx                context.Context
	o                  options
	dir                string
	skerry             string
	self               string // this program, to be started again
	pinProxy, pinOther string
	peers              []peer
	rules              ruleFiles         // of rivals with a firewall, if a row is about firewalls
	unfit              map[string]string // firewalls that may not be compared, and why
}

func newBench(ctx context.Context, o options, dir string) (*bench, error) {
	if why := rival.Missing("wrk", "nginx"); why != "" {
		return nil, fmt.Errorf("the load generator and the origin are needed: %s", why)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	b := &bench{ctx: ctx, o: o, dir: dir, skerry: o.skerry, self: self}
	if runtime.NumCPU() > 1 && rival.Missing("taskset") == "" {
		b.pinProxy, b.pinOther = "0", "1"
	}
	return b, b.choose(allPeers)
}

// choose takes those of all peers that were asked for. One that is not here is an error if it was named, and left out else.
func (b *bench) choose(all []peer) error {
	for _, name := range b.o.peers {
		i := slices.IndexFunc(all, func(p peer) bool { return p.name == name })
		if i < 0 {
			return fmt.Errorf("no peer %q", name)
		}
		p, why := b.find(all[i])
		if why != "" && b.o.named {
			return fmt.Errorf("peer %s cannot be measured: %s; or leave it out of -peers", name, why)
		}
		if why != "" {
			fmt.Printf("%s is left out: %s\n", name, why)
			continue
		}
		b.peers = append(b.peers, p)
	}
	if len(b.peers) == 0 {
		return fmt.Errorf("no peer is left")
	}
	return nil
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
	case "varnish":
		why = rival.Missing("varnishd")
		p.version = strings.TrimSuffix(strings.TrimPrefix(rival.Version("varnishd", "-V"), "varnishd ("), ")")
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

var versionFlag = map[string]string{"nginx": "-v", "haproxy": "-v", "caddy": "version", "h2o": "--version"}

func (b *bench) versions() []string {
	var all []string
	for _, p := range b.peers {
		all = append(all, p.name+" ("+p.version+")")
	}
	return all
}

// startOrigin starts the origin of a row's run, one that answers what the row's load asks.
func (b *bench) startOrigin(r row, dir, addr string) (*rival.Proc, error) {
	switch r.kind {
	case overGRPC:
		return b.startSelf(dir, addr, flagGRPC, addr)
	case overSocket:
		return b.startSelf(dir, addr, flagEcho, addr)
	}
	if err := os.WriteFile(filepath.Join(dir, "100k"), bytes.Repeat([]byte("0123456789abcdef"), 6400), 0o644); err != nil {
		return nil, err
	}
	conf := rival.Fill(originConf, values{Origin: addr, Dir: dir, Body: strings.Repeat("x", 1024)})
	return rival.Nginx(rival.Options{Dir: dir, Conf: conf, Ready: addr, Pin: b.pinOther})
}

// startSelf starts this program as an origin.
func (b *bench) startSelf(dir, addr string, args ...string) (*rival.Proc, error) {
	return rival.Start(rival.Options{Dir: dir, Ready: addr, Pin: b.pinOther}, b.self, args...)
}
