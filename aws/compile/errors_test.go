package compile

import (
	"strings"
	"testing"

	"skerry.dev/skerry/aws/model"
)

// responseOf is what happens to a status at the only site.
func responseOf(t *testing.T, b *builder, status int) *model.DistributionCustomErrorResponse {
	t.Helper()
	for _, r := range b.sites[0].errors {
		if r.ErrorCode == model.Int(status) {
			return r
		}
	}
	t.Fatalf("nothing is said of %d", status)
	return nil
}

// TestErrorsAreNotStored: CloudFront stores every error for 10 s if nobody says otherwise.
func TestErrorsAreNotStored(t *testing.T) {
	b := routed(t, "routes: [{name: all, match: {prefix: /}, service: https://o.example.net}]", "")
	var statuses []model.Value
	for _, r := range b.sites[0].errors {
		if r.ErrorCachingMinTTL != model.Int(0) || r.ResponsePagePath != nil {
			t.Errorf("of %v is said %s", r.ErrorCode, asJSON(t, r))
		}
		statuses = append(statuses, r.ErrorCode)
	}
	is(t, "statuses", statuses, "[400,403,404,405,414,500,501,502,503,504]")
}

func TestNegative(t *testing.T) {
	route := func(name, ttl string) string {
		return "\n  - {name: " + name + ", match: {prefix: /" + name + "}, methods: [GET], service: https://o.example.net, cache: {mode: standard, ttl: {negative: " + ttl + "}}}"
	}
	b := routed(t, "routes:"+route("a", "30s")+route("b", "30s"), "")
	for status, want := range map[int]string{404: "30", 405: "30", 501: "30", 403: "0", 500: "0"} {
		is(t, "time of an error", responseOf(t, b, status).ErrorCachingMinTTL, want)
	}
	findsNot(t, b, "cache-negative")
	b = routed(t, "routes:"+route("a", "30s")+route("b", "60s"), "")
	is(t, "time of 404", responseOf(t, b, 404).ErrorCachingMinTTL, "0")
	finds(t, b, "warning cache-negative: routes want errors stored for 30s to 1m0s")
}

func TestErrorPages(t *testing.T) {
	const pages = "errorPages: {404: {html: '<p>no</p>'}, 429: {html: slow}, 503: {html: 'down {request_id}'}}\n"
	b := routed(t, pages+"routes: [{name: all, match: {prefix: /}, service: https://o.example.net}]", "")
	finds(t, b, "warning error-pages-bucket: 3 pages are not used")

	b = routed(t, pages+"routes: [{name: files, match: {prefix: /files}, service: files}, {name: all, match: {prefix: /}, service: https://o.example.net}]", filesService)
	is(t, "404, which the service answers itself", responseOf(t, b, 404), `{"ErrorCachingMinTTL":0,"ErrorCode":404}`)
	down := responseOf(t, b, 503)
	is(t, "status", down.ResponseCode, "503")
	path := string(down.ResponsePagePath.(model.Text))
	if content := string(b.files["shop-files"+path]); !strings.HasPrefix(path, "/_skerry/errors/") || content != "down " {
		t.Errorf("the page %s has %q", path, content)
	}
	first := b.sites[0].behaviors[0]
	is(t, "behaviour of the pages", first.props.PathPattern, `"/_skerry/errors/*"`)
	is(t, "origin of the pages", first.props.TargetOriginId, `"`+b.sites[0].origins[0].id+`"`)
	finds(t, b, "note error-pages-left: no page of CloudFront for 404, 429", "warning error-pages-upload: the bucket shop-files has to have "+path[1:])

	b = routed(t, pages+"routes: [{name: files, match: {prefix: /}, service: files}]", filesService)
	if responseOf(t, b, 404).ResponsePagePath == nil {
		t.Error("where a bucket alone answers, 404 has no page")
	}
}

func TestFallback(t *testing.T) {
	application := strings.Replace(filesService, "path: .", "path: ., fallback: app.html", 1)
	b := routed(t, "routes: [{name: files, match: {prefix: /}, service: files}]", application)
	for _, status := range []int{403, 404} {
		r := responseOf(t, b, status)
		is(t, "fallback", []model.Value{r.ResponseCode, r.ResponsePagePath}, `[200,"/app.html"]`)
	}
	finds(t, b, "note directory-fallback-status: 403 and 404 become 200 with app.html")
	findsNot(t, b, "directory-status")

	b = routed(t, "routes: [{name: api, match: {prefix: /api}, service: https://o.example.net}, {name: files, match: {prefix: /}, service: files}]", application)
	if r := responseOf(t, b, 404); r.ResponsePagePath != nil {
		t.Error("404 of the other service becomes 200")
	}
	finds(t, b, "error directory-fallback: the fallback app.html is not used")
}

// TestErrorPagesAreOfTheContent: entrypoints with the same pages use the same objects, and so can share a distribution.
func TestErrorPagesAreOfTheContent(t *testing.T) {
	b := routed(t, "errorPages: {503: {html: down}}\nroutes: [{name: files, match: {prefix: /}, service: files}]", filesService)
	c := routed(t, "errorPages: {503: {html: other}}\nroutes: [{name: files, match: {prefix: /}, service: files}]", filesService)
	paths := []string{asJSON(t, responseOf(t, b, 503).ResponsePagePath), asJSON(t, responseOf(t, c, 503).ResponsePagePath)}
	if paths[0] == paths[1] || strings.Contains(paths[0], "shop") {
		t.Errorf("pages are at %v", paths)
	}
}

// TestErrorPagesAreCompiled: the behaviour for pages has no function, which no pass may mind.
func TestErrorPagesAreCompiled(t *testing.T) {
	d, _ := Run(routed(t, "errorPages: {503: {html: down}}\nroutes: [{name: files, match: {prefix: /}, service: files}]", filesService).spec)
	for _, s := range d.Stacks {
		for _, r := range s.Resources {
			if p, ok := r.Props.(*model.Distribution); ok && len(p.DistributionConfig.CacheBehaviors) == 0 {
				t.Error("the pages have no behaviour")
			}
		}
	}
}
