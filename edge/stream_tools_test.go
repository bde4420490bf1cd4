package edge_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/load/rival"
)

// toolsOrigin hints before a page, echoes what is sent, and ends a call with trailers.
func toolsOrigin(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/page":
		for i := range 2 {
			w.Header().Set("Link", fmt.Sprintf("</%d.css>; rel=preload; as=style", i))
			w.WriteHeader(http.StatusEarlyHints)
		}
		io.WriteString(w, "page")
	case "/s/Unary":
		grpcOrigin(w, r)
	default:
		echoDuplex(w, r)
	}
}

// TestStreamTools: programs that people look at streams with, by every protocol that they speak: curl sees every hint and
// gets an upload of 5 MB back while it sends; nghttp sees hints and trailers.
func TestStreamTools(t *testing.T) {
	needs(t, "curl", "nghttp")
	c := cross(t, bothProtocols, everyStage, toolsOrigin)
	upload := strings.Repeat("0123456789abcdef", 5<<20/16)
	writeAll(t, c.dir, map[string]string{"upload": upload, "message": message(0, "hello")})
	for _, w := range c.ways {
		_, port, _ := net.SplitHostPort(strings.TrimPrefix(strings.TrimPrefix(w.base, "https://"), "http://")) // it is one of ours
		version := map[string]string{"plain": "--http1.1", "tls": "--http1.1", "h2": "--http2", "h2c": "--http2-prior-knowledge"}[w.by]
		curl := func(args ...string) string {
			t.Helper()
			out, err := run(t, "curl", append([]string{"-sS", "--cacert", c.root, "--resolve", w.host + ":" + port + ":127.0.0.1", version}, args...)...)
			if err != nil {
				t.Errorf("%s: curl %q: %v: %.500s", w.name(), args, err, out)
			}
			return out
		}
		if out := curl("-i", w.base+"/page"); strings.Count(out, " 103 ") != 2 || !strings.Contains(out, "</1.css>") || !strings.HasSuffix(out, "page") {
			t.Errorf("%s: %s", w.name(), out)
		}
		if out := curl("-T", c.dir+"/upload", "-H", "Content-Type: application/octet-stream", "-H", "Expect:", "-X", "POST", w.base+"/echo"); out != upload {
			t.Errorf("%s: %d bytes of an upload came back", w.name(), len(out))
		}
		if w.by != "h2c" {
			continue // nghttp verifies no certificates of ours
		}
		ask := []string{"-nv", "-H", ":authority: " + w.host, "-H", "te: trailers", "-H", "content-type: application/grpc", "-d", c.dir + "/message",
			"http://" + c.edge.H2CAddrs()[0].String() + "/s/Unary"}
		if out, err := run(t, "nghttp", ask...); err != nil || !strings.Contains(out, "grpc-status: 0") || !strings.Contains(out, ":status: 200") {
			t.Errorf("%s: nghttp: %v\n%s", w.name(), err, out)
		}
	}
}

// streamsScript is what a page does with streams: a script, so that a browser's own limits hold.
const streamsScript = `
window.chunks = async url => { // reads a stream piece by piece, and asks for the next one each time
	const reader = (await fetch(url)).body.getReader(), text = [];
	for (;;) {
		const {done, value} = await reader.read();
		if (done) return text;
		text.push(new TextDecoder().decode(value));
		await fetch('/next', {method: 'POST'});
	}
};
window.call = async (url, body) => { // gRPC-Web, of another origin
	const r = await fetch(url, {method: 'POST', headers: {'Content-Type': 'application/grpc-web-text', 'X-Grpc-Web': '1'}, body: btoa(body)});
	return [r.status, r.headers.get('grpc-status'), r.headers.get('x-served-by'), atob(await r.text())];
};
window.socket = url => new Promise((ok, bad) => {
	const s = new WebSocket(url, ['chat']), got = [s.extensions];
	s.onopen = () => { got[0] = s.extensions; s.send('x'.repeat(100000)); };
	s.onmessage = e => { got.push(e.data.length); s.close(4321, 'enough'); };
	s.onerror = () => bad(new Error('the socket broke'));
	s.onclose = e => ok([...got, s.protocol, e.code, e.wasClean]);
});
document.title = 'ready';
`

// browsedDocs are an entrypoint of pages and one that they call. The gaps are the origin and the port of HTTPS.
const browsedDocs = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec: {hosts: [shop.test], limit: off, service: shop}
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: calls, owner: team-shop}
spec:
  hosts: [calls.test]
  profile: api
  cors: {origins: ["https://shop.test:%[3]s"], headers: [Content-Type, X-Grpc-Web], expose: [Grpc-Status]}
  headers: {response: {set: {X-Served-By: edge}}}
  service: calls
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: shop, owner: team-shop}
spec: {endpoints: ["%[1]s"]}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: calls, owner: team-shop}
spec: {endpoints: ["%[2]s"], protocol: http2}
`

// TestStreamsInBrowser: what a page does with streams over HTTP/2: it reads a page of chunks as they are made, calls a service of gRPC-Web
// of another origin, whose status it may read, and closes a WebSocket, compressed, with a code.
func TestStreamsInBrowser(t *testing.T) {
	needs(t, "chromium")
	sockets, next := newSocketOrigin(), make(chan struct{})
	pages := origin(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/chat":
			sockets.ServeHTTP(w, r)
		case "/next":
			next <- struct{}{}
		case "/chunks":
			w.Header().Set("Content-Type", "text/html")
			for i := range 3 {
				fmt.Fprintf(w, "<p>%d", i)
				flush(w)
				<-next
			}
		case "/app.js":
			w.Header().Set("Content-Type", "text/javascript")
			io.WriteString(w, streamsScript)
		default:
			w.Header().Set("Link", "</app.js>; rel=preload; as=script")
			w.WriteHeader(http.StatusEarlyHints)
			io.WriteString(w, `<!doctype html><link rel="icon" href="data:,"><script src="app.js"></script>`)
		}
	})
	calls, _ := serveOrigin(t, "http2", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(base64.NewDecoder(base64.StdEncoding, r.Body))
		w.Header().Set("Content-Type", "application/grpc-web-text")
		w.Header().Set("Grpc-Status", "7")
		io.WriteString(w, base64.StdEncoding.EncodeToString([]byte(string(b)+message(0x80, webTrailer))))
	}))
	addr, err := rival.FreeAddr()
	must(t, err)
	_, port, _ := net.SplitHostPort(addr)
	s := open(t, edge.Options{HTTPS: []string{addr}}, map[string]string{"specs/shop.yaml": fmt.Sprintf(browsedDocs, pages, calls, port)})
	b := newBrowser(t, s, "shop.test", "calls.test")
	b.open(s.url("https", "shop.test", "/"))
	b.says(`"ready"`, `document.title`)
	b.says(`["<p>0","<p>1","<p>2"]`, `chunks('/chunks')`)
	b.says(`[200,"7",null,55]`, `call('`+s.url("https", "calls.test", "/shop.Orders/Get")+`', '\0\0\0\0\x02hi').then(a => [a[0], a[1], a[2], a[3].length])`)
	b.says(`["permessage-deflate",100000,"chat",4321,true]`, `socket('wss://' + location.host + '/chat')`)
	await(t, "end of the socket", sockets.ended)
	if all := b.errors(); len(all) > 0 {
		t.Errorf("the console says %q", all)
	}
	for path, e := range s.eventsBut(1) { // Chromium leaves its side of the socket's stream open for long
		if e.Proto != "h2" || path == "/chat" && e.Tunnel != "websocket" || e.Fault != "" {
			t.Errorf("%s: the log says %s", path, e.text)
		}
	}
}
