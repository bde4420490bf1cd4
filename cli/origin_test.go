package cli_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"skerry.dev/skerry/load/rival"
)

// testOrigin answers every request with its name, the request line, every header field as it came, and the body.
// /slow waits for release; /status/NNN answers with that; /healthz says 200. ?h-NAME=VALUE gives the answer a header field.
type testOrigin struct {
	name    string
	addr    string
	server  *http.Server
	entered chan struct{}
	leave   chan struct{}

	mu  sync.Mutex
	got strings.Builder // every request, as it is answered
}

// text is a request as an answer shows it: with the name that a client's certificate has, if there is one.
func (o *testOrigin) text(r *http.Request, body []byte) string {
	shown := ""
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		shown = "certificate of " + r.TLS.PeerCertificates[0].Subject.CommonName + "\n"
	}
	text := fmt.Sprintf("%s %s %s\nHost: %s\n%s%s%s", o.name, r.Method, r.RequestURI, r.Host, sortedFields(r.Header), shown, body)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.got.WriteString(text + "\n")
	return text
}

func (o *testOrigin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	text := o.text(r, body)
	h := w.Header()
	h.Set("Content-Type", "text/plain")
	h.Set("X-Origin", o.name)
	h.Set("X-Powered-By", "test")
	h.Set("Server", "test-origin")
	for name, values := range r.URL.Query() {
		if field, ok := strings.CutPrefix(name, "h-"); ok {
			h[http.CanonicalHeaderKey(field)] = values
		}
	}
	if code, ok := strings.CutPrefix(r.URL.Path, "/status/"); ok {
		status, _ := strconv.Atoi(code)
		w.WriteHeader(status)
		return
	}
	if r.URL.Path == "/slow" {
		o.entered <- struct{}{}
		<-o.leave
	}
	io.WriteString(w, text)
}

// sortedFields are header fields, one a line, by name.
func sortedFields(h http.Header) string {
	var lines []string
	for name, values := range h {
		for _, v := range values {
			lines = append(lines, name+": "+v+"\n")
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func startOrigin(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		worldOf(ts).listen(ts, name, nil)
	}
}

// startSecure starts an origin that speaks TLS and asks for a client certificate of an authority.
func startSecure(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: secure NAME CERT KEY CLIENTCA")
	}
	pair, err := tls.X509KeyPair([]byte(ts.ReadFile(args[1])), []byte(ts.ReadFile(args[2])))
	ts.Check(err)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(ts.ReadFile(args[3]))) {
		ts.Fatalf("%s holds no certificate", args[3])
	}
	worldOf(ts).listen(ts, args[0], &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert})
}

// listen starts an origin, or starts it again where it was.
func (w *world) listen(ts *testscript.TestScript, name string, secure *tls.Config) {
	o := w.origins[name]
	if o == nil {
		o = &testOrigin{name: name, addr: keepPort(ts), entered: make(chan struct{}, 16), leave: make(chan struct{}, 16)}
		w.origins[name] = o
		ts.Defer(func() { o.server.Close() }) // the end of a script
	}
	l, err := net.Listen("tcp", o.addr)
	ts.Check(err)
	o.addr = l.Addr().String()
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	o.server = &http.Server{Handler: o, ReadHeaderTimeout: patience, ErrorLog: log.New(io.Discard, "", 0)}
	go o.server.Serve(l) // until Close
	ts.Setenv(name, o.addr)
	_, port, _ := net.SplitHostPort(o.addr) // a listener's
	ts.Setenv(name+"_PORT", port)
}

// keepPort returns an address whose port nobody else is given before the script's end, also while the origin does not listen: it is
// refused there by a socket that is bound, and not listening.
func keepPort(ts *testscript.TestScript) string {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	ts.Check(err)
	ts.Defer(func() { syscall.Close(fd) })
	ts.Check(syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)) // as net.Listen has it
	ts.Check(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	bound, err := syscall.Getsockname(fd)
	ts.Check(err)
	return fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
}

// awaitSeen waits until an origin has got a request with a match.
func awaitSeen(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: seen NAME REGEXP")
	}
	o := worldOf(ts).origin(ts, args[:1])
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	look := func() error {
		o.mu.Lock()
		defer o.mu.Unlock()
		if got := o.got.String(); re.MatchString(got) == neg {
			return fmt.Errorf("%s got\n%s", o.name, got)
		}
		return nil
	}
	if neg {
		ts.Check(look()) // what is to come is not waited for
		return
	}
	eventually(ts, look)
}

func (w *world) origin(ts *testscript.TestScript, args []string) *testOrigin {
	if len(args) != 1 || w.origins[args[0]] == nil {
		ts.Fatalf("which origin? %q", args)
	}
	return w.origins[args[0]]
}

func stopOrigin(ts *testscript.TestScript, _ bool, args []string) {
	worldOf(ts).origin(ts, args).server.Close()
}

func awaitEntered(ts *testscript.TestScript, _ bool, args []string) {
	select {
	case <-worldOf(ts).origin(ts, args).entered:
	case <-time.After(patience):
		ts.Fatalf("no request for /slow came")
	}
}

func releaseOrigin(ts *testscript.TestScript, _ bool, args []string) {
	worldOf(ts).origin(ts, args).leave <- struct{}{}
}

// startNginx serves a folder of the script with a real nginx.
func startNginx(ts *testscript.TestScript, _ bool, args []string) {
	addr, err := rival.FreeAddr()
	ts.Check(err)
	dir, err := os.MkdirTemp("", "skerry-nginx-")
	ts.Check(err)
	ts.Defer(func() { os.RemoveAll(dir) })
	conf := "access_log off; server { listen " + addr + "; root " + ts.MkAbs(args[0]) + "; }"
	p, err := rival.Nginx(rival.Options{Dir: dir, Conf: conf, Ready: addr})
	ts.Check(err)
	ts.Defer(p.Stop)
	ts.Setenv(args[0], addr)
}

// get is a GET without ceremony.
func get(url string) (int, string, error) {
	c := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// ask is the request of an http verb.
type ask struct {
	method, url, body string
	header            http.Header
	from              netip.Addr
	until             string
}

func parseAsk(ts *testscript.TestScript, args []string) (a ask) {
	a.method, a.header = "GET", http.Header{}
	for len(args) > 1 {
		flag, value := args[0], args[1]
		args = args[2:]
		switch flag {
		case "-X":
			a.method = value
		case "-H":
			name, v, _ := strings.Cut(value, ": ")
			a.header.Add(name, v)
		case "-d":
			a.body = value
		case "-from":
			a.from = netip.MustParseAddr(value)
		case "-until":
			a.until = value
		default:
			ts.Fatalf("http: unknown flag %s", flag)
		}
	}
	if len(args) != 1 {
		ts.Fatalf("http: no URL")
	}
	a.url = args[0]
	if a.body != "" && a.header.Get("Content-Type") == "" {
		a.header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return a
}

// send returns the answer: status, header fields by name without Date, body.
func (a *ask) send() (string, error) {
	req, err := http.NewRequest(a.method, a.url, strings.NewReader(a.body))
	if err != nil {
		return "", err
	}
	req.Header = a.header.Clone()
	if host := a.header.Get("Host"); host != "" {
		req.Host = host
		req.Header.Del("Host")
	}
	var d net.Dialer
	if a.from.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(a.from, 0))
	}
	t := http.Transport{DialContext: d.DialContext, DisableKeepAlives: true, DisableCompression: true}
	resp, err := (&http.Client{Transport: &t, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}).Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	resp.Header.Del("Date")
	var out bytes.Buffer
	fmt.Fprintf(&out, "%d\n%s\n%s", resp.StatusCode, sortedFields(resp.Header), body)
	return out.String(), nil
}

func httpVerb(ts *testscript.TestScript, neg bool, args []string) {
	a := parseAsk(ts, args)
	if neg {
		if text, err := a.send(); err == nil {
			ts.Fatalf("there was an answer:\n%s", text)
		}
		return
	}
	var text string
	var err error
	if a.until == "" {
		text, err = a.send()
		ts.Check(err)
	} else {
		eventually(ts, func() error {
			if text, err = a.send(); err != nil {
				return err
			}
			if !strings.HasPrefix(text, a.until+"\n") {
				return fmt.Errorf("the answer is still:\n%s", text)
			}
			return nil
		})
	}
	worldOf(ts).last = text
	fmt.Fprint(ts.Stdout(), text)
}

// originOf is the X-Origin of an answer.
func originOf(answer string) string {
	_, rest, _ := strings.Cut(answer, "\nX-Origin: ")
	name, _, _ := strings.Cut(rest, "\n")
	return name
}

func sameOrigin(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	got, want := originOf(w.last), w.marks[args[0]]
	if want == "" {
		w.marks[args[0]] = got
	} else if got != want {
		ts.Fatalf("the answer is by %q, not by %q", got, want)
	}
}

func shareOrigins(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	name, value, _ := strings.Cut(args[1], ": ")
	met := map[string]int{}
	for i := range n {
		a := ask{method: "GET", url: "http://" + ts.Getenv("EDGE") + "/", header: http.Header{name: {value}}, from: netip.AddrFrom4([4]byte{127, 0, 1, byte(i)})}
		text, err := a.send()
		ts.Check(err)
		met[originOf(text)]++
	}
	for _, o := range args[2:] {
		if met[o] < n/4 {
			ts.Fatalf("the shares are %v", met)
		}
	}
}

func manyRequests(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	name, value, _ := strings.Cut(args[2], ": ")
	for i := range n {
		a := ask{method: "GET", url: "http://" + ts.Getenv("EDGE") + "/", header: http.Header{name: {value}}}
		text, err := a.send()
		ts.Check(err)
		if !strings.HasPrefix(text, args[1]+"\n") {
			ts.Fatalf("request %d of %d:\n%s", i+1, n, text)
		}
	}
}

func awaitRefused(ts *testscript.TestScript, _ bool, args []string) {
	eventually(ts, func() error {
		c, err := net.DialTimeout("tcp", args[0], time.Second)
		if err != nil {
			return nil
		}
		c.Close()
		return fmt.Errorf("%s still accepts", args[0])
	})
}

func httpInBackground(ts *testscript.TestScript, _ bool, args []string) {
	a := parseAsk(ts, args)
	answer := make(chan string, 1)
	worldOf(ts).answer = answer
	go func() {
		text, err := a.send()
		if err != nil {
			text = "error: " + err.Error()
		}
		answer <- text
	}()
}

func awaitAnswer(ts *testscript.TestScript, _ bool, _ []string) {
	select {
	case text := <-worldOf(ts).answer:
		fmt.Fprint(ts.Stdout(), text)
	case <-time.After(patience + time.Second):
		ts.Fatalf("no answer")
	}
}
