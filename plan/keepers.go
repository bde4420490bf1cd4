package plan

import (
	"net/netip"

	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/compress"
	"skerry.dev/skerry/limit"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/mirror"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/static"
	"skerry.dev/skerry/upstream"
	"skerry.dev/skerry/waf"
)

// Keepers is everything that outlives a plan, one keeper per folder, and what stages must know of the process. Edge owns it.
type Keepers struct {
	Upstream *upstream.Keeper
	Limit    *limit.Tables
	Certs    *cert.Keeper
	Files    *static.Roots
	Mirror   *mirror.Keeper
	Firewall *waf.Keeper
	Cache    *cache.Keeper
	Encoders *compress.Encoders
	Env      rewrite.Env
}

// Guard says which addresses an origin may have.
type Guard = upstream.Guard

// Env is what stages must know of the process.
type Env = rewrite.Env

// Setting is what a process is started with that decides what a plan may be.
type Setting struct {
	Guard   Guard
	Env     Env
	Secrets spec.Secrets
	Files   string   // the directory of --files; empty: no service may be a directory
	Tickets spec.Ref // what the keys of session tickets are made of (--ticket-secret); empty: this process makes its own
	Data    string   // where the local CA is kept; empty: in memory

	ACME *cert.ACME // how certificates are ordered; nil: none are

	CRS string // a directory with another release of the OWASP Core Rule Set; empty: the embedded one

	CacheBytes     int64  // memory of what is cached (--cache-memory, or its share of --memory); 0: the cache's default
	CacheDiskBytes int64  // most of what is cached below CacheDir (--cache-disk); 0: nothing is
	CacheDir       string // below Data
	CacheLate      bool   // the process that this one replaces has CacheDir: see cache.Options.Late

	Region    string           // where this node is, for services with endpoints in several places; empty: unknown
	Zone      string           // within Region
	Resolvers []netip.AddrPort // DNS servers; none: those of the system
}

// NewKeepers returns empty keepers. It fails if a directory of the setting cannot be used.
func NewKeepers(set Setting, meters *meter.Set) (*Keepers, error) {
	return newKeepers(set, meters, false)
}

// IdleKeepers returns keepers for a plan that is only looked at: nothing of it runs, no origin is asked, nothing is written.
func IdleKeepers(set Setting) (*Keepers, error) {
	set.Data = ""
	if set.ACME != nil {
		look := *set.ACME
		look.ReadOnly = true
		set.ACME = &look
	}
	return newKeepers(set, meter.NewSet(), true)
}

// idleLimitBytes is the limit tables' size where nothing is counted.
const idleLimitBytes = 64 << 10

func newKeepers(set Setting, meters *meter.Set, idle bool) (*Keepers, error) {
	var limitBytes int64 // the default
	if idle {
		limitBytes = idleLimitBytes
	}
	up, err := upstream.NewKeeper(upstream.Options{Guard: set.Guard, Secrets: set.Secrets, Region: set.Region, Zone: set.Zone,
		Servers: set.Resolvers, Meters: meters, Idle: idle})
	if err != nil {
		return nil, err
	}
	certs, err := cert.NewKeeper(cert.Options{Data: set.Data, Secrets: set.Secrets, TicketSecret: set.Tickets, Meters: meters, ACME: set.ACME})
	if err != nil {
		return nil, err
	}
	files, err := static.OpenRoots(set.Files, meters)
	if err != nil {
		return nil, err
	}
	store, err := cache.NewKeeper(cache.Options{Bytes: set.CacheBytes, Dir: set.CacheDir, DiskBytes: set.CacheDiskBytes, Late: set.CacheLate,
		Secrets: set.Secrets, Meters: meters, Idle: idle})
	if err != nil {
		files.Close()
		return nil, err
	}
	return &Keepers{
		Upstream: up, Limit: limit.NewTables(limitBytes, meters), Certs: certs, Files: files, Mirror: mirror.NewKeeper(meters),
		Cache: store, Encoders: compress.NewEncoders(0), Firewall: waf.NewKeeper(waf.Options{Dir: set.CRS, Meters: meters, Idle: idle}), Env: set.Env,
	}, nil
}

// Close lets go of what is open. Nothing may run on a plan of these keepers any more.
func (k *Keepers) Close() {
	k.Certs.Close()
	k.Cache.Close()
	k.Mirror.Close()
	k.Firewall.Close()
	k.Files.Close()
}
