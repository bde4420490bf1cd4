package spec

import (
	"fmt"
	"strings"
)

type directoryDoc struct{ path, index, fallback val[string] }

var directory = object[directoryDoc]{
	name: "directory", doc: "Files that the edge serves itself.",
	fields: []field[*directoryDoc]{
		row("path", func(d *directoryDoc) *val[string] { return &d.path }, words(localPath, localInSchema),
			"The directory, below the one that --files names; . is that one.").needed(),
		rowOr("index", func(d *directoryDoc) *val[string] { return &d.index }, words(indexName, localInSchema), "index.html",
			"The file that the URL of a directory stands for."),
		row("fallback", func(d *directoryDoc) *val[string] { return &d.fallback }, words(localFile, localInSchema),
			"The file that is served with 200 where there is none, for single-page applications: 404, if left out."),
	},
}

var localInSchema = map[string]any{"pattern": `^[^/\\]`, "maxLength": textBytesMax}

func indexName(s string) (bad, fix string) {
	if strings.Contains(s, "/") {
		return fmt.Sprintf("the index %q is not the name of a file", clip(s)), "write only the name: index.html"
	}
	return localFile(s)
}

var directoryShape = directory.shape()

// directoryModel is a service of files. What a service has for its endpoints stays empty.
func (d serviceDoc) directoryModel() *Service {
	var f filler
	directoryShape.fill(&d.directory.V, "spec.directory", &f)
	if d.aws.Set {
		awsOriginShape.fill(&d.aws.V, "spec.aws", &f)
	}
	m := d.directory.V
	return &Service{
		Meta: d.meta.model(), At: d.at, Sources: f.sources,
		Directory: &Directory{Path: m.path.V, Index: m.index.V, Fallback: m.fallback.V}, AWS: awsOriginOf(d.aws),
	}
}

func directoryDocOf(m *Directory) directoryDoc {
	return directoryDoc{said(m.Path), said(m.Index), saidText(m.Fallback)}
}
