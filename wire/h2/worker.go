package h2

import "sync"

// workers are goroutines that serve one stream after the other: a new one for each would have to grow its stack again.
type workers struct {
	mu     sync.Mutex
	idle   []*worker
	closed bool
}

type worker struct{ next chan *serverStream }

// run has a stream served by the worker that ended last, or a new one.
func (w *workers) run(s *serverStream) {
	w.mu.Lock()
	n := len(w.idle) - 1
	if n < 0 {
		w.mu.Unlock()
		one := &worker{next: make(chan *serverStream, 1)}
		one.next <- s
		go w.work(one)
		return
	}
	one := w.idle[n]
	w.idle[n] = nil
	w.idle = w.idle[:n]
	w.mu.Unlock()
	one.next <- s
}

// work serves streams until there are enough others that wait for one.
func (w *workers) work(one *worker) {
	for s := range one.next {
		s.serve()
		w.mu.Lock()
		if w.closed || len(w.idle) >= workersMax {
			w.mu.Unlock()
			return
		}
		w.idle = append(w.idle, one)
		w.mu.Unlock()
	}
}

// close ends the workers that wait, and those that work when they are done.
func (w *workers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.idle {
		close(one.next)
	}
	w.idle, w.closed = nil, true
}
