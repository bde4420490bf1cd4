package cli

import (
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/plan"
	"skerry.dev/skerry/spec"
)

// acmeFlags are the settings of certificates by ACME. run, check and explain must agree on them.
type acmeFlags struct {
	acme   cert.ACME
	data   string // of --data
	roots  string
	dns    string
	dnsKey string
	eabs   []string // of --acme-eab: URL=REFERENCE
	named  []string // of --acme-profile: URL=NAME
}

func (f *acmeFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.acme.Email, "acme-email", "", "order certificates by ACME for public hosts that no Certificate covers, as this address, which takes the CA's terms; run needs --data for it; empty: none are ordered")
	flags.StringArrayVar(&f.acme.CAs, "acme-ca", nil, "directory URL of a CA to order from; repeatable: the next one is asked if one fails; "+cert.LetsEncrypt+", if left out")
	flags.StringArrayVar(&f.eabs, "acme-eab", nil, "URL=REFERENCE: the customer's key that the CA of this directory URL wants accounts to be bound with, file:NAME below --secrets or env:SKERRY_SECRET_…, in the form KEYID:KEY; repeatable")
	flags.StringArrayVar(&f.named, "acme-profile", nil, "URL=NAME: the profile, a kind of certificate, that is ordered of the CA of this directory URL, one of those that it lists there; repeatable; left out: what the CA takes for its default")
	flags.StringVar(&f.roots, "acme-ca-roots", "", "reference (file:NAME below --secrets) to the roots that HTTPS of --acme-ca is checked against, for a company's CA; empty: the system's")
	flags.StringVar(&f.dns, "acme-dns", "", "address of the DNS server that takes dynamic updates (RFC 2136) of the hosts' zones: challenges are met there, wildcards can be ordered")
	flags.StringVar(&f.dnsKey, "acme-dns-key", "", "reference (file:NAME below --secrets, or env:SKERRY_SECRET_…) to the key of --acme-dns, ALGORITHM:NAME:SECRET as nsupdate -y takes it")
	flags.StringArrayVar(&f.acme.Allow, "acme-allow", nil, "name below a wildcard host, or *.NAME for all one label below, that is ordered when a client first asks for it; repeatable")
	flags.StringVar(&f.acme.Ask, "acme-ask", "", "URL that says by 200 to GET URL?domain=NAME whether a name below a wildcard host may be ordered when a client asks for it")
}

// fill takes them into a setting.
func (f *acmeFlags) fill(set *plan.Setting) error {
	if f.acme.Email == "" {
		if len(f.acme.CAs)+len(f.acme.Allow)+len(f.eabs)+len(f.named) > 0 || f.roots+f.dns+f.dnsKey+f.acme.Ask != "" {
			return errors.New("--acme-ca, --acme-eab, --acme-profile, --acme-ca-roots, --acme-dns, --acme-dns-key, --acme-allow and --acme-ask do nothing without --acme-email")
		}
		return nil
	}
	a := f.acme
	var err error
	if a.Bindings, err = f.bindings(set.Secrets); err != nil {
		return err
	}
	if a.Profiles, err = f.profiles(); err != nil {
		return err
	}
	if err := a.Check(); err != nil {
		return err
	}
	a.HTTP, a.TLS, a.Resolvers = true, true, set.Resolvers
	if f.data != "" {
		a.Dir = filepath.Join(f.data, "acme")
	}
	if (f.dns == "") != (f.dnsKey == "") {
		return errors.New("--acme-dns and --acme-dns-key need each other")
	}
	if f.roots != "" {
		text, err := set.Secrets.Read(spec.Ref(f.roots))
		if err != nil {
			return fmt.Errorf("--acme-ca-roots: %w", err)
		}
		a.Roots = x509.NewCertPool()
		if !a.Roots.AppendCertsFromPEM(text) {
			return fmt.Errorf("--acme-ca-roots %s holds no certificate in PEM", f.roots)
		}
	}
	if f.dns != "" {
		key, err := set.Secrets.Read(spec.Ref(f.dnsKey))
		if err != nil {
			return fmt.Errorf("--acme-dns-key: %w", err)
		}
		if a.DNS, err = cert.NewUpdates(f.dns, key); err != nil {
			return err
		}
	}
	set.ACME = &a
	return nil
}

// bindings are what --acme-eab says, by CA.
func (f *acmeFlags) bindings(secrets spec.Secrets) (map[string]cert.Binding, error) {
	all := make(map[string]cert.Binding, len(f.eabs))
	for _, text := range f.eabs {
		cut := strings.LastIndexByte(text, '=') // a URL may have one
		ca, ref := text[:max(cut, 0)], text[cut+1:]
		if ca == "" || !strings.HasPrefix(ref, "file:") && !strings.HasPrefix(ref, "env:") {
			return nil, errors.New("one --acme-eab is not of the form URL=REFERENCE") // some of it may be the key itself, whose padding is = too
		}
		if _, twice := all[ca]; twice {
			return nil, fmt.Errorf("--acme-eab %s=… is given twice", ca)
		}
		key, err := secrets.Read(spec.Ref(ref))
		if err != nil {
			return nil, fmt.Errorf("--acme-eab %s=…: %w", ca, err)
		}
		if all[ca], err = cert.ParseBinding(key); err != nil {
			return nil, fmt.Errorf("--acme-eab %s=%s: %w", ca, ref, err)
		}
	}
	return all, nil
}

// profiles are what --acme-profile says, by CA.
func (f *acmeFlags) profiles() (map[string]string, error) {
	all := make(map[string]string, len(f.named))
	for _, text := range f.named {
		cut := strings.LastIndexByte(text, '=') // a URL may have one
		if cut <= 0 || cut == len(text)-1 {
			return nil, fmt.Errorf("--acme-profile %q is not of the form URL=NAME", text)
		}
		ca := text[:cut]
		if _, twice := all[ca]; twice {
			return nil, fmt.Errorf("--acme-profile %s=… is given twice", ca)
		}
		all[ca] = text[cut+1:]
	}
	return all, nil
}

// sayACME says which names are ordered.
func (p *process) sayACME(e *edge.Edge) {
	if names := e.Ordered(); len(names) > 0 {
		p.say("acme: %s ordered and renewed; until the first is there the local CA stands in", some(names))
	}
}

// acmeOff says that nothing is ordered, if it is so.
func (p *process) acmeOff() string {
	if p.opt.Setting.ACME != nil {
		return ""
	}
	return "; ACME is off (--acme-email)"
}
