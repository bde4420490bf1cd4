package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// ProbeOptions say what to ask, and as whom.
type ProbeOptions struct {
	URL        string
	Connect    string         // address to connect to, "host:port"; empty: what URL says
	Roots      *x509.CertPool // of HTTPS; nil: the system's
	Identities []Identity     // two; none: a session that nobody has, and nobody
}

// Identity is somebody who asks.
type Identity struct {
	Name, Value string // of the header field that says who it is
	Marker      string // a text that stands in no answer but those to this identity; empty: none is known
}

// ProbeReport is what a probe has found.
type ProbeReport struct {
	URL     string        `json:"url"`
	Answers []ProbeAnswer `json:"answers"` // in the order they came
	Leak    string        `json:"leak,omitempty"`
	Doubt   string        `json:"doubt,omitempty"` // why nothing certain can be said
}

// ProbeAnswer is one answer.
type ProbeAnswer struct {
	As          string `json:"as"` // first, second, session, nobody; "… directly": past the cache
	Status      int    `json:"status"`
	FromCache   bool   `json:"fromCache"` // it says Age, or a hit in Cache-Status (RFC 9211)
	CacheStatus string `json:"cacheStatus,omitempty"`
	Bytes       int    `json:"bodyBytes"`

	body   []byte
	cookie string // Set-Cookie
}

// prober asks.
type prober struct {
	http   *http.Client
	report *ProbeReport
	url    *url.URL
}

// Probe asks an edge for a URL as two identities and as nobody, each often enough for a cache to store the answer, and
// says whether one got what was made for another. Without identities it asks with a session of its own making. An error:
// no answer came.
//
// It knows an answer by its marker. Without markers, two who get the same answer out of a cache have either asked for a
// public page, or one has got the other's: the service is asked for each one's own, past the cache, by a query parameter
// that nobody has used before.
func Probe(ctx context.Context, o ProbeOptions) (ProbeReport, error) {
	report := ProbeReport{URL: o.URL, Answers: []ProbeAnswer{}}
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return report, fmt.Errorf("%q is no http or https URL", o.URL)
	}
	var dialer net.Dialer
	t := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: o.Roots}, DisableCompression: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if o.Connect != "" {
				addr = o.Connect
			}
			return dialer.DialContext(ctx, network, addr)
		},
	}
	defer t.CloseIdleConnections()
	p := prober{http: &http.Client{Timeout: timeout, CheckRedirect: stay, Transport: t}, report: &report, url: u}
	if len(o.Identities) == 2 {
		err = p.two(ctx, &o.Identities[0], &o.Identities[1])
	} else {
		err = p.session(ctx)
	}
	return report, err
}

// ask gets the URL; token, if there is one, becomes a parameter of its query.
func (p *prober) ask(ctx context.Context, as string, id *Identity, token string) (ProbeAnswer, error) {
	a := ProbeAnswer{As: as}
	u := *p.url
	if token != "" {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += "skerry-probe=" + token
		a.As += " directly"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return a, err
	}
	r.Header.Set("User-Agent", "skerry-cache-probe")
	if id != nil {
		r.Header.Set(id.Name, id.Value)
	}
	resp, err := p.http.Do(r)
	if err != nil {
		return a, fmt.Errorf("ask as %s: %w", as, err)
	}
	defer resp.Body.Close()
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, bodyBytesMax)); err != nil {
		return a, fmt.Errorf("ask as %s: %w", as, err)
	}
	if token != "" { // a service may write the URL into its answer
		a.body = bytes.ReplaceAll(a.body, []byte(token), nil)
	}
	a.Status, a.Bytes, a.cookie = resp.StatusCode, len(a.body), strings.Join(resp.Header["Set-Cookie"], "\n")
	a.CacheStatus = strings.Join(resp.Header["Cache-Status"], ", ")
	a.FromCache = resp.Header.Get("Age") != "" || saysHit(a.CacheStatus)
	p.report.Answers = append(p.report.Answers, a)
	return a, nil
}

// saysHit reports whether a member of Cache-Status has the parameter hit.
func saysHit(status string) bool {
	for member := range strings.SplitSeq(status, ",") {
		for param := range strings.SplitSeq(member, ";") {
			if strings.TrimSpace(param) == "hit" {
				return true
			}
		}
	}
	return false
}

// all asks one after the other.
func (p *prober) all(ctx context.Context, token func() string, who ...asker) ([]ProbeAnswer, error) {
	list := make([]ProbeAnswer, len(who))
	for i, w := range who {
		var err error
		if list[i], err = p.ask(ctx, w.name, w.id, token()); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// asker is an identity with a name for the report; nil is nobody.
type asker struct {
	name string
	id   *Identity
}

func noToken() string { return "" }

// two asks as two identities.
func (p *prober) two(ctx context.Context, first, second *Identity) error {
	a, b, nobody := asker{"first", first}, asker{"second", second}, asker{"nobody", nil}
	got, err := p.all(ctx, noToken, a, a, b, nobody, b, a)
	if err != nil {
		return err
	}
	firsts, seconds := []ProbeAnswer{got[0], got[1], got[5]}, []ProbeAnswer{got[2], got[4]}
	say := &p.report.Leak
	switch {
	case marked(seconds, first.Marker):
		*say = "the second identity got the first one's marker"
	case marked(firsts, second.Marker):
		*say = "the first identity got the second one's marker"
	case marked(got[3:4], first.Marker) || marked(got[3:4], second.Marker):
		*say = "a request without an identity got a marker of one"
	case cookieOf(got) != "":
		*say = cookieOf(got)
	}
	if *say != "" {
		return nil
	}
	for _, other := range []*ProbeAnswer{&got[2], &got[3], &got[4], &got[5]} {
		if other.FromCache && other.Status == http.StatusOK {
			return p.difference(ctx, a, b, got)
		}
	}
	if got[0].Status != http.StatusOK || got[2].Status != http.StatusOK {
		p.report.Doubt = fmt.Sprintf("the identities got status %d and %d, not 200: do both of them hold?", got[0].Status, got[2].Status)
	}
	return nil
}

// difference finds out whether the same answer for several is a public page, or one identity's.
func (p *prober) difference(ctx context.Context, a, b asker, got []ProbeAnswer) error {
	own, err := p.all(ctx, rand.Text, a, a, b)
	if err != nil {
		return err
	}
	apart := !bytes.Equal(got[0].body, got[2].body) && !bytes.Equal(got[0].body, got[3].body) && !bytes.Equal(got[2].body, got[3].body)
	switch {
	case apart: // nobody got what another got
	case own[0].FromCache || own[1].FromCache || own[2].FromCache:
		p.report.Doubt = "the service cannot be asked past the cache, whose key leaves out new query parameters: give a --marker of each identity"
	case !bytes.Equal(own[0].body, own[1].body):
		p.report.Doubt = "the service's answer is another one each time: give a --marker of each identity"
	case bytes.Equal(own[0].body, own[2].body): // it is the same for both: public
	case got[2].FromCache && bytes.Equal(got[0].body, got[2].body), got[4].FromCache && bytes.Equal(got[0].body, got[4].body):
		p.report.Leak = "the second identity got the first one's answer from a cache, though the service has one of its own for each"
	case got[3].FromCache && (bytes.Equal(got[0].body, got[3].body) || bytes.Equal(got[2].body, got[3].body)):
		p.report.Leak = "a request without an identity got an identity's answer from a cache, though the service has one of its own for each"
	case got[5].FromCache && bytes.Equal(got[2].body, got[5].body):
		p.report.Leak = "the first identity got the second one's answer from a cache, though the service has one of its own for each"
	}
	return nil
}

// session asks with a session that nobody has, and looks for it in the answers to nobody.
func (p *prober) session(ctx context.Context) error {
	mark := rand.Text()
	made, nobody := asker{"session", &Identity{Name: "Cookie", Value: "skerry_probe_session=" + mark}}, asker{"nobody", nil}
	got, err := p.all(ctx, noToken, made, made, nobody, nobody)
	switch {
	case err != nil:
		return err
	case marked(got[2:], mark):
		p.report.Leak = "a request without a session got an answer that was made for one"
	default:
		p.report.Leak = cookieOf(got)
	}
	if p.report.Leak == "" && got[2].Status != http.StatusOK {
		p.report.Doubt = fmt.Sprintf("the answer has status %d, not 200", got[2].Status)
	}
	return nil
}

// marked reports whether a marker stands in one of several answers.
func marked(list []ProbeAnswer, marker string) bool {
	for i := range list {
		if marker != "" && (bytes.Contains(list[i].body, []byte(marker)) || strings.Contains(list[i].cookie, marker)) {
			return true
		}
	}
	return false
}

// cookieOf says that an answer from a cache sets a cookie that another answer set before: whoever asks gets the same one.
func cookieOf(list []ProbeAnswer) string {
	for i := range list {
		for j := range list[:i] {
			if list[i].cookie != "" && list[i].FromCache && list[i].cookie == list[j].cookie && list[i].As != list[j].As {
				return "an answer from a cache sets a cookie, the same for everybody who asks"
			}
		}
	}
	return ""
}
