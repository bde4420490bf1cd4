package cert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"skerry.dev/skerry/spec"
)

// orderedPrefix stands before a name where certificates are named: in metrics, warnings and explain. No document has a slash.
const orderedPrefix = "acme/"

// store is the directory below --data that processes share. Certificates lie where CertMagic has them.
type store struct{ files *certmagic.FileStorage }

// stored is a certificate of the storage.
type stored struct {
	leaf    *leaf
	ca      string    // the directory that issued it; empty: it is not asked any more
	ordered time.Time // by the clock of who ordered it
	lost    error     // why it is not in the storage: what was just ordered is used all the same; nil: it is
}

// storedMeta is what lies beside a certificate.
type storedMeta struct {
	Names   []string  `json:"sans"` // as CertMagic calls it
	CA      string    `json:"ca"`
	Ordered time.Time `json:"ordered"`
}

// due is when to order the next one, unless the CA says that it should be earlier: at once if its CA is not asked any more, otherwise when
// a third of its life is left, but not as soon as it came, lest a clock that is ahead orders without end. A time of order that is still to come is of such a clock, and
// says nothing.
func (s *stored) due(now time.Time) time.Time {
	c := s.leaf.x509()
	if s.ca == "" {
		return now // as that of a CA for tests is
	}
	at := c.NotAfter.Add(-s.leaf.life() / renewShare)
	if least := s.again(); at.Before(least) && !s.ordered.After(now) {
		return least
	}
	return at
}

// again is the earliest that it may be ordered again.
func (s *stored) again() time.Time { return s.ordered.Add(min(renewAgain, s.leaf.life()/renewShare)) }

// better reports whether a certificate should take the place of the one in use; nil: there is none. What began earlier, or is not in
// force, is what a damaged storage or one that was put back has.
func (l *leaf) better(old *leaf, now time.Time) bool {
	switch {
	case old == nil:
		return true
	case l.inForce(now) != old.inForce(now):
		return l.inForce(now)
	}
	return !l.x509().NotBefore.Before(old.x509().NotBefore)
}

// load reads a file of bounded size. What is no file is not opened: a pipe would wait for who writes into it, a device never end.
func (s *store) load(key string) ([]byte, error) {
	name := s.files.Filename(key)
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, storedBytesMax+1))
	if err == nil && len(text) > storedBytesMax {
		err = fmt.Errorf("%s has more than %d bytes", name, storedBytesMax)
	}
	return text, err
}

// folders are those that certificates lie in: of the CAs that are asked, in their order, then of others that once were. What those
// issued serves until its successor is there: to order it all from another one would take days at some.
func (s *store) folders(issuers []*issuer) (all []folder) {
	if s.files.Path == "" {
		return nil
	}
	for _, i := range issuers {
		all = append(all, folder{key: i.key, ca: i.ca})
	}
	former, _ := os.ReadDir(s.files.Filename(certmagic.StorageKeys.CertsPrefix("")))
	for _, e := range former {
		if len(all) == len(issuers)+formerMax {
			break
		}
		of := func(f folder) bool { return certmagic.StorageKeys.Safe(f.key) == e.Name() }
		if e.IsDir() && !slices.ContainsFunc(all, of) {
			all = append(all, folder{key: e.Name()})
		}
	}
	return all
}

// folder is where the certificates of a CA lie.
type folder struct {
	key string
	ca  string // empty: it is not asked any more
}

// newest returns the certificate of a name that begins last, of a CA that is not asked any more only where no other is in force; nil if
// there is none. When it was ordered does not count: an order by a clock that was ahead would be the newest until that time has come. The
// error is of what cannot be used.
func (s *store) newest(folders []folder, name string, now time.Time) (best *stored, err error) {
	for _, f := range folders {
		if f.ca == "" && best != nil && best.leaf.inForce(now) {
			break // or two processes with different CAs would order by turns
		}
		one, oneErr := s.read(f, name)
		switch {
		case errors.Is(oneErr, fs.ErrNotExist):
		case oneErr != nil:
			err = oneErr
		case best == nil || one.leaf.x509().NotBefore.After(best.leaf.x509().NotBefore):
			best = one
		}
	}
	return best, err
}

func (s *store) read(in folder, name string) (*stored, error) {
	chain, err := s.load(certmagic.StorageKeys.SiteCert(in.key, name))
	if err != nil {
		return nil, err
	}
	key, err := s.load(certmagic.StorageKeys.SitePrivateKey(in.key, name))
	if err != nil {
		return nil, err
	}
	text, err := s.load(certmagic.StorageKeys.SiteMeta(in.key, name))
	if err != nil {
		return nil, err
	}
	var meta storedMeta
	if err := json.Unmarshal(text, &meta); err != nil {
		return nil, fmt.Errorf("%s: %w", s.files.Filename(certmagic.StorageKeys.SiteMeta(in.key, name)), err)
	}
	l, f := orderedLeaf(name, chain, key)
	if f != nil {
		return nil, errors.New(f.text)
	}
	return &stored{leaf: l, ca: in.ca, ordered: meta.Ordered}, nil
}

// stagedSuffix is behind the name of a file that is complete, but not in its place yet.
const stagedSuffix = ".next"

// stageKey writes the key of an order that is about to be made. A storage that takes nothing says so before the CA is asked, whose
// orders are counted.
func (s *store) stageKey(ctx context.Context, i *issuer, name string, key []byte) error {
	return s.files.Store(ctx, certmagic.StorageKeys.SitePrivateKey(i.key, name)+stagedSuffix, key)
}

// unstage removes what stageKey left of an order that failed, and the name's folder if there is nothing else in it: clients may have made
// the name up, and there is no end to those.
func (s *store) unstage(i *issuer, name string) {
	key := s.files.Filename(certmagic.StorageKeys.SitePrivateKey(i.key, name))
	_ = os.Remove(key + stagedSuffix)
	_ = os.Remove(filepath.Dir(key))
}

// keep puts a certificate beside its staged key, and then all three in their places: until everything is written the old one can be read.
// The chain comes last: who reads between the steps, which take no space, finds a key that does not match.
func (s *store) keep(ctx context.Context, i *issuer, name string, chain []byte, at time.Time) error {
	meta, err := json.Marshal(storedMeta{Names: []string{name}, CA: i.ca, Ordered: at})
	if err != nil {
		return err
	}
	keys := certmagic.StorageKeys
	key, metaKey, chainKey := keys.SitePrivateKey(i.key, name), keys.SiteMeta(i.key, name), keys.SiteCert(i.key, name)
	if err := errors.Join(s.files.Store(ctx, metaKey+stagedSuffix, meta), s.files.Store(ctx, chainKey+stagedSuffix, chain)); err != nil {
		return err
	}
	for _, k := range []string{key, metaKey, chainKey} {
		if err := os.Rename(s.files.Filename(k+stagedSuffix), s.files.Filename(k)); err != nil {
			return err
		}
	}
	return nil
}

// orderedLeaf checks what a CA has issued for a name as strictly as a Certificate document.
func orderedLeaf(name string, chainText, keyText []byte) (*leaf, *flaw) {
	what := "the certificate issued for " + name
	chain, f := parseCertificates(chainText, what, chainMax)
	if f == nil {
		f = checkChain(chain, what)
	}
	if f != nil {
		return nil, f
	}
	ref := spec.Ref(orderedPrefix + name)
	pair, f := pairOf(chain, keyText, &spec.Certificate{Chain: ref, Key: ref})
	if f != nil {
		return nil, f
	}
	l := newLeaf(orderedPrefix+name, pair)
	if !l.has(name) {
		return nil, &flaw{text: fmt.Sprintf("%s does not name it, but %v", what, l.names())}
	}
	return l, nil
}

// has reports whether the certificate names a host, which may be a wildcard.
func (l *leaf) has(name string) bool {
	if len(name) > 2 && name[:2] == "*." {
		_, ok := l.below[name[2:]]
		return ok
	}
	return l.good([]byte(name))
}

// account and accountKey are where an issuer's account lies.
func (i *issuer) accountFile() string { return path.Join("accounts", i.key, "account.json") }
func (i *issuer) accountKey() string  { return path.Join("accounts", i.key, "account.key") }

// challengeFile is where a challenge under way lies, for the process that the CA asks.
func challengeFile(kind, name string) string {
	return path.Join("challenges", kind, certmagic.StorageKeys.Safe(name)+".json")
}

// tidy removes certificates that ended long ago, but for those of some names, and challenges that a process left that was killed.
func (s *store) tidy(ctx context.Context, names []string) error {
	files := &lockedFiles{FileStorage: s.files, store: s}
	for _, name := range names {
		files.needed = append(files.needed, certmagic.StorageKeys.Safe(name))
	}
	slices.Sort(files.needed)
	err := certmagic.CleanStorage(ctx, files, certmagic.CleanStorageOptions{Logger: zap.NewNop(), Interval: tidyEvery,
		ExpiredCerts: true, ExpiredCertGracePeriod: endedKept})
	if err != nil {
		return err
	}
	for _, kind := range challengeKinds {
		keys, listErr := s.files.List(ctx, path.Join("challenges", kind), false)
		if listErr != nil && !errors.Is(listErr, fs.ErrNotExist) {
			err = errors.Join(err, listErr)
		}
		for _, key := range keys {
			info, statErr := os.Stat(s.files.Filename(key))
			if statErr == nil && time.Since(info.ModTime()) > tidyEvery {
				err = errors.Join(err, s.files.Delete(ctx, key))
			}
		}
	}
	return err
}
