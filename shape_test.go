package main_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The shape of the tree is a test: what may import what, how deep folders go, how long functions and files get, and
// which calls have a better replacement. The tables are in shape_table_test.go; every message names the way out.

const (
	module        = "skerry.dev/skerry"
	depthMax      = 2   // folders
	fileLines     = 800 // beyond it, split by subject
	funcLines     = 70  // beyond it, name the steps
	testFuncLines = 120 // tables are long; a test that is one long story is not a test
	methodsMax    = 5   // of an interface
	docLinesMax   = 14  // of doc.go's comment, up to its first heading
	archLinesMax  = 300 // of ARCHITECTURE.md
)

// source is one parsed Go file.
type source struct {
	path string // with slashes, from the root
	dir  string // "." at the root
	text []byte
	file *ast.File
	fset *token.FileSet
}

func newSource(name string, text []byte) (*source, error) {
	s := &source{path: name, dir: path.Dir(name), text: text, fset: token.NewFileSet()}
	var err error
	s.file, err = parser.ParseFile(s.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	return s, err
}

func (s *source) test() bool      { return strings.HasSuffix(s.path, "_test.go") }
func (s *source) generated() bool { return strings.HasSuffix(s.path, "_gen.go") }
func (s *source) command() bool   { return s.file.Name.Name == "main" }

// fixture reports whether the package exists for tests only, as net/http/httptest does.
func (s *source) fixture() bool { return strings.HasSuffix(s.dir, "test") }

func (s *source) line(p token.Pos) int { return s.fset.Position(p).Line }

// at is a finding at a place.
func (s *source) at(p token.Pos, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", s.path, s.line(p), fmt.Sprintf(format, args...))
}

// imports maps the name a file uses for a package to its path.
func (s *source) imports() map[string]string {
	names := map[string]string{}
	for _, imp := range s.file.Imports {
		p, _ := strconv.Unquote(imp.Path.Value)
		name := path.Base(p)
		if len(name) > 1 && name[0] == 'v' && strings.Trim(name[1:], "0123456789") == "" {
			name = path.Base(path.Dir(p))
		}
		if imp.Name != nil {
			name = imp.Name.Name
		}
		names[name] = p
	}
	return names
}

// in reports whether dir is one of the folders; "wire/*" is every folder below wire, "*" is every one.
func in(dir string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool {
		if parent, ok := strings.CutSuffix(f, "/*"); ok {
			return strings.HasPrefix(dir, parent+"/")
		}
		return f == "*" || f == dir
	})
}

// rules are what holds for each file.
var rules = []func(*source) []string{
	ruleImports, ruleThirdParty, ruleStandard, ruleCalls, ruleLength, ruleInterfaces, ruleInit, rulePanics, ruleDocs,
}

func TestShape(t *testing.T) {
	sources, found := readTree(t)
	docs := map[string]bool{}
	commands := map[string]bool{}
	for _, s := range sources {
		for _, rule := range rules {
			found = append(found, rule(s)...)
		}
		docs[s.dir] = docs[s.dir] || path.Base(s.path) == "doc.go"
		commands[s.dir] = commands[s.dir] || s.command()
	}
	for dir, has := range docs {
		if dir != "." && !has && !commands[dir] {
			found = append(found, dir+": no doc.go. Say in about ten lines what the folder owns, promises and refuses")
		}
	}
	if text, err := os.ReadFile("ARCHITECTURE.md"); err == nil {
		if n := bytes.Count(text, []byte("\n")); n > archLinesMax {
			found = append(found, fmt.Sprintf("ARCHITECTURE.md: %d lines, at most %d: keep decisions and reasons, move the rest beside the code", n, archLinesMax))
		}
	}
	slices.Sort(found)
	for _, f := range found {
		t.Error(f)
	}
}

// readTree parses every Go file of the module outside testdata and finds folders that should not be.
func readTree(t *testing.T) (sources []*source, found []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if d.IsDir() {
			if name != "." && (base[0] == '.' || base == "testdata" || base == "node_modules") {
				return fs.SkipDir
			}
			found = append(found, folder(name)...)
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		s, err := newSource(name, text)
		if err != nil {
			found = append(found, "does not parse: "+err.Error())
			return nil
		}
		sources = append(sources, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sources, found
}

// folder checks a folder's name and depth.
func folder(name string) (found []string) {
	if n := strings.Count(name, "/") + 1; n > depthMax {
		found = append(found, fmt.Sprintf("%s: %d folders deep, at most %d: put it beside its parent", name, n, depthMax))
	}
	if slices.Contains([]string{"pkg", "internal", "util", "utils", "common", "types", "cmd", "helpers", "misc"}, path.Base(name)) {
		found = append(found, name+": a folder is named for what it owns, not for a kind of code")
	}
	return found
}

// ruleImports holds a file to its folder's row: which folders of the module it may import.
func ruleImports(s *source) (found []string) {
	r, ok := rows[s.dir]
	if !ok {
		return []string{s.path + ": folder " + s.dir + " has no row in shape_table_test.go: add one that says what it may import"}
	}
	for _, imp := range s.file.Imports {
		p, _ := strconv.Unquote(imp.Path.Value)
		dir, ours := strings.CutPrefix(p, module+"/")
		if !ours || in(dir, r.may) || !r.none && in(dir, everyone) {
			continue
		}
		if s.test() && (dir == s.dir || in(dir, testEveryone) || in(dir, r.tests)) {
			continue
		}
		found = append(found, s.at(imp.Pos(), "%s may not import %s. Move what you need to the folder that both may import, "+
			"or let plan or edge hand it over; if the design changed, change the row in shape_table_test.go and say why in ARCHITECTURE.md", s.dir, dir))
	}
	return found
}

// ruleThirdParty holds imports of other modules to the table.
func ruleThirdParty(s *source) (found []string) {
	for _, imp := range s.file.Imports {
		p, _ := strconv.Unquote(imp.Path.Value)
		first, _, _ := strings.Cut(p, "/")
		if !strings.Contains(first, ".") || p == module || strings.HasPrefix(p, module+"/") {
			continue
		}
		i := slices.IndexFunc(thirdParty, func(d dependency) bool { return p == d.module || strings.HasPrefix(p, d.module+"/") })
		switch {
		case i < 0:
			found = append(found, s.at(imp.Pos(), "%s is a new dependency: prefer the standard library; otherwise add it with its reason to ARCHITECTURE.md and to thirdParty in shape_table_test.go", p))
		case in(s.dir, thirdParty[i].folders), s.test() && thirdParty[i].tests, s.fixture() && thirdParty[i].tests:
		default:
			found = append(found, s.at(imp.Pos(), "%s belongs to %v only (%s): use it through that folder", p, thirdParty[i].folders, thirdParty[i].why))
		}
	}
	return found
}

// ruleStandard holds imports of the standard library to the folders that may use them.
func ruleStandard(s *source) (found []string) {
	if s.test() {
		return nil
	}
	for _, imp := range s.file.Imports {
		p, _ := strconv.Unquote(imp.Path.Value)
		for _, b := range standard {
			if (p == b.path || strings.HasPrefix(p, b.path+"/")) && !in(s.dir, b.folders) && !(b.commands && s.command()) && !(b.fixtures && s.fixture()) {
				found = append(found, s.at(imp.Pos(), "%s may not import %s: %s", s.dir, p, b.instead))
			}
		}
	}
	return found
}

// ruleCalls refuses calls (and mentions) that have a better replacement.
func ruleCalls(s *source) (found []string) {
	if s.test() {
		return nil
	}
	imports := s.imports()
	ast.Inspect(s.file, func(n ast.Node) bool {
		var name string
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok {
				name = imports[x.Name] + "." + n.Sel.Name
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok {
				name = f.Name
			}
		}
		for _, c := range calls {
			if name == c.name && !in(s.dir, c.folders) && !(c.commands && s.command()) {
				found = append(found, s.at(n.Pos(), "%s: %s", name, c.instead))
			}
		}
		return true
	})
	return found
}

// ruleLength bounds files and functions.
func ruleLength(s *source) (found []string) {
	if s.generated() {
		return nil
	}
	if n := bytes.Count(s.text, []byte("\n")); n > fileLines {
		found = append(found, fmt.Sprintf("%s: %d lines, at most %d: split it by subject", s.path, n, fileLines))
	}
	most := funcLines
	if s.test() {
		most = testFuncLines
	}
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := s.line(f.End()) - s.line(f.Pos()) + 1; n > most {
			found = append(found, s.at(f.Pos(), "func %s has %d lines, at most %d: give its steps names of their own (ifs up, fors down)", f.Name.Name, n, most))
		}
	}
	return found
}

// ruleInterfaces bounds interfaces.
func ruleInterfaces(s *source) (found []string) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		if t, ok := n.(*ast.TypeSpec); ok {
			if i, ok := t.Type.(*ast.InterfaceType); ok && i.Methods.NumFields() > methodsMax {
				found = append(found, s.at(t.Pos(), "interface %s has %d methods, at most %d: split it by who calls it", t.Name.Name, i.Methods.NumFields(), methodsMax))
			}
		}
		return true
	})
	return found
}

// ruleInit refuses init functions and flags at package level outside tests.
func ruleInit(s *source) (found []string) {
	if s.test() {
		return nil
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "init" {
				found = append(found, s.at(d.Pos(), "func init hides order: call it from main, or register in the one list that needs it (stages: plan/order.go)"))
			}
		case *ast.GenDecl:
			found = append(found, packageFlags(s, d)...)
		}
	}
	return found
}

func packageFlags(s *source, d *ast.GenDecl) (found []string) {
	if d.Tok != token.VAR {
		return nil
	}
	imports := s.imports()
	for _, spec := range d.Specs {
		for _, v := range spec.(*ast.ValueSpec).Values {
			call, _ := v.(*ast.CallExpr)
			if call == nil {
				continue
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && imports[x.Name] == "flag" && sel.Sel.Name != "NewFlagSet" {
					found = append(found, s.at(v.Pos(), "flag at package level: make it in main and pass the value on"))
				}
			}
		}
	}
	return found
}

// rulePanics wants every panic to say that it is a bug: bad input never panics.
func rulePanics(s *source) (found []string) {
	if s.test() || s.fixture() {
		return nil
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "panic" && !strings.HasPrefix(firstText(call.Args[0]), "BUG: ") {
			found = append(found, s.at(call.Pos(), `the text of a panic starts with "BUG: "; what a client, an origin or a spec can cause is an error (package fault)`))
		}
		return true
	})
	return found
}

// firstText is the literal an expression's text starts with.
func firstText(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return text
	case *ast.BinaryExpr:
		return firstText(e.X)
	case *ast.CallExpr: // fmt.Sprintf, fmt.Sprint, fmt.Errorf, errors.New
		if len(e.Args) > 0 {
			return firstText(e.Args[0])
		}
	}
	return ""
}

// ruleDocs wants a comment on every exported name and bounds doc.go.
func ruleDocs(s *source) (found []string) {
	if path.Base(s.path) == "doc.go" {
		if s.file.Doc == nil {
			return []string{s.path + ": doc.go without a package comment: say what the folder owns, promises and refuses"}
		}
		// A format that users rely on may follow below a heading.
		head, _, _ := strings.Cut(s.file.Doc.Text(), "\n# ")
		if n := strings.Count(head, "\n"); n > docLinesMax {
			found = append(found, s.at(s.file.Doc.Pos(), "the package comment has %d lines before its first heading, at most %d: owns, promises, refuses; the rest belongs to the names", n, docLinesMax))
		}
	}
	if s.test() || s.generated() || s.command() {
		return found
	}
	for _, d := range s.file.Decls {
		for _, name := range undocumented(d) {
			found = append(found, s.at(name.Pos(), "%s has no doc comment: say what it promises, its units and its errors", name.Name))
		}
	}
	return found
}

func undocumented(d ast.Decl) (names []*ast.Ident) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && exportedReceiver(d) {
			names = append(names, d.Name)
		}
	case *ast.GenDecl:
		if d.Doc != nil {
			return nil // one comment may speak for a group
		}
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Doc == nil && spec.Comment == nil && spec.Name.IsExported() {
					names = append(names, spec.Name)
				}
			case *ast.ValueSpec:
				if spec.Doc == nil && spec.Comment == nil && spec.Names[0].IsExported() {
					names = append(names, spec.Names[0])
				}
			}
		}
	}
	return names
}

func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	t := f.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if index, ok := t.(*ast.IndexExpr); ok {
		t = index.X
	}
	name, ok := t.(*ast.Ident)
	return ok && name.IsExported()
}

// TestShapeFinds shows each rule a file that breaks it: a rule that finds nothing is no rule.
func TestShapeFinds(t *testing.T) {
	f := func(name, text, want string) {
		t.Helper()
		s, err := newSource(name, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, rule := range rules {
			found = append(found, rule(s)...)
		}
		if got := strings.Join(found, "\n"); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: found %q, want %q", name, got, want)
		}
	}
	f("route/a.go", "package route\nimport _ \"skerry.dev/skerry/store\"", "route may not import store")
	f("route/a.go", "package route\nimport _ \"skerry.dev/skerry/spec\"", "")
	f("fault/a.go", "package fault\nimport _ \"skerry.dev/skerry/meter\"", "fault may not import meter")
	f("edge/a.go", "package edge\nimport _ \"skerry.dev/skerry/load/rival\"", "edge may not import load/rival")
	f("edge/a_test.go", "package edge_test\nimport _ \"skerry.dev/skerry/load/rival\"", "")
	f("stuff/a.go", "package stuff", "no row in shape_table_test.go")
	f("spec/a.go", "package spec\nimport _ \"gopkg.in/yaml.v3\"", "new dependency")
	f("route/a.go", "package route\nimport _ \"github.com/goccy/go-yaml\"", "belongs to [spec aws/cfn aws/schema] only")
	f("edge/a.go", "package edge\nimport _ \"net/http\"", "edge may not import net/http")
	f("edge/a_test.go", "package edge\nimport _ \"net/http\"", "")
	f("edge/a.go", "package edge\nimport _ \"testing\"", "edge may not import testing")
	f("edge/a.go", "package edge\nimport zzz \"time\"\nfunc f() { zzz.Sleep(1) }", "time.Sleep: ")
	f("edge/a.go", "package edge\nfunc f() { println() }", "println: ")
	f("edge/a.go", "package edge\nfunc init() {}", "func init hides order")
	f("load/compare/a.go", "package main\nimport \"flag\"\nvar x = flag.Int(\"\", 1, \"\")", "flag at package level")
	f("edge/a.go", "package edge\nfunc f() { panic(\"no\") }", "starts with \"BUG: \"")
	f("edge/a.go", "package edge\nfunc f() { panic(\"BUG: no\" + \"x\") }", "")
	f("edge/a.go", "package edge\nfunc f() {"+strings.Repeat("\n", funcLines)+"}", "func f has 71 lines")
	f("edge/a.go", "package edge"+strings.Repeat("\n", fileLines+1), "801 lines")
	f("edge/a.go", "package edge\ntype i interface { a(); b(); c(); d(); e(); f() }", "interface i has 6 methods")
	f("edge/a.go", "package edge\nfunc F() {}", "F has no doc comment")
	f("edge/a.go", "package edge\ntype t int\nfunc (t) F() {}", "")
	f("edge/doc.go", "package edge", "doc.go without a package comment")
	for _, name := range []string{"a/b/c", "util", "waf/internal"} {
		if len(folder(name)) == 0 {
			t.Errorf("folder %s is not refused", name)
		}
	}
}
