package cache

import (
	"bytes"
	"io"
	"slices"
	"sync"
	"time"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/represent"
)

// phase is how far a fill has come.
type phase uint8

const (
	asking  phase = iota // there is no head yet
	private              // the answer is not for the store: it is of who asked for it, and of nobody else
	flowing              // it is being stored, and anybody may read it
	valid                // the origin said that what is stored holds: object is that, renewed
	failed               // there will be none: err
)

// A fill has an answer fetched for the store, on an exchange of its own. It is the Sink of that exchange. Its goroutine writes,
// those of the readers read; mu is between them.
type fill struct {
	exchange.Discard
	stage   *Stage
	id      string // in the table of fills
	key     []byte
	request exchange.Fields // as it was sent, for Vary
	auth    exchange.Fields // of it what says who asked, for Judge
	old     *storage.Object // what is revalidated; nil: nothing
	number  uint64          // of purges, when it began
	target  string          // host, path and query
	behind  bool            // nobody need wait for it: it goes on alone

	mu       sync.Mutex
	wake     chan struct{} // closed at the next change; nil: nobody waits
	phase    phase
	waiting  int // exchanges that have not got a head yet
	readers  []*reader
	interim  []interim
	status   int
	head     exchange.Fields // as it is stored, or for a private answer as it came
	trailers exchange.Fields
	size     int64 // of the body; -1: unknown
	terms    freshness.Terms
	vary     []byte
	why      string // why it is not stored
	origin   exchange.OriginFacts
	made     exchange.EncodingFacts
	firewall exchange.FirewallFacts
	body
	object *storage.Object
	err    error

	hook sync.Mutex // around gone, so that stop can wait for it
	gone func()
	left bool // nobody wants it any more
	cut  bool // the same, guarded by mu
}

// interim is a 1xx answer.
type interim struct {
	status int
	fields exchange.Fields
}

// run has the answer fetched, on t.
func (f *fill) run(t *exchange.Exchange) {
	defer f.stage.keep.running.Done()
	f.stage.tail.Run(t)
	f.stage.keep.fills.run(f, false)
	f.end(t)
	t.Release()
}

// end sees to it that nobody waits for ever, whatever became of the exchange: a stage that says Abort sends nothing.
func (f *fill) end(t *exchange.Exchange) {
	f.close()
	f.mu.Lock()
	defer f.mu.Unlock()
	err := t.Cause
	if err == nil {
		err = errAborted
	}
	if f.phase == asking {
		f.phase, f.err = failed, err
		f.note(t)
	} else if !f.done {
		f.done, f.broken = true, err
	}
	f.drop()
	f.tell()
}

var errAborted = fault.New(fault.OriginClosed, "the answer that was fetched for the cache broke off")

// close takes the fill out of the table: who comes now finds what it has stored, or begins another one.
func (f *fill) close() { f.stage.keep.fills.remove(f) }

// tell wakes who waits. The caller holds mu.
func (f *fill) tell() {
	if f.wake != nil {
		close(f.wake)
		f.wake = nil
	}
}

// change returns a channel that is closed at the next change. The caller holds mu.
func (f *fill) change() <-chan struct{} {
	if f.wake == nil {
		f.wake = make(chan struct{})
	}
	return f.wake
}

// note keeps for the log of who asked what the fill's exchange learned. The caller holds mu.
func (f *fill) note(t *exchange.Exchange) {
	f.origin = t.Facts.Origin
	f.origin.Held = nil
	f.made = t.Facts.Encoding
	f.firewall = t.Facts.Firewall
	f.firewall.Held = nil
	f.firewall.Rules = slices.Clone(f.firewall.Rules)
}

// Interim keeps a 1xx answer for who waits.
func (f *fill) Interim(_ *exchange.Exchange, status int, fields exchange.Fields) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.interim) < interimMax {
		f.interim = append(f.interim, interim{status, clone(fields)})
		f.tell()
	}
	return nil
}

// Watch calls gone when nobody wants the answer any more.
func (f *fill) Watch(gone func()) (stop func()) {
	f.hook.Lock()
	defer f.hook.Unlock()
	if f.gone = gone; f.left {
		go gone()
	}
	return func() {
		f.hook.Lock()
		f.gone = nil
		f.hook.Unlock()
	}
}

// abandon ends a fill that nobody wants any more.
func (f *fill) abandon() {
	f.hook.Lock()
	defer f.hook.Unlock()
	f.mu.Lock()
	f.cut = true
	f.tell()
	f.mu.Unlock()
	if f.left = true; f.gone != nil {
		f.gone()
	}
}

// Send takes the answer: it is judged, offered to who waits, and kept if it may be.
func (f *fill) Send(t *exchange.Exchange) error {
	r := &t.Resp
	r.Started = true
	now := time.Now()
	switch {
	case t.Fault != nil:
		f.fail(t)
		return nil
	case f.old != nil && r.Status == 304:
		return f.renew(t, now)
	}
	f.arrive(t, now)
	if r.Body == nil {
		f.finish(t)
		return nil
	}
	if n := f.size; n >= 0 && n <= pieceBytes { // head and body of a small answer leave in one piece
		if ready, ok := r.Body.(exchange.Ready); ok && ready.Ready() {
			return f.pull(t, true)
		}
	}
	f.offer()
	return f.pull(t, false)
}

// fail ends the fill with a fault of the exchange.
func (f *fill) fail(t *exchange.Exchange) {
	f.close()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.phase, f.err, f.done = failed, t.Fault, true
	f.note(t)
	f.tell()
}

// arrive judges a head and takes it over. Nobody sees it before offer.
func (f *fill) arrive(t *exchange.Exchange, now time.Time) {
	s, r := f.stage, &t.Resp
	d := freshness.ResponseDirectives(r.Fields)
	terms, why := s.judge(f, r.Status, r.Fields, t.Now, now)
	f.terms, f.why = terms, string(why)
	f.status, f.size = r.Status, 0
	if r.Body != nil {
		f.size = r.Body.Size()
	}
	if f.why == "" {
		var ok bool
		if f.vary, ok = freshness.AppendVary(nil, r.Fields, f.request); !ok {
			f.why = string(freshness.ReasonVary)
		} else if s.rules.private && reflects(r.Fields, f.request) {
			f.why = whyCORS
		}
	}
	if f.why == "" {
		f.why = f.place()
	}
	f.window = f.window || f.why != ""
	var head exchange.Fields
	if f.why != "" {
		head = r.Fields
	} else {
		freshness.Strip(r.Fields, &head, &d, s.rules.private)
		addDate(t, &head, now)
	}
	f.head = clone(head)
	f.note(t)
}

// judge decides whether an answer may be stored.
func (s *Stage) judge(f *fill, status int, head exchange.Fields, asked, came time.Time) (freshness.Terms, freshness.Reason) {
	return freshness.Judge(&freshness.Arrival{Method: exchange.MethodGet, Status: status, Request: f.auth, Response: head,
		Keyed: s.rules.identifies(), Asked: asked, Came: came}, &s.terms)
}

// reflects reports whether an answer allows the origin of the page that asked, and does not say that it depends on it.
func reflects(response, request exchange.Fields) bool {
	allowed := response.Get(exchange.NameAccessControlAllowOrigin)
	if allowed == nil || string(allowed) == "*" || request.Get(exchange.NameOrigin) == nil {
		return false
	}
	for i := range response {
		if response[i].ID == exchange.NameVary && exchange.HasToken(response[i].Value, "origin") {
			return false
		}
	}
	return true
}

// addDate adds the date of an answer that has none (RFC 9110 section 6.6.1): its age is counted from now.
func addDate(t *exchange.Exchange, head *exchange.Fields, now time.Time) {
	if head.Get(exchange.NameDate) == nil {
		head.Add(exchange.NameDate, represent.AppendDate(t.Scratch.Alloc(represent.DateBytes)[:0], now))
	}
}

// offer shows the head to who waits.
func (f *fill) offer() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.offered()
	f.tell()
}

// offered settles the phase. The caller holds mu.
func (f *fill) offered() {
	if f.phase != asking {
		return
	}
	if f.phase = flowing; f.why != "" {
		f.phase = private
		if !freshness.Failed(f.status) && f.why != whyPurged { // who asks next may get what is stored in its place, or the next fill's
			f.stage.keep.marks.add(f.key)
		}
		f.stage.keep.fills.remove(f)
	}
}

// finish ends a body that is whole, and has it stored.
func (f *fill) finish(t *exchange.Exchange) {
	trailers := clone(t.Resp.Trailers)
	var o *storage.Object
	if f.why == "" {
		o = f.store(trailers)
	}
	f.close()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.offered()
	f.trailers, f.object, f.done = trailers, o, true
	f.note(t)
	f.tell()
}

// store puts the answer into the store.
func (f *fill) store(trailers exchange.Fields) *storage.Object {
	d := storage.Draft{Key: f.key, Signature: f.vary, Status: f.status, Terms: f.terms, Head: f.head, Trailers: trailers, Number: f.number}
	freshness.Groups(f.head, func(group []byte) { d.Groups = append(d.Groups, append([]byte(nil), group...)) })
	f.mu.Lock()
	if d.Spool = f.spool; d.Spool == nil {
		d.Body = f.pieces
	}
	f.unreserve() // Put counts it anew
	f.mu.Unlock()
	o := f.stage.keep.store.Put(&d)
	if o == nil {
		f.mu.Lock()
		if f.why = whyPurged; f.stage.keep.store.Number() == f.number { // with its head it is larger than what is kept
			f.why = whyLarge
		}
		f.mu.Unlock()
		return nil
	}
	f.stage.route.note(f.target)
	return o
}

// renew takes a 304: what is stored holds, under the head that it has now (RFC 9111 section 4.3.4).
func (f *fill) renew(t *exchange.Exchange, now time.Time) error {
	s, r := f.stage, &t.Resp
	var stored, head exchange.Fields
	f.old.Head(&stored)
	if tag := r.Fields.Get(exchange.NameETag); tag != nil && !represent.Same(tag, stored.Get(exchange.NameETag)) {
		s.keep.store.Drop(f.old) // the origin speaks of another one
		f.again(t)
		return nil
	}
	if s.front != nil && string(r.Fields.Get(exchange.NameVary)) == exchange.NameAcceptEncoding.String() {
		r.Fields.Del(exchange.NameVary) // of what encodes, which cannot know whether it would have
	}
	freshness.Freshen(stored, r.Fields, &head)
	terms, why := s.judge(f, f.old.Status(), head, t.Now, now)
	o := f.old
	switch vary, ok := freshness.AppendVary(nil, head, f.request); {
	case why != freshness.ReasonNone:
		s.keep.store.Drop(f.old) // it served its last time
	case !ok || !bytes.Equal(vary, f.old.Signature()):
		s.keep.store.Drop(f.old) // it is the answer to other requests than it was
		f.again(t)
		return nil
	default:
		d := freshness.ResponseDirectives(head)
		var kept exchange.Fields
		freshness.Strip(head, &kept, &d, s.rules.private)
		addDate(t, &kept, now)
		o = s.keep.store.Refresh(f.old, terms, kept, f.number)
	}
	f.close()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done = true; o == nil { // purged meanwhile
		f.phase, f.err = failed, errAgain
	} else {
		f.phase, f.object = valid, o
	}
	f.note(t)
	f.tell()
	return nil
}

// again has who waits begin anew. t is nil if the origin was not asked.
func (f *fill) again(t *exchange.Exchange) {
	f.close()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.phase, f.err, f.done = failed, errAgain, true
	if t != nil {
		f.note(t)
	}
	f.tell()
}

// errAgain says that what was fetched is of no use to anybody, and that the next try will not meet the same.
var errAgain = fault.New(fault.Internal, "BUG: a fill to be made anew was taken for an answer")

// clone returns fields in memory of their own.
func clone(fields exchange.Fields) exchange.Fields {
	if len(fields) == 0 {
		return nil
	}
	n := 0
	for i := range fields {
		if n += len(fields[i].Value); fields[i].ID == exchange.NameOther {
			n += len(fields[i].Name)
		}
	}
	text, out := make([]byte, 0, n), make(exchange.Fields, len(fields))
	take := func(b []byte) []byte {
		text = append(text, b...)
		return text[len(text)-len(b) : len(text) : len(text)]
	}
	for i := range fields {
		out[i] = exchange.Field{ID: fields[i].ID, Name: fields[i].ID.Bytes(), Value: take(fields[i].Value)}
		if fields[i].ID == exchange.NameOther {
			out[i].Name = take(fields[i].Name)
		}
	}
	return out
}

// endOf turns the end of a body into success.
func endOf(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
