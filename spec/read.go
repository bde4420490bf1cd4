package spec

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"skerry.dev/skerry/fault"
)

// A File is one file of documents: its name as problems print it, and its content.
type File struct {
	Name string
	Data []byte
}

// Options are the choices of Load.
type Options struct {
	// AllowEmpty takes paths without any document: an edge may start before its first entrypoint is written.
	AllowEmpty bool
}

// Load reads and resolves every document under the paths. With any problem the spec is nil: half a spec is not one.
func Load(paths []string, opt Options) (*Spec, []fault.Problem) {
	files, problems := ReadFiles(paths)
	if len(problems) > 0 {
		return nil, problems
	}
	s, problems := Parse(files)
	if s != nil && !opt.AllowEmpty && len(s.Entrypoints)+len(s.Services)+len(s.Certificates) == 0 && len(s.userProfiles()) == 0 && s.AWS == nil {
		return nil, []fault.Problem{{
			File: strings.Join(paths, " "),
			Text: "there is no document in here",
			Fix:  "write an Entrypoint into a file that ends in .yaml, .yml or .json",
		}}
	}
	return s, problems
}

// ReadFiles reads every .yaml, .yml and .json file under the paths: a file as it is, a directory with all below it, in
// sorted order. Behind each stand the .csv, .html, .conf and .data files that it mentions, if they are there (`file: moved.csv`):
// below its own directory, and so never outside the directories of the paths. Below a given path hidden entries are left out,
// so that each file of a Kubernetes config map (a link into ..data) is read once; links are followed.
func ReadFiles(paths []string) ([]File, []fault.Problem) {
	r := reader{seen: map[string]bool{}}
	for _, p := range paths {
		r.path(p, 0, true)
	}
	return r.files, r.problems
}

// ContentHash is a hash over names and contents of files, in their order: as long as it stays the same nothing needs to
// be parsed again.
func ContentHash(files []File) string {
	h := sha256.New()
	var size [8]byte
	part := func(b []byte) {
		// The length stands before each part: moving a byte from a name to its content is another spec.
		binary.BigEndian.PutUint64(size[:], uint64(len(b)))
		h.Write(size[:])
		h.Write(b)
	}
	for _, f := range files {
		part([]byte(f.Name))
		part(f.Data)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

type reader struct {
	files    []File
	problems []fault.Problem
	seen     map[string]bool // clean paths already read: the same file given twice is one file
}

func (r *reader) refuse(file, text, fix string) {
	r.problems = append(r.problems, fault.Problem{File: file, Text: text, Fix: fix})
}

// path reads what p names; given says that the user wrote it, so its ending and its leading dot do not matter.
func (r *reader) path(p string, depth int, given bool) {
	info, err := os.Stat(p)
	switch {
	case err != nil:
		r.refuse(p, "cannot be read: "+reason(err), "")
	case info.IsDir():
		r.dir(p, depth)
	case !given && !isSpecFile(p):
	case !info.Mode().IsRegular():
		r.refuse(p, "is neither a file nor a directory", "")
	default:
		r.file(p)
	}
}

func (r *reader) dir(p string, depth int) {
	if depth > dirDepthMax {
		r.refuse(p, fmt.Sprintf("is more than %d directories deep", dirDepthMax), "look for a link that leads back up")
		return
	}
	entries, err := os.ReadDir(p) // sorted by name
	if err != nil {
		r.refuse(p, "cannot be read: "+reason(err), "")
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			r.path(filepath.Join(p, e.Name()), depth+1, false)
		}
	}
}

func (r *reader) file(p string) {
	if clean := filepath.Clean(p); r.seen[clean] {
		return
	} else {
		r.seen[clean] = true
	}
	if len(r.files) == filesMax {
		r.refuse(p, fmt.Sprintf("is one file too many: a spec may have %d", filesMax), "")
	}
	if len(r.files) >= filesMax {
		return
	}
	data, err := readBounded(p)
	if err != nil {
		r.refuse(p, "cannot be read: "+reason(err), "")
		return
	}
	r.files = append(r.files, File{Name: p, Data: data})
	if !isBeside(p) {
		r.beside(p, data)
	}
}

// beside reads the files that a document mentions. One that is not there may stand in a comment: whether a document needs
// it is for Parse to say, which knows the place.
func (r *reader) beside(document string, data []byte) {
	for _, name := range mentioned(data) {
		p := besidePath(document, name)
		if r.seen[p] {
			continue
		}
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
			r.file(p)
		}
	}
}

func readBounded(p string) ([]byte, error) {
	f, err := os.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, fileBytesMax+1))
	if err == nil && len(data) > fileBytesMax {
		err = fmt.Errorf("it has more than %d bytes", fileBytesMax)
	}
	return data, err
}

// reason is err without the path, which already stands before it.
func reason(err error) string {
	if pe, ok := err.(*os.PathError); ok {
		return pe.Err.Error()
	}
	return err.Error()
}

func isSpecFile(name string) bool {
	switch filepath.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}
