package waf

import (
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// policyOf is the policy of an entrypoint that says this of its firewall, indented by two.
func policyOf(t testing.TB, says string) *spec.Policy {
	t.Helper()
	s, problems := spec.Parse([]spec.File{{Name: "x.yaml", Data: []byte(
		"apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: shop, owner: team-shop}\nspec:\n  hosts: [shop.test]\n  service: http://a\n" + says)}})
	if len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	return &s.Entrypoints[0].Policy
}

// keeperOf is a keeper until the test ends.
func keeperOf(t testing.TB, o Options) *Keeper {
	t.Helper()
	if o.Meters == nil {
		o.Meters = meter.NewSet()
	}
	k := NewKeeper(o)
	t.Cleanup(k.Close)
	return k
}

// stageOf is the stage of a policy.
func stageOf(t testing.TB, k *Keeper, says string) *Stage {
	t.Helper()
	s, problems := New(policyOf(t, says), k)
	if len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	return s
}

// total is what a counter or gauge says; of the series with a label if one is given.
func total(set *meter.Set, name, label string) (sum float64) {
	for _, m := range set.All() {
		has := label == ""
		for _, l := range m.Labels {
			has = has || l.Value == label
		}
		switch {
		case m.Name != name || !has:
		case m.Counter != nil:
			sum += float64(m.Counter.Value())
		case m.Func != nil:
			sum += m.Func()
		}
	}
	return sum
}

// jsonHead is the head of a POST of JSON.
const jsonHead = "POST / HTTP/1.1\nHost: shop.test\nUser-Agent: t\nAccept: */*\nContent-Type: application/json\n"

// pulled is a body of unknown size that is a list of pieces; each is made when it is asked for.
type pulled struct {
	pieces []func() []byte
	at     int
	closed bool
}

func pieces(texts ...string) *pulled {
	b := &pulled{}
	for _, s := range texts {
		b.pieces = append(b.pieces, func() []byte { return []byte(s) })
	}
	return b
}

func (b *pulled) Next() ([]byte, error) {
	if b.at == len(b.pieces) {
		return nil, errEnd
	}
	b.at++
	return b.pieces[b.at-1](), nil
}

func (b *pulled) Size() int64  { return -1 }
func (b *pulled) Replay() bool { return false }
func (b *pulled) Close() error { b.closed = true; return nil }

// run takes a request with a body along a path of stages and an origin that reads the body, and returns what became of it.
func run(text string, body exchange.Body, stages ...exchange.Stage) (r *exchangetest.Recorder, got string, err error) {
	x := exchangetest.Request(text)
	defer x.Release()
	x.Req.Body = body
	asked := &exchangetest.Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
		for b := x.Req.Body; b != nil; {
			view, end := b.Next()
			if got += string(view); end != nil {
				break
			}
		}
		return exchangetest.Say(200, "hello")(x)
	}}
	exchange.NewPath(exchangetest.RenderText, append(stages, asked)...).Run(x)
	if x.Req.Body != body {
		err = fmt.Errorf("the request's own body is not back in its place: %T", x.Req.Body)
	}
	return exchangetest.Of(x), got, err
}
