package compile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// This file is what an entrypoint has moved: bulk redirects and the canonical host, as rewrite.Moved answers them.
//
// A few redirects stand in the code, each in the function of the behaviour that its path comes to. More of them stand in a key
// value store, whose keys are paths and whose values are a status and where it goes ("308/new"). CloudFormation fills a store
// from a bucket only, and there is none: its content is a file beside the templates, in the form that the console and the CLI
// import.

const docsStores = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/kvs-with-functions.html"

// movedRules are about bulk redirects.
var movedRules = struct{ store, size finding.Rule }{
	store: finding.Rule{
		ID: "moved-store", Severity: finding.Warning, Source: docsStores,
		Meaning: "The redirects do not fit into a function: they stand in a key value store, which is deployed empty and filled from a file.",
		Remedy:  "put the file into a bucket and name it as the import source of the store, or put its keys with `aws cloudfront-keyvaluestore update-keys`, 50 at a time",
		Witness: "a request for a moved path before the store is filled takes a route",
	},
	size: finding.Rule{
		ID: "moved-size", Severity: finding.Error, Source: docsStores,
		Meaning: "A key value store holds 5 MB, keys of 512 and values of 1,024 bytes.",
		Remedy:  "shorten the paths, or use routes with a prefix",
		Witness: "a request for the path that does not fit",
	},
}

// movedInline reports whether the redirects of an entrypoint stand in the code.
func movedInline(e *spec.Entrypoint) bool {
	total := 0
	for _, m := range e.Moved {
		total += len(m.From) + len(m.To) + len(`"":"308",`)
	}
	return total <= movedInlineMax
}

// movedHere are the redirects whose path comes to a behaviour.
func (w *requestWriter) movedHere() (list []spec.Moved) {
	for _, m := range w.s.entry.Moved {
		path := literalGlob(m.From)
		first := slices.IndexFunc(w.s.behaviors, func(v *behavior) bool {
			return v.pattern == "" || patternGlob(v.pattern).covers(path)
		})
		if slices.Contains(w.of, w.s.behaviors[first]) {
			list = append(list, m)
		}
	}
	return list
}

// moved answers what has moved.
func (w *requestWriter) moved(group string) {
	e := w.s.entry
	elsewhere := ""
	if e.CanonicalHost != "" {
		elsewhere = w.canonical()
	}
	if len(e.Moved) > 0 {
		inline := movedInline(e)
		list := e.Moved
		if inline {
			list = w.movedHere()
		}
		if len(list) > 0 {
			w.lookUp(list, inline)
			w.bulk(group, elsewhere != "")
		}
	}
	if elsewhere != "" {
		w.c.add("canonical host", "if(c)return L%s(event,308,%s+r.uri+(q===undefined?'':'?'+q));", group, w.origin("c"))
	}
}

// canonical sets c to the host that a request should have gone to, or to nothing. Where it is the other host with or without
// "www.", the code does not name it, and entrypoints share it.
func (w *requestWriter) canonical() string {
	e, to := w.s.entry, w.s.entry.CanonicalHost
	test := "c===" + js(to) + "?'':" + js(to)
	if len(e.Hosts) == 2 {
		other := e.Hosts[0]
		if other == to {
			other = e.Hosts[1]
		}
		switch {
		case to == "www."+other:
			test = "/^www\\./.test(c)?'':'www.'+c"
		case other == "www."+to:
			test = "/^www\\./.test(c)?c.slice(4):''"
		}
	}
	w.c.add("canonical host", "var c=h.host.value.toLowerCase().replace(/:\\d+$/,'');")
	w.c.add("canonical host", "c=%s;", test)
	return test
}

// lookUp sets l to the redirect of the path, if there is one.
func (w *requestWriter) lookUp(list []spec.Moved, inline bool) {
	if !inline {
		w.c.cf, w.c.awaits = true, true
		w.c.add("moved paths", "l=undefined;\ntry{l=await cf.kvs().get(p)}catch(x){}")
		return
	}
	var entries []string
	for _, m := range list {
		entries = append(entries, js(m.From)+":"+js(movedValue(m)))
	}
	w.c.add("moved paths", "l={%s}[p];", strings.Join(entries, ","))
}

func movedValue(m spec.Moved) string {
	status := m.Status
	if status == 0 {
		status = 308
	}
	return strconv.Itoa(status) + m.To
}

// bulk answers with the redirect l, unless it leads to the URL that was asked for. The query of the request is appended where the
// redirect has none; one to a path goes to the canonical host at once.
func (w *requestWriter) bulk(group string, canonical bool) {
	before := ""
	if canonical {
		before = "(c&&t[0]==='/'?" + w.origin("c") + ":'')+"
	}
	w.c.add("moved paths", "if(l){var t=l.slice(3),f=t.indexOf('#'),u=p+(q===undefined?'':'?'+q);\n"+
		"f=f<0?'':t.slice(f);t=t.slice(0,t.length-f.length);\nif(q!==undefined&&t.indexOf('?')<0)t+='?'+q;\n"+
		"if(t!==u&&t!==%s+u)return L%s(event,+l.slice(0,3),%st+f)}", w.origin("h.host.value"), group, before)
}

// movedStore makes the key value store of an entrypoint, and the file that fills it; nil: it needs none.
func (b *builder) movedStore(s *site) *model.Resource {
	e := s.entry
	if len(e.Moved) == 0 || movedInline(e) {
		return nil
	}
	type entry struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	}
	content := struct {
		Data []entry `json:"data"`
	}{}
	total := 0
	for _, m := range e.Moved {
		value := movedValue(m)
		if len(m.From) > storeKeyMax || len(value) > storeValueMax {
			b.find(&movedRules.size, s, e.At, "spec.redirects", "the redirect of %q has %d bytes, and goes to one of %d", m.From, len(m.From), len(value))
			continue
		}
		total += len(m.From) + len(value)
		content.Data = append(content.Data, entry{m.From, value})
	}
	if total > storeMax {
		b.find(&movedRules.size, s, e.At, "spec.redirects", "the redirects have %d bytes, the store holds %d", total, storeMax)
	}
	name := "skerry-moved-" + strings.ToLower(digest(e.Meta.Name)[:digestLetters])
	key := "MovedPaths\x00" + e.Meta.Name
	store := b.pooled(key, func() *model.Resource {
		return own("MovedPaths", e.Meta.Name, e.At, &model.KeyValueStore{Name: model.Text(name), Comment: model.Text("redirects of " + e.Meta.Name)})
	})
	if b.files[name+".json"] != nil { // of the staging distribution: its functions use the same
		return store
	}
	b.use(step{key: key, resource: store, at: e.At})
	text, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		panic("BUG: redirects that cannot be written: " + err.Error())
	}
	b.file(name+".json", append(text, '\n'))
	b.find(&movedRules.store, s, e.At, "spec.redirects", "%s", fmt.Sprintf("%d redirects stand in %s.json, for the key value store %s", len(content.Data), name, name))
	return store
}
