package observe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"skerry.dev/skerry/meter"
)

// A sender delivers encoded batches, one at a time. It belongs to the tracer's goroutine.
type sender struct {
	encoder
	client *http.Client
	url    string
	shown  string // url as errors and events show it: without its query
	header http.Header
	quit   <-chan struct{}
	events *meter.Events

	exported, failed, rejected *meter.Counter

	notBefore time.Time     // when the receiver may be asked again
	backoff   time.Duration // the pause after the next failure; 0: backoffMin
	told      time.Time     // when the last event said that spans are lost
	unwell    bool          // an event said so, and none since that it is over
	over      bool          // an attempt failed while the tracer closes: the rest is not tried
	lostAtEnd int           // spans that were lost while the tracer closed
}

func (s *sender) open(opt TracerOptions, quit <-chan struct{}) error {
	u, err := receiver(opt.Endpoint)
	if err != nil {
		return err
	}
	if s.header, err = headers(opt.Headers); err != nil {
		return err
	}
	s.header.Set("Content-Type", protobufType)
	if s.header.Get("User-Agent") == "" {
		s.header.Set("User-Agent", strings.TrimSuffix("skerry/"+opt.Version, "/"))
	}
	s.url = u.String()
	u.RawQuery = ""
	s.shown = u.String()
	s.encoder, s.quit, s.events = newEncoder(opt.Service, opt.Version), quit, opt.Meters.Events()
	s.exported = opt.Meters.Counter("skerry_spans_exported_total", "Spans that the receiver took.")
	s.failed, s.rejected = droppedSpans(opt.Meters, "failed"), droppedSpans(opt.Meters, "rejected")
	dial := opt.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	s.client = &http.Client{
		Timeout: attemptTimeout,
		// One connection, no compression, and no following: the headers are for this receiver only.
		Transport:     &http.Transport{DialContext: dial, MaxConnsPerHost: 1, DisableCompression: true, MaxResponseHeaderBytes: answerBytesMax},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return nil
}

const protobufType = "application/x-protobuf"

// receiver reads the URL of a receiver.
func receiver(endpoint string) (*url.URL, error) {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil:
		return nil, errors.New("the endpoint is no URL") // the parser's error would show all of it
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, errors.New("the endpoint must be http://HOST:PORT or https://HOST:PORT, of a receiver of OTLP over HTTP; its usual port is 4318")
	case u.User != nil:
		return nil, errors.New("the endpoint must not hold a user or a password: put them into a header")
	case u.Fragment != "":
		return nil, errors.New("the endpoint must not have a fragment (#…)")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	return u, nil
}

// headers checks what is sent with every request. Errors never hold a value.
func headers(from map[string]string) (http.Header, error) {
	h := http.Header{}
	for name, value := range from {
		switch {
		case name == "" || strings.IndexFunc(name, notInName) >= 0:
			return nil, fmt.Errorf("%q is no name of a header", name)
		case strings.IndexFunc(value, notInValue) >= 0:
			return nil, fmt.Errorf("the value of the header %s has a control character", name)
		}
		switch key := http.CanonicalHeaderKey(name); key {
		case "Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding", "Connection", "Host", "Trailer":
			return nil, fmt.Errorf("the header %s is the exporter's own", key)
		default:
			h.Set(key, value)
		}
	}
	return h, nil
}

// notInName reports what is no tchar (RFC 9110 section 5.6.2).
func notInName(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
}

func notInValue(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// deliver sends a message with n spans until the receiver has answered for good, the budget is used up or the tracer
// closes, and counts what became of them. err is what was wrong with the message.
func (s *sender) deliver(ctx context.Context, body []byte, n int, err error) {
	if err != nil {
		s.lose(n, "BUG: a batch could not be encoded: "+err.Error())
		return
	}
	var deadline time.Time // for the beginning of a further attempt
	for !s.over {
		closing := s.pause()
		if deadline.IsZero() {
			deadline = time.Now().Add(retryBudget)
		}
		a := s.attempt(ctx, body)
		if a.taken() {
			s.took(n, a)
			return
		}
		if a.again() {
			s.delay(a.retryAfter)
		}
		s.over = closing || s.closing()
		if s.over || !a.again() || s.notBefore.After(deadline) {
			s.lose(n, a.String())
			return
		}
	}
	s.lose(n, "")
}

// pause waits until the receiver may be asked again. It reports true, at once, if the tracer closes.
func (s *sender) pause() (closing bool) {
	wait := time.Until(s.notBefore)
	if wait <= 0 || s.closing() {
		return s.closing()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false
	case <-s.quit:
		return true
	}
}

func (s *sender) closing() bool {
	select {
	case <-s.quit:
		return true
	default:
		return false
	}
}

// delay sets when the receiver may be asked again after a failure: when it says so, or after a pause that grows from
// failure to failure, also from batch to batch, until it takes one.
func (s *sender) delay(wait time.Duration) {
	if wait == 0 {
		wait = max(s.backoff, backoffMin)
		s.backoff = min(2*wait, backoffMax)
		wait += rand.N(wait / 4)
	}
	s.notBefore = time.Now().Add(wait)
}

// took counts a batch that the receiver took, perhaps not all of it.
func (s *sender) took(n int, a answer) {
	s.backoff = 0
	rejected := int(min(max(a.rejected, 0), int64(n)))
	s.exported.Add(uint64(n - rejected))
	s.rejected.Add(uint64(rejected))
	switch {
	case rejected > 0:
		s.tell(fmt.Sprintf("%s rejected %d of %d spans: %q", s.shown, rejected, n, a.message))
	case s.unwell:
		s.unwell = false
		s.events.Add("traces", s.shown+" takes spans again")
	}
}

// lose counts spans that are dropped; why is empty if that was told.
func (s *sender) lose(n int, why string) {
	s.failed.Add(uint64(n))
	if s.closing() {
		s.lostAtEnd += n
	}
	if why != "" {
		s.tell(fmt.Sprintf("%d spans did not reach %s: %s", n, s.shown, why))
	}
}

// tell adds an event that spans are lost, unless one said so a short time ago.
func (s *sender) tell(text string) {
	now := time.Now()
	if s.unwell || !s.told.IsZero() && now.Sub(s.told) < tellPause {
		return
	}
	s.unwell, s.told = true, now
	s.events.Add("traces", text)
}

func (s *sender) close() { s.client.CloseIdleConnections() }

// An answer is what became of one attempt.
type answer struct {
	err        error         // there was none; what the network or the clock said
	status     int           // of the answer
	retryAfter time.Duration // what it asks for; 0: nothing
	rejected   int64         // spans that it refused among those it took
	message    string        // its words about them
}

// attempt sends a message once. The memory of body is the transport's from then on.
func (s *sender) attempt(ctx context.Context, body []byte) answer {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	req.Header = s.header.Clone()
	resp, err := s.client.Do(req)
	if err != nil {
		var shows *url.Error // its text holds the URL with its query
		if errors.As(err, &shows) {
			err = shows.Err
		}
		if shows != nil && shows.Timeout() {
			err = errSilent
		}
		return answer{err: err}
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, retryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	text, err := io.ReadAll(io.LimitReader(resp.Body, answerBytesMax))
	if a.taken() && err == nil && resp.Header.Get("Content-Type") == protobufType {
		a.rejected, a.message, _ = partialSuccess(text) // what cannot be read says nothing
	}
	return a
}

var errSilent = errors.New("no answer within " + attemptTimeout.String())

// taken reports success. What a receiver says with it, it says with all of 2xx.
func (a answer) taken() bool { return a.err == nil && a.status/100 == 2 }

// again reports whether the same message may be sent again: the statuses are those of the OTLP specification.
func (a answer) again() bool {
	switch a.status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return a.err != nil
}

func (a answer) String() string {
	if a.err != nil {
		return a.err.Error()
	}
	return "status " + strconv.Itoa(a.status) + " " + http.StatusText(a.status)
}

// retryAfter reads RFC 9110 section 10.2.3: seconds or a date; 0 if it is neither or over. It is believed up to retryAfterMax.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(retryAfterMax/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), retryAfterMax)
	}
	return 0
}
