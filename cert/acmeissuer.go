package cert

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
	"go.uber.org/zap"
)

// issuer is one CA that certificates are ordered from.
type issuer struct {
	o    *orders
	ca   string // URL of its directory
	key  string // its folder in the storage
	acme acme.Client

	registering sync.Mutex   // held while the CA is asked
	account     acme.Account // Status is empty: not known yet

	mu       sync.Mutex // never held while the CA is asked: its answers are noted under it
	heldBack heldBack   // it said that there were too many orders
	asksFor  time.Time  // it said last that it wants to be left alone until then
	broken   bool       // what it answered last was nothing, or a failure of its own
}

func newIssuer(o *orders, ca string) *issuer {
	i := &issuer{o: o, ca: ca, key: issuerFolder(ca)}
	i.acme = acme.Client{Directory: ca, HTTPClient: &http.Client{Timeout: caTimeout, Transport: i}, UserAgent: "skerry", PollTimeout: orderTimeout}
	return i
}

// issuerFolder names a CA as CertMagic does: its host and path.
func issuerFolder(ca string) string {
	u, err := url.Parse(ca)
	if err != nil {
		return certmagic.StorageKeys.Safe(ca)
	}
	name := u.Host
	if p := strings.Trim(strings.ReplaceAll(u.Path, "/", "-"), "-"); p != "" {
		name += "-" + p
	}
	return name
}

// newClient returns what CAs are asked with; an answer beyond answerBytesMax breaks off.
func newClient(roots *x509.CertPool) *http.Client {
	return &http.Client{Timeout: caTimeout, Transport: bounded{&http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: caTimeout / 3}).DialContext, // what is tried three times must not take an order's time
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    caTimeout / 2,
		ResponseHeaderTimeout:  caTimeout,
		MaxResponseHeaderBytes: answerBytesMax,
		IdleConnTimeout:        caTimeout,
		ForceAttemptHTTP2:      true,
	}}}
}

// bounded ends an answer's body at answerBytesMax.
type bounded struct{ *http.Transport }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.Transport.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, answerBytesMax)
	}
	return resp, err
}

// RoundTrip asks the CA, and remembers whether it answered, and what its Retry-After says of too many requests (RFC 8555 section 6.6).
func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := i.o.client.Transport.RoundTrip(r)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.broken = err != nil && !errors.Is(err, context.Canceled) || err == nil && resp.StatusCode >= http.StatusInternalServerError
	if err != nil || resp.StatusCode != http.StatusTooManyRequests {
		return resp, err
	}
	said := resp.Header.Get("Retry-After")
	at, dateErr := http.ParseTime(said)
	if seconds, err := strconv.ParseUint(said, 10, 31); err == nil {
		at = i.o.now().Add(time.Duration(seconds) * time.Second)
	} else if dateErr != nil {
		return resp, nil
	}
	i.asksFor = at
	return resp, nil
}

// order gets a certificate for a name, checks it, and stores it. old is what it replaces, if the storage has one. It takes orderTimeout
// at most: the CAs behind this one are asked also if it begins on orders and has none of them done. demanded says that a client's hello
// brought it about.
func (i *issuer) order(ctx context.Context, name string, old *stored, demanded bool) (*stored, error) {
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	defer cancel()
	if now, until := i.o.now(), i.heldUntil(name, demanded); now.Before(until) {
		return nil, i.heldError(until, now)
	}
	s, err := i.attempt(ctx, name, old)
	var problem acme.Problem
	if errors.As(err, &problem) && problem.Type == acme.ProblemTypeAccountDoesNotExist {
		// A CA that was made anew, of a company or of tests, does not know its accounts any more.
		if err = i.forget(ctx); err == nil {
			s, err = i.attempt(ctx, name, nil)
		}
	}
	if err != nil {
		i.o.store.unstage(i, name)
		return nil, fmt.Errorf("%s: %w", i.ca, i.note(name, demanded, err))
	}
	i.mu.Lock()
	i.heldBack.issued(name)
	i.mu.Unlock()
	return s, nil
}

// heldUntil is until when the CA is not asked for a name.
func (i *issuer) heldUntil(name string, demanded bool) time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.heldBack.until(name, demanded)
}

// heldError says that it was not asked.
func (i *issuer) heldError(until, now time.Time) error {
	return heldError{fmt.Errorf("%s said that there were too many orders, or did not answer; it is asked again in %v", i.ca, until.Sub(now).Round(time.Second))}
}

// note notes a failure that other names would meet too, and adds to what is told of it.
func (i *issuer) note(name string, demanded bool, err error) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.o.now()
	var problem acme.Problem
	switch {
	case errors.Is(err, context.Canceled):
	case errors.As(err, &problem) && problem.Type == acme.ProblemTypeRateLimited:
		until := later(now.Add(heldBackLeast), earlier(i.asksFor, now.Add(heldBackMax)))
		return limitedError{until, err, i.heldBack.limited(name, demanded, now, until)}
	case i.broken:
		if wait := i.heldBack.silent(name, now); wait > 0 {
			return fmt.Errorf("%w; no name is ordered there for %v", err, wait)
		}
	}
	return err
}

func (i *issuer) attempt(ctx context.Context, name string, old *stored) (*stored, error) {
	if err := i.profiled(ctx); err != nil {
		return nil, err
	}
	account, err := i.register(ctx)
	if err != nil {
		return nil, fmt.Errorf("account of --acme-email %s: %w", i.o.opt.Email, err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	keyText, err := keyPEM(key)
	if err != nil {
		return nil, err
	}
	if err := i.o.store.stageKey(ctx, i, name, keyText); err != nil {
		return nil, storageError{err}
	}
	csr, err := acmez.NewCSR(key, []string{name})
	if err != nil {
		return nil, err
	}
	params, err := acmez.OrderParametersFromCSR(account, csr)
	if err != nil {
		return nil, err
	}
	params.Profile = i.o.opt.Profiles[i.ca]
	if old != nil && old.ca == i.ca {
		params.Replaces = old.leaf.x509()
	}
	client := acmez.Client{Client: &i.acme, ChallengeSolvers: i.o.solvers(name)}
	chains, err := client.ObtainCertificate(ctx, params)
	if err != nil && params.Replaces != nil && refused(err) {
		params.Replaces = nil // the CA may not know what it is said to replace
		chains, err = client.ObtainCertificate(ctx, params)
	}
	if err != nil {
		return nil, i.withdrawn(err)
	}
	if len(chains) == 0 {
		return nil, errors.New("the order is done, but there is no certificate")
	}
	l, f := orderedLeaf(name, chains[0].ChainPEM, keyText)
	if f != nil {
		return nil, errors.New(f.text)
	}
	s := &stored{leaf: l, ca: i.ca, ordered: i.o.now()}
	if !l.inForce(s.ordered) && !l.inForce(s.ordered.Add(skewMax)) {
		return nil, fmt.Errorf("what it issued holds from %s to %s, which is not now: is the clock right?",
			l.x509().NotBefore.UTC().Format(time.RFC3339), l.x509().NotAfter.UTC().Format(time.RFC3339))
	}
	s.lost = i.o.store.keep(ctx, i, name, chains[0].ChainPEM, s.ordered)
	return s, nil
}

// profiled says of a profile that the CA's directory does not list: it must not be asked for (draft-ietf-acme-profiles-01 section 4).
func (i *issuer) profiled(ctx context.Context) error {
	want := i.o.opt.Profiles[i.ca]
	if want == "" {
		return nil
	}
	d, err := i.acme.GetDirectory(ctx)
	if err != nil {
		return err
	}
	var has []string
	if d.Meta != nil {
		if _, ok := d.Meta.Profiles[want]; ok {
			return nil
		}
		has = slices.Sorted(maps.Keys(d.Meta.Profiles))
	}
	if len(has) == 0 {
		return fmt.Errorf("--acme-profile %s=%s: this CA has no profiles", i.ca, want)
	}
	return fmt.Errorf("--acme-profile %s=%s: this CA has no such profile; it has %s", i.ca, want, strings.Join(has, ", "))
}

// problemInvalidProfile is what a CA says of a profile that it has not, or not for this account or name.
const problemInvalidProfile = acme.ProblemTypeNamespace + "invalidProfile"

// withdrawn names the flag where a CA refuses a profile that its directory lists, or listed when it was read.
func (i *issuer) withdrawn(err error) error {
	var problem acme.Problem
	if errors.As(err, &problem) && problem.Type == problemInvalidProfile {
		return fmt.Errorf("--acme-profile %s=%s: %w", i.ca, i.o.opt.Profiles[i.ca], err)
	}
	return err
}

// storageError is of --data: no other CA would help.
type storageError struct{ error }

func (e storageError) Error() string { return "keeping it in --data: " + e.error.Error() }
func (e storageError) Unwrap() error { return e.error }

// refused reports whether the CA did not take a new order, for another reason than their number.
func refused(err error) bool {
	var problem acme.Problem
	others := []string{acme.ProblemTypeRateLimited, acme.ProblemTypeAccountDoesNotExist, problemInvalidProfile}
	return errors.As(err, &problem) && problem.Status < http.StatusInternalServerError && !slices.Contains(others, problem.Type) &&
		strings.HasPrefix(err.Error(), "creating new order")
}

// register returns the account, which it makes if the storage has none: one for all processes.
func (i *issuer) register(ctx context.Context) (acme.Account, error) {
	i.registering.Lock()
	defer i.registering.Unlock()
	if i.account.Status == acme.StatusValid {
		return i.account, nil
	}
	unlock, err := i.o.store.lock(ctx, "account_"+i.key)
	if err != nil {
		return acme.Account{}, fmt.Errorf("the lock in --data: %w", err)
	}
	defer unlock()
	account, err := i.storedAccount()
	if err == nil && account.Status != acme.StatusValid {
		account, err = i.newAccount(ctx, account.PrivateKey)
	}
	if err == nil {
		i.account = account
	}
	return account, err
}

// storedAccount returns what the storage has; without a key there is none, and without a status it was not registered.
func (i *issuer) storedAccount() (account acme.Account, err error) {
	files := &i.o.store
	text, err := files.load(i.accountKey())
	if errors.Is(err, fs.ErrNotExist) {
		return account, nil
	}
	if err != nil {
		return account, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return account, fmt.Errorf("%s holds no key in PEM; remove it to register anew", files.files.Filename(i.accountKey()))
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(crypto.Signer)
	if err != nil || !ok {
		return account, fmt.Errorf("%s holds no key to sign with; remove it to register anew", files.files.Filename(i.accountKey()))
	}
	text, err = files.load(i.accountFile())
	if err == nil {
		err = json.Unmarshal(text, &account)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	account.PrivateKey = key
	return account, err
}

// newAccount registers; --acme-email is the consent to the CA's terms. The key is on the disk before the CA knows it.
func (i *issuer) newAccount(ctx context.Context, key crypto.Signer) (acme.Account, error) {
	files := i.o.store.files
	if key == nil {
		made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return acme.Account{}, err
		}
		text, err := keyPEM(made)
		if err == nil {
			err = files.Store(ctx, i.accountKey(), text)
		}
		if err != nil {
			return acme.Account{}, err
		}
		key = made
	}
	account := acme.Account{Contact: []string{"mailto:" + i.o.opt.Email}, TermsOfServiceAgreed: true, PrivateKey: key}
	binding, bound := i.o.opt.Bindings[i.ca]
	if bound {
		if err := account.SetExternalAccountBinding(ctx, &i.acme, binding.eab); err != nil {
			return account, err
		}
	}
	account, err := i.acme.NewAccount(ctx, account)
	var problem acme.Problem
	switch {
	case err != nil && bound:
		return account, fmt.Errorf("with --acme-eab: %w", err)
	case errors.As(err, &problem) && problem.Type == acme.ProblemTypeExternalAccountRequired:
		return account, fmt.Errorf("%w; it wants a customer's key: --acme-eab %s=REFERENCE", err, i.ca)
	case err != nil:
		return account, err
	}
	text, err := json.Marshal(account)
	if err != nil {
		return account, err
	}
	return account, files.Store(ctx, i.accountFile(), text)
}

// forget removes an account that its CA does not know, so that the next order registers anew.
func (i *issuer) forget(ctx context.Context) error {
	i.registering.Lock()
	defer i.registering.Unlock()
	i.account = acme.Account{}
	return errors.Join(i.o.store.files.Delete(ctx, i.accountFile()), i.o.store.files.Delete(ctx, i.accountKey()))
}

func keyPEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// solvers are the challenges that can be met for a name.
func (o *orders) solvers(name string) map[string]acmez.Solver {
	all := map[string]acmez.Solver{}
	wild := strings.HasPrefix(name, "*.")
	if o.opt.HTTP && !wild {
		all[acme.ChallengeTypeHTTP01] = o.solver
	}
	if o.opt.TLS && !wild {
		all[acme.ChallengeTypeTLSALPN01] = o.solver
	}
	if o.opt.DNS != nil {
		all[acme.ChallengeTypeDNS01] = o.dns()
	}
	return all
}

// dns returns what meets DNS-01, by the provider of the zone.
func (o *orders) dns() acmez.Solver {
	s := new(certmagic.DNS01Solver)
	s.DNSProvider, s.TTL, s.Logger = o.opt.DNS, recordTTL, zap.NewNop()
	for _, r := range o.opt.Resolvers {
		s.Resolvers = append(s.Resolvers, r.String())
	}
	if o.opt.NoDNSWait {
		s.PropagationTimeout = -1
	}
	return s
}
