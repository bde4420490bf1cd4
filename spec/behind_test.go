package spec_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"skerry.dev/skerry/spec"
)

// TestDefaultsOfServices holds what is in force for a service that says nothing, written out or inline.
func TestDefaultsOfServices(t *testing.T) {
	f := func(url string, tls spec.OriginTLS) {
		t.Helper()
		s := mustParse(t, yaml(six+"  routes: [{match: {path: /a}, service: cart}, {match: {path: /b}, service: \""+url+"\"}]\n"+
			"---\napiVersion: skerry.dev/v1\nkind: Service\nmetadata: {name: cart}\nspec: {endpoints: [\""+url+"\"]}\n"))
		seen := 0
		for _, v := range s.Services {
			if v.Meta.Name != "cart" && v.Meta.Name != url {
				continue
			}
			seen++
			at := v.Endpoints[0].At
			want := spec.Service{
				Meta: spec.Meta{Name: v.Meta.Name}, At: v.At, Inline: v.Inline, Host: spec.HostPreserve, Protocol: spec.ProtocolHTTP1, Proxy: spec.ProxyOff,
				Endpoints: []spec.Endpoint{{TLS: tls.MinVersion != "", Host: "a", Port: map[bool]uint16{false: 80, true: 443}[tls.MinVersion != ""], At: at, Weight: 1}},
				Timeouts:  spec.Timeouts{Connect: 2 * time.Second, FirstByte: 30 * time.Second, Idle: time.Minute},
				KeepAlive: spec.KeepAlive{Max: 256, Idle: 55 * time.Second, Age: time.Hour},
				Balance:   spec.Balance{By: spec.ByPowerOfTwo, Key: spec.KeyAddress, Panic: 0.5, Spill: 100},
				Ejection:  spec.Ejection{Failures: 5, Time: 30 * time.Second, Share: 0.5}, RetryBudget: spec.RetryBudget{Share: 0.2, PerSecond: 10},
				DNS: spec.DNS{Family: spec.FamilyAuto, TTLMin: time.Second, TTLMax: 5 * time.Minute}, TLS: tls,
			}
			for i, n := 0, reflect.TypeFor[spec.Service]().NumField(); i < n; i++ {
				field := reflect.TypeFor[spec.Service]().Field(i)
				if got, want := reflect.ValueOf(*v).Field(i), reflect.ValueOf(want).Field(i); field.IsExported() && field.Name != "Sources" && !reflect.DeepEqual(got.Interface(), want.Interface()) {
					t.Errorf("%s: %s is %+v, want %+v", v.Meta.Name, field.Name, got, want)
				}
			}
			if at.Line == 0 || len(v.Sources) < 18 || v.Sources[0].Value != "["+url+"]" {
				t.Errorf("%s: at %v, sources %v", v.Meta.Name, at, v.Sources)
			}
		}
		if seen != 2 {
			t.Errorf("%d services", seen)
		}
	}
	f("http://a", spec.OriginTLS{})
	f("https://a", spec.OriginTLS{MinVersion: "1.2"})
}

// TestInlineServicesAreTheirOwn: they start from one value in memory.
func TestInlineServicesAreTheirOwn(t *testing.T) {
	s := mustParse(t, yaml(six+"  routes: [{match: {path: /a}, service: http://a}, {match: {path: /b}, service: http://b}]\n"))
	var from []string
	for _, v := range s.Services {
		from = append(from, v.Sources[0].Value+" "+v.Sources[0].From+" "+v.Endpoints[0].Host)
	}
	want := []string{
		"[http://127.0.0.1:9000] spec x.yaml:6:12 127.0.0.1", "[http://a] spec x.yaml:7:41 a", "[http://b] spec x.yaml:7:81 b",
	}
	if !slices.Equal(from, want) {
		t.Errorf("got %q", from)
	}
}

func TestDirectoriesHaveNothingOfEndpoints(t *testing.T) {
	v := mustParse(t, yaml("apiVersion: skerry.dev/v1\nkind: Service\nmetadata: {name: files}\nspec: {directory: {path: .}}\n")).Services[0]
	if v.Balance != (spec.Balance{}) || v.Ejection != (spec.Ejection{}) || v.Protocol != "" || v.DNS != (spec.DNS{}) || v.RetryBudget != (spec.RetryBudget{}) {
		t.Errorf("got %+v", v)
	}
}

// TestProtocol holds the model of a service's protocol.
func TestProtocol(t *testing.T) {
	f := func(line string, want spec.Protocol) {
		t.Helper()
		v := mustParse(t, yaml("apiVersion: skerry.dev/v1\nkind: Service\nmetadata: {name: cart}\nspec: {endpoints: [http://a]"+line+"}\n")).Services[0]
		if v.Protocol != want {
			t.Errorf("%q: got %q, want %q", line, v.Protocol, want)
		}
	}
	f("", spec.ProtocolHTTP1)
	f(", protocol: http1", spec.ProtocolHTTP1)
	f(", protocol: http2", spec.ProtocolHTTP2)
}

// TestStreamAge holds the model of streamAge: what each profile says, and off.
func TestStreamAge(t *testing.T) {
	f := func(fields string, want time.Duration) {
		t.Helper()
		p := mustParse(t, yaml(six+fields)).Entrypoints[0].Policy
		if p.StreamAge == nil || *p.StreamAge != want {
			t.Errorf("%q: got %v, want %v", fields, p.StreamAge, want)
		}
	}
	f("", 24*time.Hour)
	for name, want := range map[string]time.Duration{
		"website": 24 * time.Hour, "api": 24 * time.Hour, "partner-api": 24 * time.Hour, "static": 24 * time.Hour, "webhook": time.Hour, "plain": 0,
	} {
		f("  profile: "+name+"\n", want)
	}
	f("  streamAge: 90m\n", 90*time.Minute)
	f("  streamAge: off\n", 0)
	f("  streamAge: false\n", 0)
	f("  streamAge: 30d\n", 720*time.Hour)
}

// TestHowARouteIsAsked holds the model of retry, hedge, priority and mirror, off included.
func TestHowARouteIsAsked(t *testing.T) {
	f := func(fields string, retry spec.Retry, hedge spec.Hedge, priority spec.Priority) {
		t.Helper()
		r := mustParse(t, yaml(six+"  routes: [{service: http://a, match: {path: /a}"+fields+"}]\n")).Entrypoints[0].Routes[0]
		if p := r.Policy; !reflect.DeepEqual(*p.Retry, retry) || *p.Hedge != hedge || *p.Priority != priority || r.Mirror != nil {
			t.Errorf("%s: got %+v, %+v, %+v, %+v", fields, *p.Retry, *p.Hedge, *p.Priority, r.Mirror)
		}
	}
	usual, normal := spec.Retry{Tries: 3, Statuses: []int{502, 503}}, spec.Priority{Class: spec.ClassNormal, Crawlers: spec.ClassLow}
	f("", usual, spec.Hedge{}, normal)
	f(", retry: on, hedge: off", usual, spec.Hedge{}, normal)
	f(", retry: off", spec.Retry{Tries: 1}, spec.Hedge{}, normal)
	f(", retry: {tries: 5, statuses: [503, 429], idempotencyKey: on}", spec.Retry{Tries: 5, Statuses: []int{429, 503}, IdempotencyKey: true}, spec.Hedge{}, normal)
	f(", retry: {statuses: []}", spec.Retry{Tries: 3, Statuses: []int{}}, spec.Hedge{}, normal)
	f(", hedge: {after: 50ms}", usual, spec.Hedge{After: 50 * time.Millisecond}, normal)
	f(", priority: critical", usual, spec.Hedge{}, spec.Priority{Class: spec.ClassCritical, Crawlers: spec.ClassLow})
	f(", priority: {class: high, crawlers: normal}", usual, spec.Hedge{}, spec.Priority{Class: spec.ClassHigh, Crawlers: spec.ClassNormal})

	s := mustParse(t, yaml(six+"  routes: [{service: http://a, match: {path: /a}, mirror: {service: http://b}}]\n"))
	m := s.Entrypoints[0].Routes[0].Mirror
	if m == nil || m.Service != s.Services[2] || m.Share != 1 || m.BodyMax != 64<<10 {
		t.Errorf("got %+v", m)
	}
}
