package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// Source is where an edge's spec comes from: files under paths, and, as a fallback at start, the last spec that was
// good, kept below a data directory.
type Source struct {
	Paths []string
	Data  string // empty: nothing is kept
	// Lent: the data directory is still another process's, so it is only read. Own ends that.
	Lent bool

	taken string // content that Begin or a watch has taken, or refused
	mu    sync.Mutex
	late  *kept // what is to be written when the directory is ours
}

// Own says that the data directory is this process's from now on, and writes what waits for that.
func (s *Source) Own() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Lent = false
	late := s.late
	s.late = nil
	if late == nil {
		return nil
	}
	return s.write(late)
}

// errNoFallback is returned by lastGood when there is none.
var errNoFallback = errors.New("there is no last good spec")

// Begin puts the first plan in force: what is under the paths, or, if that has problems, the last good spec; the
// problems are returned in both cases. With no plan in force after it, the edge cannot start.
func (e *Edge) Begin(src *Source) (fellBack bool, problems []fault.Problem) {
	files, hash, problems := src.read()
	src.taken = hash
	if len(problems) == 0 {
		problems = e.take(src, files)
	}
	if len(problems) == 0 {
		return false, nil
	}
	kept, err := src.lastGood()
	if err != nil {
		if !errors.Is(err, errNoFallback) {
			problems = append(problems, fault.Problem{File: src.file(), Text: "the last good spec cannot be used: " + err.Error()})
		}
		return false, problems
	}
	s, more := spec.Parse(kept)
	if len(more) == 0 {
		more = e.Activate(s)
	}
	if len(more) > 0 {
		problems = append(problems, fault.Problem{File: src.file(), Text: "the last good spec cannot be used: " + more[0].String()})
		return false, problems
	}
	e.meters.Events().Add("fell_back", "the spec has "+count(len(problems), "problem")+"; serving the last good one, "+s.Hash)
	return true, problems
}

// read returns the files and a hash over their content, which is another one also when they cannot be read.
func (s *Source) read() (files []spec.File, hash string, problems []fault.Problem) {
	files, problems = spec.ReadFiles(s.Paths)
	hash = spec.ContentHash(files)
	for _, p := range problems {
		hash += "\n" + p.String()
	}
	return files, hash, problems
}

// take parses files, puts them in force and keeps them as the last good spec.
func (e *Edge) take(src *Source, files []spec.File) []fault.Problem {
	s, problems := spec.Parse(files)
	if len(problems) > 0 {
		return problems
	}
	if len(s.Entrypoints) == 0 && e.active.Load() == nil {
		return []fault.Problem{{File: strings.Join(src.Paths, " "), Text: "there is no Entrypoint under these paths",
			Fix: "write one: see the six-line example in the README"}}
	}
	if a := e.active.Load(); a != nil && a.plan.Spec.Hash == s.Hash {
		if changed, problems := e.renew(); changed {
			return problems
		}
		e.meters.Events().Add("reload_unchanged", "what the files say has not changed: "+s.Hash)
		return nil
	}
	if problems := e.Activate(s); len(problems) > 0 {
		return problems
	}
	if err := src.keep(s.Hash, files); err != nil {
		e.meters.Events().Add("keep_failed", "the last good spec could not be written (--data): "+err.Error())
	}
	return nil
}

// renew compiles the plan in force anew if a certificate or a key behind it, of its own or towards services, is another one now: they are renewed
// in place, and nothing in the spec changes.
func (e *Edge) renew() (changed bool, problems []fault.Problem) {
	a := e.active.Load()
	refs := append(e.keepers.Certs.Changed(a.plan.Certs), a.plan.OriginSecretsChanged()...)
	if len(refs) == 0 {
		return false, nil
	}
	e.meters.Events().Add("certificates_changed", count(len(refs), "reference")+" behind certificates, the first "+string(refs[0]))
	return true, e.Activate(a.plan.Spec)
}

// Watch reloads when the content of the files, or a certificate they refer to, changes, or at once when told to, until ctx ends. A change that cannot be
// taken is reported and leaves the plan in force; report hears of every problem list, once per content.
func (e *Edge) Watch(ctx context.Context, src *Source, now <-chan struct{}, report func([]fault.Problem)) {
	// From what Begin read, not from what is there now: a change in between must not be lost.
	w := watch{e: e, src: src, report: report, seen: src.taken}
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	certs := time.NewTicker(certInterval)
	defer certs.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-certs.C:
			if _, problems := e.renew(); len(problems) > 0 {
				w.refused(problems)
			}
		case <-now:
			w.look(true)
		case <-tick.C:
			w.look(false)
		}
	}
}

// watch remembers what the files were.
type watch struct {
	e      *Edge
	src    *Source
	report func([]fault.Problem)
	seen   string // content at the last look
}

func (w *watch) look(must bool) {
	files, hash, problems := w.src.read()
	settled := hash == w.seen
	w.seen = hash
	if !must && (hash == w.src.taken || !settled) {
		return
	}
	w.src.taken = hash
	if len(problems) == 0 {
		problems = w.e.take(w.src, files)
	}
	if len(problems) > 0 {
		w.refused(problems)
	}
}

func (w *watch) refused(problems []fault.Problem) {
	w.e.meters.Counter("skerry_reloads_refused_total", "Reloads that changed nothing because the spec had problems.").Inc()
	w.e.meters.Events().Add("reload_refused", count(len(problems), "problem")+", the first: "+problems[0].Text+"; the running plan stays")
	w.report(problems)
}

// kept is the file of a last good spec.
type kept struct {
	Hash  string      `json:"hash"`
	Files []spec.File `json:"files"`
}

func (s *Source) file() string { return filepath.Join(s.Data, "last-good.json") }

// keep writes the last good spec in one step: a crash leaves the old or the new one.
func (s *Source) keep(hash string, files []spec.File) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := &kept{hash, files}
	switch {
	case s.Data == "":
		return nil
	case s.Lent:
		s.late = k
		return nil
	}
	return s.write(k)
}

func (s *Source) write(k *kept) error {
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return err
	}
	data, err := json.Marshal(k)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(s.Data, "last-good-*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails once it is renamed
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), s.file())
}

// lastGood reads it back.
func (s *Source) lastGood() ([]spec.File, error) {
	if s.Data == "" {
		return nil, errNoFallback
	}
	info, err := os.Stat(s.file())
	if errors.Is(err, os.ErrNotExist) {
		return nil, errNoFallback
	}
	if err != nil {
		return nil, err
	}
	if info.Size() > lastGoodBytesMax {
		return nil, fmt.Errorf("it is larger than %d bytes (lastGoodBytesMax)", lastGoodBytesMax)
	}
	data, err := os.ReadFile(s.file())
	if err != nil {
		return nil, err
	}
	var k kept
	if err := json.Unmarshal(data, &k); err != nil {
		return nil, err
	}
	return k.Files, nil
}
