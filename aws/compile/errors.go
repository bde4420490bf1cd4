package compile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

const docsErrors = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/GeneratingCustomErrorResponses.html"

// errorRules are what error answers come to.
var errorRules = struct{ bucket, upload, left, fallback, fallen, negative finding.Rule }{
	bucket: finding.Rule{
		ID: "error-pages-bucket", Severity: finding.Warning, Source: docsErrors,
		Meaning: "A page of CloudFront for an error is an object of one of the distribution's origins, and no origin here is a bucket: clients get the pages of CloudFront.",
		Remedy:  "add a route to a Service with a directory and `aws.bucket`",
		Witness: "a request while the service is down: the page of CloudFront, with 502",
	},
	upload: finding.Rule{
		ID: "error-pages-upload", Severity: finding.Warning, Source: docsErrors,
		Meaning: "The pages have to be objects of the bucket, which a template cannot put there. They take the place of what the services themselves answer with these statuses, too, and know no id of a request.",
		Remedy:  "upload the files that stand beside the templates, each below its name in the bucket",
		Witness: "an answer of the service with 503, whose body is the page",
	},
	left: finding.Rule{
		ID: "error-pages-left", Severity: finding.Note, Source: docsErrors,
		Meaning: "CloudFront has pages for some statuses only; and where services answer for themselves, a page for a status below 500 would take the place of their answers. Those pages stand in answers of the firewall alone.",
	},
	fallback: finding.Rule{
		ID: "directory-fallback", Severity: finding.Error, Source: docsErrors,
		Meaning: "A fallback is a custom error response, which holds for a whole distribution: it would take the place of 403 and 404 of the other services.",
		Remedy:  "give the directory an entrypoint, and so a distribution, of its own",
		Witness: "GET of a path of the application that is no file: 403",
	},
	fallen: finding.Rule{
		ID: "directory-fallback-status", Severity: finding.Note, Source: docsErrors,
		Meaning: "What the firewall refuses with 403 gets the fallback with 200 too: it is refused all the same, but the status does not say so.",
		Remedy:  "count refused requests in the metrics of AWS WAF",
		Witness: "a request that a rule of the web ACL blocks",
	},
	negative: finding.Rule{
		ID: "cache-negative", Severity: finding.Warning, Source: docsErrors,
		Meaning: "The shortest time for which errors are stored holds for a whole distribution, whatever the answers say. It is 0 unless all routes want the same one.",
		Remedy:  "let the service say with Cache-Control how long an error is fresh, or give all routes the same ttl.negative",
		Witness: "two times GET /missing: the service gets both",
	},
}

// pagedStatuses are those for which CloudFront can have a page; 416 is never stored.
var pagedStatuses = []int{400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}

// negativeStatuses are those that ttl.negative is about, as far as CloudFront knows them.
var negativeStatuses = []int{404, 405, 414, 501}

// errorPath is where the pages are in the bucket.
const errorPath = "/_skerry/errors/"

// errors says what happens to answers with an error: how long they are stored, which is 10 s if nobody says otherwise; which have a page;
// and which are the fallback of a directory.
func (b *builder) errors(s *site) {
	responses := map[int]*model.DistributionCustomErrorResponse{}
	negative := b.negative(s)
	for _, status := range pagedStatuses {
		r := &model.DistributionCustomErrorResponse{ErrorCode: model.Int(status), ErrorCachingMinTTL: model.Int(0)}
		if slices.Contains(negativeStatuses, status) {
			r.ErrorCachingMinTTL = model.Int(negative)
		}
		responses[status] = r
	}
	b.errorPages(s, responses)
	b.fallback(s, responses)
	for _, status := range pagedStatuses {
		if status != 416 || responses[status].ResponsePagePath != nil {
			s.errors = append(s.errors, responses[status])
		}
	}
}

// negative is how long errors are stored for which an answer says nothing, in seconds.
func (b *builder) negative(s *site) int {
	var least, most time.Duration
	for i, r := range s.entry.Routes {
		d := time.Duration(0)
		if r.Policy.Cache.On() {
			d = r.Policy.Cache.TTL.Negative
		}
		if i == 0 {
			least, most = d, d
		}
		least, most = min(least, d), max(most, d)
	}
	if least == most {
		return int(least / time.Second)
	}
	b.find(&errorRules.negative, s, s.entry.At, "spec.cache.ttl.negative", "routes want errors stored for %s to %s: none is, unless its answer says so", least, most)
	return 0
}

// errorPages gives statuses their pages, which are objects in a bucket of the site.
func (b *builder) errorPages(s *site, responses map[int]*model.DistributionCustomErrorResponse) {
	pages := *s.entry.Policy.ErrorPages
	if len(pages) == 0 {
		return
	}
	i := slices.IndexFunc(s.origins, func(o *origin) bool { return o.service != nil && o.service.Directory != nil })
	if i < 0 {
		b.find(&errorRules.bucket, s, s.entry.At, "spec.errorPages", "%d pages are not used", len(pages))
		return
	}
	bucket, path := s.origins[i], errorPath+pagesDigest(pages)+"/"
	var made, left []string
	for _, p := range pages {
		if !slices.Contains(pagedStatuses, p.Status) || p.Status < 500 && !filesOnly(s) {
			left = append(left, fmt.Sprint(p.Status))
			continue
		}
		file := fmt.Sprintf("%s%d.html", path, p.Status)
		r := responses[p.Status]
		r.ResponseCode, r.ResponsePagePath = model.Int(p.Status), model.Text(file)
		made = append(made, file[1:])
		b.file(bucket.service.AWS.Bucket+file, []byte(strings.ReplaceAll(p.HTML, "{request_id}", "")))
	}
	if len(left) > 0 {
		b.find(&errorRules.left, s, s.entry.At, "spec.errorPages", "no page of CloudFront for %s", strings.Join(left, ", "))
	}
	if len(made) == 0 {
		return
	}
	b.find(&errorRules.upload, s, s.entry.At, "spec.errorPages", "the bucket %s has to have %s", bucket.service.AWS.Bucket, strings.Join(made, ", "))
	b.servePages(s, bucket)
}

// file puts a file beside the templates.
func (b *builder) file(name string, content []byte) {
	if b.files == nil {
		b.files = map[string][]byte{}
	}
	b.files[name] = content
	if b.now != nil {
		if b.now.files == nil {
			b.now.files = map[string][]byte{}
		}
		b.now.files[name] = content
	}
}

// pagesDigest tells sets of pages apart: entrypoints with the same ones use the same objects.
func pagesDigest(pages []spec.ErrorPage) string {
	var all strings.Builder
	for _, p := range pages {
		fmt.Fprintf(&all, "%d %d\n%s", p.Status, len(p.HTML), p.HTML)
	}
	return strings.ToLower(digest(all.String())[:digestLetters])
}

// servePages adds a behaviour for the pages: CloudFront asks for them as a client would, by their paths, and no function is in between.
func (b *builder) servePages(s *site, bucket *origin) {
	v := &behavior{
		pattern: errorPath + "*", routes: []*spec.Route{{At: s.entry.At, Policy: s.entry.Policy}}, at: s.entry.At, origin: bucket,
		props: &model.DistributionCacheBehavior{
			PathPattern: model.Text(errorPath + "*"), TargetOriginId: model.Text(bucket.id), ViewerProtocolPolicy: model.Text("redirect-to-https"),
			AllowedMethods: model.Texts(methodSets[0]), CachedMethods: model.Texts(methodSets[0]),
			CachePolicyId: model.Text(cachingOptimized), Compress: model.Bool(true),
		},
	}
	s.behaviors = slices.Insert(s.behaviors, 0, v)
}

// fallback answers with the fallback of a directory where there is no object, if nothing else answers in the distribution.
func (b *builder) fallback(s *site, responses map[int]*model.DistributionCustomErrorResponse) {
	for _, o := range s.origins {
		if o.service == nil || o.service.Directory == nil || o.service.Directory.Fallback == "" {
			continue
		}
		path := "Service " + o.service.Meta.Name + " spec.directory.fallback"
		if len(usesOf(s.entry)) > 1 {
			b.find(&errorRules.fallback, s, o.service.At, path, "the fallback %s is not used", o.service.Directory.Fallback)
			return
		}
		for _, status := range []int{403, 404} { // without the right to list, a bucket says 403
			r := responses[status]
			r.ResponseCode, r.ResponsePagePath, r.ErrorCachingMinTTL = model.Int(200), model.Text("/"+o.service.Directory.Fallback), model.Int(0)
		}
		b.find(&errorRules.fallen, s, o.service.At, path, "403 and 404 become 200 with %s", o.service.Directory.Fallback)
		return
	}
}

// filesOnly reports whether all services of a site are directories.
func filesOnly(s *site) bool {
	return !slices.ContainsFunc(usesOf(s.entry), func(u *usage) bool { return u.service.Directory == nil })
}
