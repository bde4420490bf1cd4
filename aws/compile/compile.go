package compile

import (
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// Run compiles a spec. The deployment is whole even where findings are errors: whoever writes it down refuses then. Findings are
// sorted, and what the spec allows is a note.
func Run(s *spec.Spec) (*model.Deployment, []finding.Finding) { return new(Memory).Run(s) }

// Run compiles a spec as the function does.
func (m *Memory) Run(s *spec.Spec) (*model.Deployment, []finding.Finding) {
	b := newBuilder(s, m)
	for _, e := range s.Entrypoints {
		b.sites = append(b.sites, b.remembered(e))
	}
	b.fewerFunctions()
	b.pack()
	b.beside() // certificates, records and logs
	b.grants() // what buckets and Lambda functions let distributions do
	b.canary()
	d := b.stacks()
	d.Files = b.files
	b.quota(d)
	b.differences()
	m.end(b, d)
	return d, b.result()
}

// site makes what one entrypoint needs, whatever distribution it will be part of.
func (b *builder) site(e *spec.Entrypoint) *site {
	s := &site{entry: e}
	b.hosts(s)     // which of its hosts CloudFront can serve
	b.origins(s)   // services become origins, and what closes them to everybody else
	b.behaviors(s) // routes become cache behaviours, and what is left to a function
	b.policies(s)  // what counts for the cache, what the origin gets, what the answer gets
	b.functions(s) // code for what behaviours cannot say
	b.errors(s)    // pages of errors
	b.firewall(s)  // the web ACL: managed groups, rates, lists, maintenance
	return s
}
