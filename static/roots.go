package static

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
)

// Roots is the directory of --files, held open: it stays the same one if it is renamed. It outlives plans, and keeps files
// open between requests; see entry. The directories of services are looked up below it again and again, so that a link to
// the current release may be replaced at any time.
type Roots struct {
	dir     string
	root    *os.Root // nil: --files was not given
	refused map[*fault.Error]*meter.Counter
	gauge   *meter.Gauge

	mu      sync.RWMutex
	kept    map[key]*entry
	open    int         // files of kept
	sweeper *time.Timer // nil: nothing is kept
	closed  bool
}

// OpenRoots opens the directory of --files; "" is none, and then every New is a problem. What is there and is not served
// counts in set.
func OpenRoots(dir string, set *meter.Set) (*Roots, error) {
	r := &Roots{dir: dir, refused: map[*fault.Error]*meter.Counter{}, kept: map[key]*entry{}}
	for err, reason := range map[*fault.Error]string{errHidden: "hidden", errLeaves: "link", errSpecial: "special", errDenied: "permission"} {
		r.refused[err] = set.Counter("skerry_static_refused_total", "Requests for names that are never served, or files that are there and cannot be.", "reason", reason)
	}
	r.gauge = set.Gauge("skerry_static_files_open", "Files kept open for requests to come.")
	if dir == "" {
		return r, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("--files %s: %w", dir, cause(err))
	}
	r.root = root
	return r, nil
}

// Close lets go of the directory and of every file. Answers that have begun still end; a later request for a file is refused
// as one in a drain.
func (r *Roots) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, e := range r.kept {
		r.remove(e)
	}
	if r.sweeper != nil {
		r.sweeper.Stop()
	}
	if r.root != nil {
		r.root.Close()
	}
}

// directory opens a directory below that of --files. With the slash a name that is no directory is refused before it is
// opened: opening a FIFO would wait.
func (r *Roots) directory(path string) (*os.Root, error) { return r.root.OpenRoot(path + "/") }

// check says why a directory cannot be served, and how to mend it; "" if it can.
func (r *Roots) check(path string) (bad, fix string) {
	if r.root == nil {
		return "the edge serves no files", "start it with --files DIR; the directory is looked for below DIR"
	}
	dir, err := r.directory(path)
	if err == nil {
		dir.Close()
		return "", ""
	}
	below := fmt.Sprintf("below %s, which --files names", r.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is none " + below, "make it, or mend the path"
	case refusal(err) == errLeaves:
		return "it, or a link on the way to it, leads out of what is " + below, "use relative links that stay inside"
	}
	return fmt.Sprintf("it cannot be opened %s: %v", below, cause(err)), "the edge needs a directory that it may read"
}

// Why a file is not served. The values are shared: refusing allocates nothing.
var (
	errNoFile    = fault.New(fault.NoFile, "there is no file of this name in the service's directory")
	errName      = fault.New(fault.NoFile, "the path cannot name a file: it has an empty segment, %2F, a control character or more than 4,095 bytes")
	errHidden    = fault.New(fault.NoFile, "the path has a segment that starts with a dot; only /.well-known/ is served")
	errDirectory = fault.New(fault.NoFile, "the directory has no index file (`index` of the service); there are no listings")
	errSpecial   = fault.New(fault.NoFile, "the name is that of a device, a FIFO or a socket")
	errLeaves    = fault.New(fault.NoFile, "a link leads out of the service's directory, or through more than 8 others")
	errDenied    = fault.New(fault.NoFile, "the edge's user may not read the file")
	errFiles     = fault.New(fault.Overloaded, "no file can be opened: the process has used up its descriptors (ulimit -n)")
	errClosed    = fault.New(fault.Draining, "the directory of --files is closed")
	errMethod    = fault.New(fault.MethodNotAllowed, "files can be read only: GET, HEAD and OPTIONS")
)

// refusal turns an error of the file system into what the exchange fails with.
func refusal(err error) *fault.Error {
	var number syscall.Errno
	isNumber := errors.As(err, &number)
	switch {
	case errors.Is(err, fs.ErrNotExist), number == syscall.ENOTDIR, number == syscall.EINVAL, number == syscall.ENAMETOOLONG:
		return errNoFile
	case errors.Is(err, os.ErrClosed):
		return errClosed
	case errors.Is(err, fs.ErrPermission):
		return errDenied
	case number == syscall.ENXIO, number == syscall.ENODEV: // a socket, or a device without a driver
		return errSpecial
	case number == syscall.ELOOP, !isNumber: // os.Root's own refusal has no number
		return errLeaves
	case number == syscall.EMFILE, number == syscall.ENFILE:
		return errFiles
	}
	return fault.Wrap(fault.Internal, "a file cannot be opened", err)
}

// cause is an error without the operation and the name that os put before it.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
