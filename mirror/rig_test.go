package mirror_test

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/mirror"
	"skerry.dev/skerry/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a mirror with a service that gets the copies and one that gets the originals.
type rig struct {
	t      testing.TB
	set    *meter.Set
	keep   *mirror.Keeper
	stage  *mirror.Stage
	shadow *exchangetest.Origin
	origin *exchangetest.Origin
	path   *exchange.Path

	mu     sync.Mutex
	copies []string // what shadow got
	took   []string // what origin got
}

// newRig makes a rig whose shadow answers as told after it has noted what it got. before stand in the tail before it.
func newRig(t testing.TB, m spec.Mirror, answer func(*exchange.Exchange) exchange.Verdict, before ...exchange.Stage) *rig {
	t.Helper()
	r := &rig{t: t, set: meter.NewSet()}
	r.keep = mirror.NewKeeper(r.set)
	r.shadow = &exchangetest.Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
		if v := answer(x); v != exchange.Respond || x.Fault != nil {
			return v
		}
		r.note(&r.copies, x)
		return exchange.Respond
	}}
	r.origin = &exchangetest.Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
		if err := r.note(&r.took, x); err != nil {
			return x.Fail(err)
		}
		return exchangetest.Say(200, "real")(x)
	}}
	m.Service = &spec.Service{Meta: spec.Meta{Name: "shadow"}}
	stage, problems := mirror.New(&m, exchange.NewPath(exchangetest.RenderText, append(before, r.shadow)...), r.keep)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	r.stage = stage
	r.path = exchange.NewPath(exchangetest.RenderText, r.stage, r.origin)
	return r
}

// note keeps what a service got, the body as upstream sends it: in one piece if it can be had so.
func (r *rig) note(to *[]string, x *exchange.Exchange) error {
	text := exchangetest.Dump(x)
	if b := x.Req.Body; b != nil {
		body, pieces, err := bodyOf(b)
		if err != nil {
			return err
		}
		text += fmt.Sprintf("\n%d in %d: %s", b.Size(), pieces, body)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	*to = append(*to, text)
	return nil
}

// bodyOf reads a body as wire/h1 does for an origin.
func bodyOf(b exchange.Body) (text string, pieces int, err error) {
	if w, ok := b.(exchange.Whole); ok {
		if whole, err := w.Whole(); err != nil || whole != nil {
			return string(whole), 1, err
		}
	}
	for {
		view, err := b.Next()
		if text += string(view); len(view) > 0 {
			pieces++
		}
		if err == io.EOF {
			return text, pieces, nil
		}
		if err != nil {
			return text, pieces, err
		}
	}
}

// ask runs a request and returns what the client got; edit may be nil.
func (r *rig) ask(request string, edit func(x *exchange.Exchange)) string {
	r.t.Helper()
	x := exchangetest.Request(request)
	if edit != nil {
		edit(x)
	}
	to := exchangetest.Of(x)
	own := x.Req.Body
	r.path.Run(x)
	if x.Req.Body != own {
		r.t.Error("after Done the exchange has another body than the protocol's")
	}
	x.Release()
	return fmt.Sprint(to.Status, " ", to.Body)
}

// got closes the keeper and returns what shadow and origin got.
func (r *rig) got() (copies, took []string) {
	r.keep.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.copies, r.took
}

// counts is the outcomes that are not 0.
func (r *rig) counts() string {
	var list []string
	for _, m := range r.set.All() {
		if m.Name == "skerry_mirrored_total" && m.Counter.Value() > 0 {
			list = append(list, fmt.Sprint(m.Labels[1].Value, " ", m.Counter.Value()))
		}
	}
	return strings.Join(list, ", ")
}

// events is the texts of all events.
func (r *rig) events() (texts []string) {
	for _, e := range r.set.Events().Since(0) {
		texts = append(texts, e.Kind+": "+e.Text)
	}
	return texts
}

var everything = spec.Mirror{Share: 1, BodyMax: 64 << 10}

// chosen is a stage of the rig's keeper with a tail of its own.
func chosen(t testing.TB, r *rig, tail ...exchange.Stage) *mirror.Stage {
	m := everything
	m.Service = &spec.Service{Meta: spec.Meta{Name: "shadow"}}
	s, problems := mirror.New(&m, exchange.NewPath(exchangetest.RenderText, tail...), r.keep)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return s
}
