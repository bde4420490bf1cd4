package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"skerry.dev/skerry/load/origin"
	"skerry.dev/skerry/load/rival"
)

// values fill the templates.
type values struct {
	Addr      string
	Endpoints []string
	FirstByte string // the longest wait for an answer's head
	Watch     bool   // health checks, and what takes endpoints out that fail
	Bound     bool   // a bound on open requests
	Places    int
}

//go:embed skerry.tmpl
var skerrySpec string

//go:embed nginx.tmpl
var nginxConf string

//go:embed haproxy.tmpl
var haproxyConf string

// peer is a proxy in front of the endpoints. Each runs on one processor's worth of workers.
type peer struct {
	name, version string
	conf          string // its template
	start         func(b *bench, o rival.Options, v values) (*rival.Proc, error)
}

var allPeers = []peer{
	{name: "skerry", conf: skerrySpec, start: startSkerry},
	{name: "haproxy", conf: haproxyConf, start: func(_ *bench, o rival.Options, _ values) (*rival.Proc, error) { return rival.HAProxy(o) }},
	{name: "nginx", conf: nginxConf, start: func(_ *bench, o rival.Options, _ values) (*rival.Proc, error) { return rival.Nginx(o) }},
}

func startSkerry(b *bench, o rival.Options, v values) (*rival.Proc, error) {
	path := filepath.Join(o.Dir, "outage.yaml")
	if err := os.WriteFile(path, []byte(o.Conf), 0o644); err != nil {
		return nil, err
	}
	admin, err := rival.FreeAddr()
	if err != nil {
		return nil, err
	}
	o.Env = []string{"GOMAXPROCS=1"}
	return rival.Start(o, b.skerry, "run", path, "--http", v.Addr, "--admin", admin, "--log", "",
		"--max-connections", "15000", "--connections-per-address", "15000", "--drain-delay", "0s", "--drain-timeout", "1s")
}

// bench is what all cases share.
type bench struct {
	o      options
	dir    string
	skerry string
	peers  []peer
}

func newBench(ctx context.Context, o options, dir string) (*bench, error) {
	b := &bench{o: o, dir: dir, skerry: o.skerry}
	for _, name := range o.peers {
		i := slices.IndexFunc(allPeers, func(p peer) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no peer %q", name)
		}
		p := allPeers[i]
		if name == "skerry" {
			if b.skerry == "" {
				var err error
				if b.skerry, err = rival.Build(ctx, dir, "skerry"); err != nil {
					return nil, err
				}
			}
			p.version = rival.Version(b.skerry, "version")
		} else {
			p.version = rival.Version(name, "-v")
			if why := rival.Missing(name); why != "" {
				fmt.Printf("%s is left out: %s\n", name, why)
				continue
			}
		}
		b.peers = append(b.peers, p)
	}
	if len(b.peers) == 0 {
		return nil, fmt.Errorf("no peer is left")
	}
	return b, nil
}

// setup is a peer with endpoints of its own behind it and a client before it.
type setup struct {
	endpoints []*origin.Process
	proxy     *rival.Proc
	client    *client
}

// start starts n endpoints in a mode, and the peer in front of them.
func (b *bench) start(p peer, v values, n int, m origin.Mode) (r *setup, err error) {
	r = &setup{}
	defer func() {
		if err != nil {
			r.stop()
		}
	}()
	for range n {
		e, err := origin.Start(m)
		if err != nil {
			return r, err
		}
		r.endpoints = append(r.endpoints, e)
		v.Endpoints = append(v.Endpoints, e.Addr())
	}
	if v.Addr, err = rival.FreeAddr(); err != nil {
		return r, err
	}
	dir, err := os.MkdirTemp(b.dir, p.name)
	if err != nil {
		return r, err
	}
	o := rival.Options{Dir: dir, Conf: rival.Fill(p.conf, v), Ready: v.Addr}
	if r.proxy, err = p.start(b, o, v); err != nil {
		return r, err
	}
	r.client = &client{addr: v.Addr}
	return r, nil
}

func (r *setup) stop() {
	if r.client != nil {
		r.client.close()
	}
	if r.proxy != nil {
		r.proxy.Stop()
	}
	for _, e := range r.endpoints {
		e.Stop()
	}
}

// await returns when a time has come, or false when ctx has ended before.
func await(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
