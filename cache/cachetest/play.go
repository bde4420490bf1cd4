package cachetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"time"
)

// answer is what a client got.
type answer struct {
	status  int
	header  http.Header
	trailer http.Header
	body    string
	interim []string
	err     error // of reading the body, or of the request as a whole: then status is 0
}

// Result is how one case went.
type Result struct {
	Case *Case
	Err  error // nil: as the row says
}

// Play plays the cases that a target can be asked, in an order drawn from a seed, and returns how each went.
func Play(ctx context.Context, target Target, cases []Case, seed uint64) []Result {
	order := rand.New(rand.NewPCG(seed, 0))
	client := *target.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	target.Client = &client
	var results []Result
	for i := range cases {
		c := &cases[i]
		if target.Routes[c.Route] != "" && (target.CacheStatus != "" || !c.tells()) && (target.Purge != nil || !c.purges()) {
			results = append(results, Result{Case: c})
		}
	}
	order.Shuffle(len(results), func(i, j int) { results[i], results[j] = results[j], results[i] })
	word := fmt.Sprintf("c%x", order.Uint64())
	var playing sync.WaitGroup
	places := make(chan struct{}, casesAtOnce)
	for i := range results {
		places <- struct{}{}
		playing.Go(func() {
			r := &results[i]
			r.Err = target.play(ctx, r.Case, fmt.Sprintf("%s-%d", word, i))
			<-places
		})
	}
	playing.Wait()
	return results
}

// play plays one case.
func (t *Target) play(ctx context.Context, c *Case, id string) error {
	p := t.Origin.open(names{id: id, base: t.Routes[c.Route], start: time.Now()})
	defer t.Origin.forget(p)
	for i := range c.Steps {
		s := &c.Steps[i]
		if err := t.step(ctx, c, p, s); err != nil {
			return fmt.Errorf("step %d, %s /%s%s: %w", i+1, s.Method, id, s.Path, err)
		}
		wait := s.Pause
		if t.Slow {
			wait = max(wait, 10*againEvery)
		}
		if err := pauseFor(ctx, wait); err != nil {
			return err
		}
	}
	return nil
}

func (t *Target) step(ctx context.Context, c *Case, p *play, s *Step) error {
	if s.Purge != "" {
		return t.Purge(t.Routes[c.Route], p.names.expand(s.Purge))
	}
	limit := time.Now().Add(inTheEnd)
	for {
		p.begin(s)
		got := t.crowd(ctx, c, p, s)
		if s.Behind {
			if err := p.awaitAsk(); err != nil {
				return err
			}
		}
		err := t.judge(p, s, got)
		if err == nil || !s.Again || time.Now().After(limit) {
			return err
		}
		if err := pauseFor(ctx, againEvery); err != nil {
			return err
		}
	}
}

// crowd asks as often as the step says, all at once.
func (t *Target) crowd(ctx context.Context, c *Case, p *play, s *Step) []answer {
	got := make([]answer, max(s.Crowd, 1))
	var asking sync.WaitGroup
	for i := range got {
		asking.Go(func() { got[i] = t.ask(ctx, c, p, s) })
	}
	asking.Wait()
	return got
}

// ask asks once.
func (t *Target) ask(ctx context.Context, c *Case, p *play, s *Step) (a answer) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var mu sync.Mutex // a transport may tell of an interim response from another goroutine
	sent := sync.OnceFunc(p.sending())
	wrote := func(httptrace.WroteRequestInfo) { sent() }
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: wrote, Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		mu.Lock()
		defer mu.Unlock()
		a.interim = append(a.interim, interimLine(code, h))
		return nil
	}})
	base := t.Routes[c.Route]
	if s.Other {
		base = t.Others[c.Route]
	}
	var body io.Reader
	if s.Body != "" {
		body = strings.NewReader(s.Body)
	}
	q, err := http.NewRequestWithContext(ctx, s.Method, base+"/"+p.names.id+p.names.expand(s.Path), body)
	if err != nil {
		return answer{err: err}
	}
	eachField(p.names.expand(s.Send), func(name, value string) { q.Header.Add(name, value) })
	resp, err := t.Client.Do(q)
	mu.Lock()
	defer mu.Unlock()
	if err != nil {
		a.err = err
		return a
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, answerBytesMax))
	a.status, a.header, a.trailer, a.body, a.err = resp.StatusCode, resp.Header, resp.Trailer, string(text), err
	return a
}

// interimLine is an interim response as Step.Told has it, with its Link and X- fields.
func interimLine(code int, h textproto.MIMEHeader) string {
	line := fmt.Sprint(code)
	for _, name := range []string{"Link", "X-Early"} {
		for _, v := range h[name] {
			line += " " + name + ": " + v
		}
	}
	return line
}

func pauseFor(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errors.New("the run was ended")
	}
}
