package cli

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/plan"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/route"
	"skerry.dev/skerry/spec"
)

// table writes rows of columns that stand below each other.
func table(w io.Writer, rows [][]string) {
	var widths []int
	for _, r := range rows {
		for i, cell := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if n := utf8.RuneCountInString(cell); n <= tableCellMax {
				widths[i] = max(widths[i], n)
			}
		}
	}
	for _, r := range rows {
		var line strings.Builder
		for i, cell := range r {
			fmt.Fprintf(&line, "%-*s   ", widths[i], cell)
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// entryRows say what holds for every request to the host, whatever its route; moved is whether they answer this one
// before any route is asked.
func entryRows(p *plan.Plan, e *spec.Entrypoint, x *exchange.Exchange) (rows [][]string, moved bool) {
	owner := e.Meta.Owner
	if owner == "" {
		owner = "nobody"
	}
	rows = [][]string{
		{"entrypoint", e.Meta.Name, e.At.String()},
		{"owner", owner},
		{"hosts", strings.Join(e.Hosts, ", ")},
	}
	if e.CanonicalHost != "" {
		rows = append(rows, []string{"canonical", e.CanonicalHost})
	}
	if n := len(e.Moved); n > 0 {
		rows = append(rows, []string{"redirects", count(n, "path") + " in bulk"})
	}
	rows = append(rows, []string{"profile", e.Profile})
	rows = append(rows, certificateRows(p, string(x.Req.Host))...)
	rows = append(rows, []string{"handshake", handshake(e.Policy.TLS)})
	if *e.Policy.Redirect == spec.PlainToHTTPS && !x.Facts.Client.HTTPS {
		rows = append(rows, []string{"plain HTTP", "308 to HTTPS, if the edge listens there"})
	}
	to := movedTo(e, x)
	if to != "" {
		rows = append(rows, []string{"moved", to})
	}
	return rows, to != ""
}

// movedTo says where the canonical host or a bulk redirect sends the request; empty: nowhere. It asks the stage itself.
func movedTo(e *spec.Entrypoint, x *exchange.Exchange) string {
	s, _ := rewrite.NewMoved(e) // the plan was compiled: it has no problems
	if s == nil || s.Request(x) == exchange.Next {
		return ""
	}
	if x.Fault != nil {
		return fmt.Sprintf("an error: %v", x.Fault)
	}
	to := x.Resp.Fields.Get(exchange.NameLocation)
	return fmt.Sprintf("%d to %s, before any route", x.Resp.Status, to)
}

// certificateRows say which certificates a client gets that names the host: those behind the first are for clients that cannot use its
// kind of key.
func certificateRows(p *plan.Plan, host string) [][]string {
	all, _, ok := p.Certs.Host(host)
	ordered := p.Certs.Ordered(host)
	switch {
	case !ok:
		return [][]string{{"certificate", "none covers this host: unrecognized_name"}}
	case len(all) == 0 && ordered != "":
		return [][]string{{"certificate", "for " + ordered + " by ACME, as soon as it is issued; until then of the local CA (--data and --acme-ca say what there is)"}}
	case len(all) == 0:
		return [][]string{{"certificate", "of the local CA: no browser trusts it"}}
	}
	rows := make([][]string, len(all))
	for i, shown := range all {
		title, until := "certificate", "until"
		if i > 0 {
			title = ""
		}
		if !time.Now().Before(shown.NotAfter) {
			until = "ENDED on"
		}
		ends := until + " " + shown.NotAfter.UTC().Format(time.RFC3339)
		if ordered != "" {
			rows[i] = []string{title, fmt.Sprintf("for %s by ACME (%s), %s", ordered, shown.Issuer, ends)}
			continue
		}
		text := shown.Certificate + ", " + ends
		if len(all) > 1 {
			text += ", " + shown.Key
		}
		of := slices.IndexFunc(p.Spec.Certificates, func(c *spec.Certificate) bool { return c.Meta.Name == shown.Certificate })
		rows[i] = []string{title, text, p.Spec.Certificates[of].At.String()}
	}
	return rows
}

// handshake says what a handshake must have.
func handshake(t *spec.TLS) string {
	text := "TLS " + t.MinVersion + " or later"
	for i, c := range t.Curves {
		if i == 0 {
			text += ", keys exchanged by "
		} else {
			text += " or "
		}
		text += string(c)
	}
	switch t.ClientCertificates {
	case spec.ClientAuthOptional:
		text += ", a client certificate is checked if there is one"
	case spec.ClientAuthRequired:
		text += ", with a client certificate"
	}
	if t.ClientCA != "" {
		text += " by a CA in " + string(t.ClientCA)
	}
	if t.ClientCRL != "" {
		text += ", on no list of " + string(t.ClientCRL)
	}
	switch t.Forward {
	case spec.ForwardClientLeaf:
		text += "; the service gets it as Client-Cert"
	case spec.ForwardClientChain:
		text += "; the service gets it as Client-Cert, with Client-Cert-Chain"
	}
	return text
}

func routeRows(p *plan.Plan, t *route.Target, x *exchange.Exchange) [][]string {
	r := t.Route
	rows := [][]string{
		{"route", r.Name, r.At.String()},
		{"match", plan.DescribeMatch(r.Match)},
	}
	for _, param := range x.Facts.Entry.Params {
		rows = append(rows, []string{"", "{" + param.Name + "} is " + string(param.Value)})
	}
	if !bytes.Equal(x.Req.Path, x.Req.RawPath) {
		rows = append(rows, []string{"normal form", string(x.Req.Path)})
	}
	rows = append(rows,
		[]string{"stages", strings.Join(p.Routes[t.Index].Path.Names(), " → ")},
		[]string{"goes to", plan.DescribeDestination(r.To)})
	if r.Rewrite != nil {
		rows = append(rows, []string{"rewrite", rewriting(r, x)})
	}
	if m := r.Mirror; m != nil {
		rows = append(rows, []string{"mirror", mirroring(m)})
	}
	return rows
}

// mirroring says which requests a second service gets a copy of.
func mirroring(m *spec.Mirror) string {
	to := "service " + m.Service.Meta.Name
	if m.Share == 0 {
		return "nothing is copied to " + to + ": its share is 0"
	}
	text := fmt.Sprintf("%.4g %% of the requests are copied to %s", 100*m.Share, to)
	if m.BodyMax == 0 {
		return text + ", none with a body"
	}
	return text + ", none with a body of more than " + byteCount(int64(m.BodyMax))
}

// byteCount writes a size as documents do.
func byteCount(n int64) string {
	switch {
	case n%(1<<20) == 0:
		return fmt.Sprintf("%dMB", n>>20)
	case n%(1<<10) == 0:
		return fmt.Sprintf("%dKB", n>>10)
	}
	return count(int(n), "byte")
}

// rewriting says what the service gets in place of what was asked for. It asks the stage itself.
func rewriting(r *spec.Route, x *exchange.Exchange) string {
	var parts []string
	for _, part := range [][2]string{{"host", r.Rewrite.Host}, {"path", r.Rewrite.Path}, {"prefix", r.Rewrite.Prefix}} {
		if part[1] != "" {
			parts = append(parts, part[0]+" "+part[1])
		}
	}
	text := strings.Join(parts, ", ")
	if s, _ := rewrite.NewOut(r); s != nil { // the plan was compiled: it has no problems
		s.Request(x)
	}
	if x.Req.ToPath != nil {
		text += ": it gets " + string(x.Req.ToPath)
	}
	return text
}

func explainService(w io.Writer, s *spec.Service) {
	fmt.Fprintln(w)
	rows := [][]string{{"service", s.Meta.Name, s.At.String()}}
	if d := s.Directory; d != nil {
		rows = append(rows, []string{"directory", d.Path + ", below the one that --files names"})
	} else {
		health := "no checks"
		if h := s.Health; h != nil {
			health = fmt.Sprintf("%s every %v", h.Path, h.Interval)
		}
		rows = append(append(rows, endpointRows(s.Endpoints)...), []string{"health", health})
	}
	table(w, rows)
	fmt.Fprintln(w)
	sources(w, "value of the service", s.Sources)
}

// endpointRows are one row for all endpoints if there is nothing to say of any but its address, otherwise one for each.
func endpointRows(list []spec.Endpoint) (rows [][]string) {
	var urls []string
	for i := range list {
		e := &list[i]
		urls = append(urls, e.URL())
		text := fmt.Sprintf("%s ×%d", e.URL(), e.Weight)
		if e.Region != "" {
			text += " in " + e.Region
		}
		if e.Zone != "" {
			text += "/" + e.Zone
		}
		rows = append(rows, []string{"endpoint", text})
	}
	if !slices.ContainsFunc(list, func(e spec.Endpoint) bool { return e.Weight != 1 || e.Region != "" }) {
		return [][]string{{"endpoints", strings.Join(urls, ", ")}}
	}
	return rows
}

// sources is the table of values in force.
func sources(w io.Writer, title string, list []spec.Source) {
	rows := [][]string{{title, "in force", "from"}}
	for _, s := range list {
		value := s.Value
		if value == "" {
			value = `""`
		}
		rows = append(rows, []string{strings.TrimPrefix(s.Path, "spec."), value, s.From})
	}
	table(w, rows)
}

// noRoute says what the entrypoint would take instead.
func noRoute(w io.Writer, e *spec.Entrypoint, x *exchange.Exchange, rows [][]string, moved bool) error {
	for _, r := range e.Routes {
		rows = append(rows, []string{"route " + r.Name, plan.DescribeMatch(r.Match), r.At.String()})
	}
	table(w, rows)
	if moved {
		return nil
	}
	fmt.Fprintln(w)
	return fmt.Errorf("no route of entrypoint %s takes %s %s: the edge answers 404", e.Meta.Name, x.Req.MethodName, x.Req.Path)
}
