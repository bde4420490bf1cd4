package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/aws"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/spec"
)

// awsWatch compiles documents again whenever they change, and tells what has changed since the last time.
type awsWatch struct {
	out      io.Writer
	paths    []string
	allow    []string   // ids of findings that are no errors here
	target   aws.Target // empty: nothing is written
	dir      string     // where to
	reader   spec.Reader
	compiler aws.Compiler
	said     []string          // the lines of the last revision, sorted
	written  map[string][]byte // by path
}

// run watches until it is interrupted. As the edge does, it takes a change up once the files were the same twice in a row, so that
// half-written ones are left alone.
func (w *awsWatch) run(cmd *cobra.Command) error {
	if templates, err := templateFiles(w.paths); err != nil {
		return err
	} else if len(templates) > 0 {
		return fmt.Errorf("--watch is about documents, and %s is a template of CloudFormation", templates[0])
	}
	w.out = cmd.OutOrStdout()
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return w.follow(ctx)
}

func (w *awsWatch) follow(ctx context.Context) error {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	var seen, taken string
	for {
		files, problems := spec.ReadFiles(w.paths)
		hash := spec.ContentHash(files)
		for _, p := range problems {
			hash += "\n" + p.String()
		}
		if settled := hash == seen || taken == ""; settled && hash != taken {
			taken = hash
			if err := w.revision(files, asStrings(problems)); err != nil {
				return err
			}
		}
		seen = hash
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func asStrings[T fmt.Stringer](list []T) (out []string) {
	for _, v := range list {
		out = append(out, v.String())
	}
	return out
}

// revision compiles files, of which some could not be read, and tells the difference.
func (w *awsWatch) revision(files []spec.File, problems []string) error {
	began := time.Now()
	var s *spec.Spec
	if len(problems) == 0 {
		parsed, found := w.reader.Parse(files)
		s, problems = parsed, asStrings(found)
	}
	if s == nil {
		w.tell(problems)
		fmt.Fprintf(w.out, "%s; %s\n", count(len(problems), "problem"), took(began))
		return nil
	}
	list, made, err := w.compile(s)
	if err != nil {
		return err
	}
	for i := range list {
		if slices.Contains(w.allow, list[i].Rule.ID) {
			list[i].Allow()
		}
	}
	w.tell(asStrings(list))
	if err := w.write(list, made); err != nil {
		return err
	}
	fmt.Fprintf(w.out, "%s; %s\n", counted(list), took(began))
	return nil
}

func (w *awsWatch) compile(s *spec.Spec) ([]finding.Finding, []aws.File, error) {
	if w.target == "" {
		list, err := w.compiler.Lint(s)
		return list, nil, err
	}
	out, err := w.compiler.Compile(s, w.target)
	if err != nil {
		return nil, nil, err
	}
	return out.Findings, out.Files, nil
}

// tell prints the lines that are new, and those that are there no more.
func (w *awsWatch) tell(now []string) {
	now = slices.Sorted(slices.Values(now))
	was := w.said
	w.said = now
	for len(was)+len(now) > 0 {
		switch {
		case len(now) == 0 || len(was) > 0 && was[0] < now[0]:
			fmt.Fprintln(w.out, "- "+was[0])
			was = was[1:]
		case len(was) == 0 || now[0] < was[0]:
			fmt.Fprintln(w.out, "+ "+now[0])
			now = now[1:]
		default:
			was, now = was[1:], now[1:]
		}
	}
}

// write writes the files whose content has changed.
func (w *awsWatch) write(list []finding.Finding, files []aws.File) error {
	if w.target == "" {
		return nil
	}
	if finding.Errors(list) > 0 {
		fmt.Fprintln(w.out, "nothing is written")
		return nil
	}
	made := map[string][]byte{}
	for _, f := range files {
		path := filepath.Join(w.dir, filepath.FromSlash(f.Name))
		made[path] = f.Data
		old, known := w.written[path]
		if !known {
			old, _ = os.ReadFile(path) // what is not there, or cannot be read, is written
		}
		if known = known || old != nil; known && bytes.Equal(old, f.Data) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			return err
		}
		fmt.Fprintln(w.out, "wrote "+path)
	}
	for _, path := range slices.Sorted(maps.Keys(w.written)) {
		if _, still := made[path]; !still {
			fmt.Fprintln(w.out, "left "+path+", which nothing makes any more")
		}
	}
	w.written = made
	return nil
}

// took is how long something took, to the millisecond.
func took(since time.Time) string { return time.Since(since).Round(time.Millisecond).String() }
