package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"skerry.dev/skerry/aws"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/spec"
)

// request is what is asked: documents by the names of their files, and what they are to be written for.
type request struct {
	Files  map[string]string `json:"files"`
	Target aws.Target        `json:"target"`
}

// answer is what comes of it. There are no files where the documents have problems or a finding is an error.
type answer struct {
	Files    map[string]string `json:"files"`
	Findings []finding.Finding `json:"findings"`
	Problems []string          `json:"problems"` // of the documents themselves
	Packing  []packing         `json:"packing"`
}

// packing is how some entrypoints were spread over distributions, and why.
type packing struct {
	Packing      string   `json:"packing"`
	Distribution string   `json:"distribution,omitempty"` // its logical id
	Entrypoints  []string `json:"entrypoints"`
	Why          string   `json:"why"`
}

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "skerry:", err)
		os.Exit(1)
	}
}

func serve(in io.Reader, out io.Writer) error {
	var q request
	d := json.NewDecoder(io.LimitReader(in, requestBytesMax))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		return fmt.Errorf("the request is no JSON of at most %d bytes: %w", requestBytesMax, err)
	}
	a, err := compile(q)
	if err != nil {
		return err
	}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return e.Encode(a)
}

func compile(q request) (*answer, error) {
	a := &answer{Files: map[string]string{}, Findings: []finding.Finding{}, Problems: []string{}, Packing: []packing{}}
	var files []spec.File
	for _, name := range slices.Sorted(maps.Keys(q.Files)) {
		files = append(files, spec.File{Name: name, Data: []byte(q.Files[name])})
	}
	s, problems := spec.Parse(files)
	for _, p := range problems {
		a.Problems = append(a.Problems, p.String())
	}
	if len(problems) > 0 {
		return a, nil
	}
	out, err := aws.Compile(s, q.Target, nil)
	if err != nil {
		return nil, err
	}
	a.Findings = append(a.Findings, out.Findings...)
	for _, c := range out.Packing {
		a.Packing = append(a.Packing, packing{c.Packing, c.Distribution, append([]string{}, c.Entrypoints...), c.Why})
	}
	for _, f := range out.Files {
		a.Files[f.Name] = string(f.Data)
	}
	return a, nil
}
