package compile

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// waitRules are what rounding waits comes to.
var waitRules = struct{ rounded, idle, proto finding.Rule }{
	rounded: finding.Rule{
		ID: "timeouts", Severity: finding.Note, Source: docsOriginSettings,
		Meaning: "Waits on an origin are whole seconds inside the bounds of CloudFront: 1 to 10 s for a connection, 1 to 120 s for the first byte, 1 to 120 s for an idle connection.",
		Remedy:  "write values inside the bounds, or ask AWS for more",
	},
	idle: finding.Rule{
		ID: "timeout-body", Severity: finding.Warning, Source: docsOriginSettings,
		Meaning: "One wait holds for the first byte of an answer and between two packets of its body.",
		Remedy:  "let the service send something more often, or raise timeouts.firstByte to timeouts.idle",
		Witness: "an event stream that is silent for longer than timeouts.firstByte",
	},
	proto: finding.Rule{
		ID: "forwarded-proto", Severity: finding.Warning,
		Source:  "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html",
		Meaning: "Nobody but CloudFront may set X-Forwarded-Proto by request, so that a service of plain HTTP and HTTPS does not learn which it was.",
		Remedy:  "redirect plain HTTP (`redirect: https`), and the service always gets https",
		Witness: "GET http://www.example.com/ where redirect is off",
	},
}

// customOrigin makes the origin of an endpoint. one: it is one of two, between which an origin group fails over.
func (b *builder) customOrigin(s *site, u *usage, e spec.Endpoint, id string, one bool) *model.DistributionOrigin {
	svc, w := u.service, b.waits(s, u)
	o := &model.DistributionOrigin{
		Id: model.Text(id), DomainName: model.Text(e.Host),
		ConnectionAttempts: model.Int(attempts(u, one)), ConnectionTimeout: model.Int(w.connect),
		ResponseCompletionTimeout: w.whole,
	}
	if !(svc.AWS != nil && svc.AWS.LoadBalancer != "") { // the VPC origin has what follows
		o.CustomOriginConfig = &model.DistributionCustomOriginConfig{
			HTTPPort: model.Int(80), HTTPSPort: model.Int(443), OriginProtocolPolicy: model.Text("http-only"),
			OriginReadTimeout: model.Int(w.read), OriginKeepaliveTimeout: model.Int(w.idle),
			OriginSSLProtocols: model.Texts([]string{"TLSv1.2"}), IpAddressType: model.Text(addressType(svc.DNS.Family)),
		}
		if e.TLS {
			o.CustomOriginConfig.OriginProtocolPolicy, o.CustomOriginConfig.HTTPSPort = model.Text("https-only"), model.Int(e.Port)
		} else {
			o.CustomOriginConfig.HTTPPort = model.Int(e.Port)
		}
	}
	if b.tellsProto(s, u) {
		o.OriginCustomHeaders = []*model.DistributionOriginCustomHeader{
			{HeaderName: model.Text("X-Forwarded-Proto"), HeaderValue: model.Text("https")},
			{HeaderName: model.Text("X-Forwarded-Port"), HeaderValue: model.Text("443")},
		}
	}
	return o
}

// tellsProto reports whether the service gets X-Forwarded-Proto and X-Forwarded-Port as fields that never change. No function may set it, and no policy
// passes it on; but where plain HTTP is redirected it is https for every request.
func (b *builder) tellsProto(s *site, u *usage) bool {
	for _, r := range u.routes {
		if f := *r.Policy.Forwarded; f != spec.ForwardedSet && f != spec.ForwardedBoth {
			continue
		}
		if *s.entry.Policy.Redirect == spec.PlainToHTTPS {
			return true
		}
		b.find(&waitRules.proto, s, r.At, "spec.forwarded", "the service %s gets no X-Forwarded-Proto", u.service.Meta.Name)
		return false
	}
	return false
}

// addressType is which addresses of an origin CloudFront uses. auto takes IPv4 if there is any: that there is none only the DNS knows.
func addressType(f spec.Family) string {
	switch f {
	case spec.FamilyIPv6:
		return "ipv6"
	case spec.FamilyBoth:
		return "dualstack"
	}
	return "ipv4"
}

// attempts is how often CloudFront asks one origin, for GET and HEAD. The edge asks each address once, so that a name with several gets
// as many tries as the routes allow; of a group each origin gets one.
func attempts(u *usage, one bool) int {
	n := 1
	if one {
		return n
	}
	for _, r := range u.routes {
		n = max(n, r.Policy.Retry.Tries)
	}
	return min(n, connectionAttemptsMax)
}

// waits are the waits on an origin in whole seconds.
type waits struct {
	connect, read, idle int
	whole               model.Value // nil: without limit
}

// waits rounds the waits of a service up to whole seconds, into the bounds of CloudFront.
func (b *builder) waits(s *site, u *usage) waits {
	svc, t := u.service, u.service.Timeouts
	r := &rounder{}
	w := waits{
		connect: r.seconds("timeouts.connect", t.Connect, connectionTimeoutMax),
		read:    r.seconds("timeouts.firstByte", t.FirstByte, originReadTimeoutMax),
		idle:    1,
	}
	if svc.KeepAlive.Max > 0 {
		w.idle = r.seconds("keepAlive.idle", svc.KeepAlive.Idle, originKeepaliveMax)
	}
	if t.Whole > 0 {
		whole := r.seconds("timeouts.whole", t.Whole, 0)
		if whole < w.read { // CloudFront wants it at least as long
			r.note("timeouts.firstByte", t.FirstByte, whole)
			w.read = whole
		}
		w.whole = model.Int(whole)
	}
	if len(r.told) > 0 {
		b.find(&waitRules.rounded, s, svc.At, "Service "+svc.Meta.Name+" spec.timeouts", "%s", strings.Join(r.told, ", "))
	}
	if t.Idle > time.Duration(w.read)*time.Second && writtenOf(svc.Sources, "spec.timeouts.idle") {
		b.find(&waitRules.idle, s, placeOf(svc.Sources, "spec.timeouts.idle", svc.At), "Service "+svc.Meta.Name+" spec.timeouts.idle",
			"a body may be silent for %d s, not for %s", w.read, t.Idle)
	}
	return w
}

// rounder rounds waits, and remembers what that changed.
type rounder struct{ told []string }

func (r *rounder) seconds(name string, d time.Duration, most int) int {
	n := int((d + time.Second - 1) / time.Second)
	if most > 0 {
		n = min(n, most)
	}
	if time.Duration(n)*time.Second != d {
		r.note(name, d, n)
	}
	return n
}

func (r *rounder) note(name string, d time.Duration, n int) {
	r.told = append(r.told, fmt.Sprintf("%s %s becomes %d s", name, d, n))
}

// numbers are numbers as a list in a sentence.
func numbers(list []int) string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = strconv.Itoa(n)
	}
	return strings.Join(out, ", ")
}

// placeOf is where the value at a path was said; else: nobody in this spec said it.
func placeOf(sources []spec.Source, path string, otherwise spec.Pos) spec.Pos {
	if from, ok := spec.SourceOf(sources, path); ok {
		if at, said := from.Pos(); said {
			return at
		}
	}
	return otherwise
}

// writtenOf reports whether a document of this spec says the value at a path.
func writtenOf(sources []spec.Source, path string) bool {
	from, ok := spec.SourceOf(sources, path)
	return ok && (from.Author() == spec.AuthorSpec || from.Author() == spec.AuthorProfile)
}
