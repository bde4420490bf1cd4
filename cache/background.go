package cache

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/exchange"
)

// A Site is where the requests come from that a cache makes itself.
type Site struct {
	Hosts []string // of the entrypoint, those without a wildcard
	HTTPS bool     // how clients ask for them
}

// errand is a request that the cache makes itself: its exchange has no client, and its answer ends in memory.
type errand struct {
	exchange.Discard
	stage      *Stage          // whose rules say what everybody's is; nil: nobody asks
	request    exchange.Fields // as it was made
	body       []byte
	everybodys bool // the answer may be stored, and fits requests without a session
}

// Send keeps the answer, up to errandBytesMax.
func (e *errand) Send(x *exchange.Exchange) error {
	x.Resp.Started = true
	if x.Resp.Body == nil || x.Fault != nil {
		return nil
	}
	if e.stage != nil {
		e.everybodys = e.stage.everybodys(x, e.request)
	}
	for {
		view, err := x.Resp.Body.Next()
		e.body = append(e.body, view[:min(len(view), errandBytesMax-len(e.body))]...)
		if err != nil {
			return endOf(err)
		}
	}
}

// everybodys reports whether an answer to a request with a cookie may be stored and given to one without.
func (s *Stage) everybodys(x *exchange.Exchange, request exchange.Fields) bool {
	_, why := freshness.Judge(&freshness.Arrival{Method: x.Req.Method, Status: x.Resp.Status, Request: request, Response: x.Resp.Fields,
		Asked: x.Now, Came: time.Now()}, &s.terms)
	signature, ok := freshness.AppendVary(nil, x.Resp.Fields, request)
	others := slices.DeleteFunc(slices.Clone(request), func(f exchange.Field) bool { return f.ID == exchange.NameCookie })
	return why == freshness.ReasonNone && ok && freshness.Matches(signature, others)
}

// request returns an exchange that asks a host for a path, with a query, and with more fields.
func (s *Stage) request(host, target string, more ...exchange.Field) *exchange.Exchange {
	x := exchange.Acquire()
	r := &x.Req
	path, query, asks := strings.Cut(target, "?")
	r.Method, r.MethodName, r.Minor = exchange.MethodGet, get, 1
	r.Host, r.Authority = []byte(host), []byte(host)
	r.Target, r.Path, r.RawPath = []byte(target), []byte(path), []byte(path)
	if asks {
		r.Query = []byte(query)
	}
	r.Fields.Add(exchange.NameUserAgent, agent)
	r.Fields.Add(exchange.NameAccept, []byte("*/*"))
	r.Fields = append(r.Fields, more...)
	r.Sent = append(r.Sent, r.Fields...)
	x.Now, x.Route = time.Now(), s.route.label
	x.Facts.Client.HTTPS = s.site.HTTPS
	e := &x.Facts.Entry
	e.Entrypoint, e.Route, _ = strings.Cut(s.route.label, "/")
	e.LogOff = true
	return x
}

var agent = []byte("Skerry-Cache")

// ask makes a request along the cache and what is behind it, and returns the answer's body.
func (s *Stage) ask(host, target string, more ...exchange.Field) (body []byte, outcome exchange.CacheOutcome, status int) {
	return s.run(s.whole, host, target, more...)
}

// run makes a request along a path.
func (s *Stage) run(path *exchange.Path, host, target string, more ...exchange.Field) (body []byte, outcome exchange.CacheOutcome, status int) {
	x := s.request(host, target, more...)
	defer x.Release()
	var e errand
	x.Sink = &e
	path.Run(x)
	if status = x.Resp.Status; x.Fault != nil {
		status = 0
	}
	return e.body, x.Facts.Cache.Outcome, status
}

// Use puts the stages of a plan in the place of those of the one before: for these answers are fetched ahead, and these are probed.
func (k *Keeper) Use(stages []*Stage) {
	if k.idle {
		return
	}
	var tasks []*task
	byRoute := make(map[string]*Stage, len(stages))
	for _, s := range stages {
		tasks = append(tasks, s.tasks()...)
		byRoute[s.route.label] = s
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	old := map[string]*task{}
	for _, t := range k.tasks {
		old[t.name] = t
	}
	for _, t := range tasks {
		if o := old[t.name]; o != nil {
			t.due = o.due
		}
	}
	k.tasks, k.stages = tasks, byRoute
	k.useTurns(byRoute)
	k.begin()
}

// begin starts what does the tasks, if it may and there are any. With mu.
func (k *Keeper) begin() {
	if k.begun && len(k.tasks) > 0 && !k.working {
		k.working = true
		k.running.Go(k.work)
	}
}

// task is something to do again and again.
type task struct {
	name string
	due  time.Time
	do   func(now time.Time) (next time.Time)
}

// tasks are what a stage does without being asked.
func (s *Stage) tasks() (list []*task) {
	for _, host := range s.site.Hosts {
		for _, target := range s.prerender {
			for _, coding := range s.codings {
				list = append(list, &task{name: strings.Join([]string{s.route.label, host, target, coding}, " "),
					do: func(now time.Time) time.Time { return s.ahead(now, host, target, coding) }})
			}
		}
	}
	if p := s.probe; p != nil && len(s.site.Hosts) > 0 {
		list = append(list, &task{name: s.route.label, do: p.check})
	}
	return list
}

// work does what is due until the keeper is closed, a few things at once.
func (k *Keeper) work() {
	tick := time.NewTicker(workInterval)
	defer tick.Stop()
	places := make(chan struct{}, workersMax)
	for {
		for _, t := range k.dueTasks(time.Now()) {
			select {
			case <-k.quit:
				return
			case places <- struct{}{}:
			}
			k.running.Go(func() {
				defer func() { <-places }()
				next := t.do(time.Now())
				k.mu.Lock()
				t.due = next
				k.mu.Unlock()
			})
		}
		select {
		case <-k.quit:
			return
		case <-tick.C:
		}
	}
}

// dueTasks returns what is due, and sees to it that nobody does it twice.
func (k *Keeper) dueTasks(now time.Time) (list []*task) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.lent.Load() {
		return nil
	}
	for _, t := range k.tasks {
		if t.due.Before(now) {
			t.due = now.Add(time.Hour) // until it is done
			list = append(list, t)
		}
	}
	return list
}

// ahead sees to it that an answer is stored and stays fresh, and says when to look again.
func (s *Stage) ahead(now time.Time, host, target, coding string) time.Time {
	x := s.request(host, target, exchange.Field{ID: exchange.NameAcceptEncoding, Name: exchange.NameAcceptEncoding.Bytes(), Value: []byte(coding)})
	defer x.Release()
	if s.front != nil {
		s.front.Request(x)
	}
	c := calls.Get().(*call)
	x.Facts.Cache.Held = c
	defer s.Done(x)
	l := &c.look
	if why := s.read(x, l, c); why != "" {
		return now.Add(prerenderPause)
	}
	o := s.find(l)
	if o == nil || o.Softened() || o.Terms().Left(now) < early(o.Terms().Lifetime) {
		f, mine := s.keep.fills.join(idOf(x, l), s, true)
		if !mine || s.begin(f, x, l, o) {
			f.wait()
		}
		if o = s.find(l); o == nil {
			return now.Add(prerenderPause)
		}
	}
	left := o.Terms().Left(time.Now()) - early(o.Terms().Lifetime)
	return time.Now().Add(max(left, prerenderLeast))
}

// early is how long before it is stale an answer is fetched anew.
func early(lifetime int64) time.Duration { return max(time.Duration(lifetime)/10, prerenderLeast) }

// wait waits for the end of a fill.
func (f *fill) wait() {
	for {
		f.mu.Lock()
		if f.done {
			f.mu.Unlock()
			return
		}
		change := f.change()
		f.mu.Unlock()
		<-change
	}
}

// contains reports whether a body has a marker in it.
func contains(body []byte, marker string) bool {
	return marker != "" && bytes.Contains(body, []byte(marker))
}
