package cfn

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"skerry.dev/skerry/aws/model"
)

// Memory writes one deployment after the other, and keeps the templates of stacks that say the same. What it returns is what Emit would.
// The zero Memory remembers nothing yet. It is not for several goroutines at once.
//
// Properties count as the same where they are the same in memory: whoever makes deployments never changes those of one that was written.
type Memory struct {
	files map[string]File              // by the names of stacks
	props map[model.Properties]outline // of the last deployment
}

// outlinesAtOnce is how many resources one processor takes at a time: enough that their text shares its memory.
const outlinesAtOnce = 64

// sum is a fingerprint.
type sum [sha256.Size]byte

// outline is what must be known of properties, or of an output, before any stack is written.
type outline struct {
	said sum
	refs []model.Ref // each once, in the order in which they stand
}

// outlineOf goes through properties, or through one value. text is room for what is written on the way, which it returns.
func outlineOf(v any, text []byte) (outline, []byte) {
	var o outline
	var visit func(step model.Step, name string, leaf any)
	visit = func(_ model.Step, _ string, leaf any) {
		switch leaf := leaf.(type) {
		case model.Ref:
			if !slices.Contains(o.refs, leaf) {
				o.refs = append(o.refs, leaf)
			}
		case model.Join:
			for _, part := range leaf {
				visit(model.Leaf, "", part)
			}
		case model.Intrinsic:
			model.Walk(leaf.Arg, visit)
		}
	}
	text = model.AppendTextWith(text[:0], v, visit)
	o.said = sha256.Sum256(text)
	return o, text
}

// Same is whether two files have the same template, and whether all that it imports is the same too.
func (f File) Same(g File) (template, imports bool) {
	template = f.root == g.root && f.root != nil
	return template, template && f.deep == g.deep
}

// Emit writes a deployment down as the function does.
func (m *Memory) Emit(d *model.Deployment) ([]File, error) {
	s := &survey{
		home: map[*model.Resource]*model.Stack{}, ids: map[string]bool{}, exports: map[*model.Stack]map[export]bool{}, depths: map[*model.Resource]sum{},
		outputs: map[*model.Stack][]outline{},
	}
	for _, stack := range d.Stacks {
		for _, r := range stack.Resources {
			s.home[r] = stack
			s.id(r)
		}
	}
	s.outlines(d, m.props)
	files := make([]File, len(d.Stacks))
	for i, stack := range d.Stacks {
		files[i] = s.file(stack)
	}
	for i := range files { // all references have been seen
		files[i].said = s.sumOf(&files[i])
	}
	errs := make([]error, len(files))
	InParallel(len(files), func(i int) {
		f := &files[i]
		if old, ok := m.files[f.Stack.Name]; ok && old.said == f.said {
			f.root = old.root
			return
		}
		e := &emitter{home: s.home, stackIn: f.Stack}
		f.root = e.stack(f.Stack, s.exported(f.Stack))
		errs[i] = e.err
	})
	if err := cmp.Or(append([]error{s.err}, errs...)...); err != nil {
		*m = Memory{}
		return files, err
	}
	m.files, m.props = map[string]File{}, s.props
	for _, f := range files {
		m.files[f.Stack.Name] = f
	}
	return files, nil
}

// InParallel does something for each number below n, on all processors, and returns when all is done.
func InParallel(n int, do func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}

// survey is what is known of a deployment as a whole.
type survey struct {
	home    map[*model.Resource]*model.Stack
	ids     map[string]bool
	props   map[model.Properties]outline
	outputs map[*model.Stack][]outline
	exports map[*model.Stack]map[export]bool
	depths  map[*model.Resource]sum
	text    []byte // room for what is fingerprinted
	err     error  // the first one
}

func (s *survey) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("this deployment cannot be written for CloudFormation: "+format, args...)
	}
}

func (s *survey) id(r *model.Resource) {
	if !alphanumeric(r.ID) {
		s.fail("the logical id %q has other than letters and digits", r.ID)
	}
	if s.ids[r.ID] {
		s.fail("two resources have the logical id %s", r.ID)
	}
	s.ids[r.ID] = true
}

// outlines makes those of all properties; known are those of an earlier deployment.
func (s *survey) outlines(d *model.Deployment, known map[model.Properties]outline) {
	var all []*model.Resource
	for _, stack := range d.Stacks {
		all = append(all, stack.Resources...)
	}
	list := make([]outline, len(all))
	InParallel((len(all)+outlinesAtOnce-1)/outlinesAtOnce, func(chunk int) {
		var text []byte
		for i := chunk * outlinesAtOnce; i < min((chunk+1)*outlinesAtOnce, len(all)); i++ {
			o, ok := known[all[i].Props]
			if !ok {
				o, text = outlineOf(all[i].Props, text)
			}
			list[i] = o
		}
	})
	s.props = make(map[model.Properties]outline, len(all))
	for i, r := range all {
		s.props[r.Props] = list[i]
	}
}

// file begins the file of a stack: what it imports from others.
func (s *survey) file(stack *model.Stack) File {
	seen := map[model.Ref]bool{}
	text := s.text[:0]
	note := func(refs []model.Ref) {
		for _, ref := range refs {
			to := s.home[ref.Resource]
			if to == nil || to == stack || seen[ref] { // of what is nowhere the emitter says more
				continue
			}
			seen[ref] = true
			if s.exports[to] == nil {
				s.exports[to] = map[export]bool{}
			}
			s.exports[to][exported(ref)] = true
			deep := s.depth(ref.Resource)
			text = append(append(append(append(text, to.Name...), ' '), ref.Resource.ID...), ' ')
			text = append(append(text, deep[:]...), '\n')
		}
	}
	for _, r := range stack.Resources {
		note(s.props[r.Props].refs)
	}
	outputs := make([]outline, len(stack.Outputs))
	for i := range outputs {
		outputs[i], _ = outlineOf(stack.Outputs[i].Value, nil)
		note(outputs[i].refs)
	}
	s.outputs[stack], s.text = outputs, text
	return File{Stack: stack, deep: sha256.Sum256(text)}
}

// depth is a fingerprint of a resource and of all that it refers to.
func (s *survey) depth(r *model.Resource) sum {
	if known, ok := s.depths[r]; ok {
		return known
	}
	o := s.props[r.Props]
	s.depths[r] = o.said // of a circle, which the linter finds
	h := sha256.New()
	h.Write(o.said[:])
	for _, ref := range o.refs {
		deep := s.depth(ref.Resource)
		fmt.Fprintf(h, "%s %x\n", ref.Resource.ID, deep)
	}
	var out sum
	h.Sum(out[:0])
	s.depths[r] = out
	return out
}

// exported is what other stacks refer to, in order.
func (s *survey) exported(stack *model.Stack) []export {
	var list []export
	for x := range s.exports[stack] {
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b export) int {
		return cmp.Or(cmp.Compare(a.resource.ID, b.resource.ID), cmp.Compare(a.attr, b.attr))
	})
	return list
}

// sumOf is the fingerprint of all that the template of a stack says.
func (s *survey) sumOf(f *File) sum {
	stack := f.Stack
	text := fmt.Appendf(s.text[:0], "%q %q %q\n", stack.Name, stack.Region, stack.Note)
	for _, a := range stack.After {
		text = fmt.Appendf(text, "after %q\n", a.Name)
	}
	refs := func(list []model.Ref) {
		for _, ref := range list {
			switch to := s.home[ref.Resource]; to {
			case nil:
				text = append(text, "nowhere\n"...)
			case stack:
				text = append(text, "here\n"...)
			default:
				text = append(strconv.AppendQuote(append(text, "from "...), to.Name), '\n')
			}
		}
	}
	for _, r := range stack.Resources {
		o := s.props[r.Props]
		for _, part := range []string{r.ID, r.Type(), r.Owner} {
			text = append(strconv.AppendQuote(text, part), ' ')
		}
		text = append(strconv.AppendBool(text, r.Retain), ' ')
		text = append(append(text, o.said[:]...), '\n')
		for _, d := range r.DependsOn {
			text = fmt.Appendf(text, "on %q %v %v\n", d.ID, s.home[d] == stack, s.home[d] == nil)
		}
		refs(o.refs)
	}
	for i := range stack.Outputs {
		out, o := &stack.Outputs[i], s.outputs[stack][i]
		text = fmt.Appendf(text, "%q %q %x\n", out.ID, out.Note, o.said)
		refs(o.refs)
	}
	for _, x := range s.exported(stack) {
		text = fmt.Appendf(text, "export %q %q\n", x.resource.ID, x.attr)
	}
	s.text = text
	return sha256.Sum256(text)
}
