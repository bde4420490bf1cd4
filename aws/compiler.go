package aws

import (
	"strings"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/compile"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/lint"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// Compiler compiles one revision of a spec after the other. It keeps what is the same in the next one: what entrypoints came to that a
// spec.Reader left as they were, the templates of stacks that say the same, and what was found in them. What it returns is, byte for
// byte, what Compile and LintSpec return for the same spec. The zero Compiler has compiled nothing yet. It is not for several goroutines at
// once, and holds about as much memory as the templates of the last revision twice.
type Compiler struct {
	sites     compile.Memory
	templates cfn.Memory
	stacks    []*stack // of the last revision, in the order in which they can be deployed
	set       *lint.Set
}

// stack is one stack of the last revision.
type stack struct {
	file     cfn.File
	template *cfn.Template
	found    []finding.Finding // by the linter; their places are those in the template, which has none
	judged   bool
	written  map[string][]byte // by the ending of the file
}

// Compile compiles a spec for a target, as the function does over nothing that is deployed.
func (c *Compiler) Compile(s *spec.Spec, t Target) (*Output, error) { return c.compile(s, t, nil) }

// Lint is LintSpec.
func (c *Compiler) Lint(s *spec.Spec) ([]finding.Finding, error) {
	_, findings, err := c.build(s)
	return findings, err
}

// build compiles a spec and judges it.
func (c *Compiler) build(s *spec.Spec) (*model.Deployment, []finding.Finding, error) {
	d, findings := c.sites.Run(s)
	files, err := c.templates.Emit(d)
	if err != nil {
		*c = Compiler{}
		return nil, nil, err
	}
	c.follow(files)
	if found := c.judge(d); len(found) > 0 {
		findings = finding.Sort(append(findings, found...))
	}
	return d, findings, nil
}

// follow makes the stacks of the last revision those of this one.
func (c *Compiler) follow(files []cfn.File) {
	before := map[string]*stack{}
	for _, s := range c.stacks {
		before[s.file.Stack.Name] = s
	}
	c.stacks = make([]*stack, len(files))
	cfn.InParallel(len(files), func(i int) {
		now := &stack{file: files[i], written: map[string][]byte{}}
		c.stacks[i] = now
		if was := before[files[i].Stack.Name]; was != nil {
			template, imports := now.file.Same(was.file)
			if template {
				now.template, now.written = was.template, was.written
			}
			if imports {
				now.found, now.judged = was.found, was.judged
			}
		}
		if now.template == nil {
			now.template = now.file.Template()
		}
	})
}

// judge lints the templates together.
func (c *Compiler) judge(d *model.Deployment) (out []finding.Finding) {
	templates := make([]*cfn.Template, len(c.stacks))
	for i, s := range c.stacks {
		templates[i] = s.template
	}
	set := lint.NewSet(templates)
	if c.set != nil {
		set.Recall(c.set)
	}
	c.set = set
	cfn.InParallel(len(c.stacks), func(i int) {
		if s := c.stacks[i]; !s.judged {
			s.found, s.judged = worthSaying(set.Check(s.template, nil)), true
		}
	})
	found := worthSaying(set.Across(nil, lint.AccountQuota))
	for _, s := range c.stacks {
		found = append(found, s.found...)
	}
	if len(found) == 0 {
		return nil
	}
	resources := map[string]*model.Resource{}
	for _, s := range d.Stacks {
		for _, r := range s.Resources {
			resources[r.ID] = r
		}
	}
	for _, f := range found {
		if r := resources[f.Subject]; r != nil {
			path := strings.TrimPrefix(f.Path, "Resources."+f.Subject)
			f.At = r.Pos(strings.TrimPrefix(path, ".Properties."))
		}
		out = append(out, f)
	}
	return out
}

// worthSaying leaves out what is no mistake: of that the compiler says more. Of quotas it does too, since it knows what was granted.
func worthSaying(list []finding.Finding) (out []finding.Finding) {
	for _, f := range list {
		if f.Severity > finding.Note {
			out = append(out, f)
		}
	}
	return out
}

// files are the templates, each written once.
func (c *Compiler) files(ending string, write func(cfn.File) []byte) []File {
	out := make([]File, len(c.stacks))
	cfn.InParallel(len(c.stacks), func(i int) {
		s := c.stacks[i]
		if s.written[ending] == nil {
			s.written[ending] = write(s.file)
		}
		out[i] = File{s.file.Stack.Name + ending, s.written[ending]}
	})
	return out
}
