package main

import (
	"flag"
	"os"
	"slices"
)

// The flags that make this program something other than the harness, which starts itself so for what needs a process of its own.
const (
	flagServe    = "-serve"
	flagGRPC     = "-answer-grpc"
	flagEcho     = "-echo"
	flagMessages = "-messages"
)

// isChild reports whether a command line is one of a child; tests ask it.
func isChild(args []string) bool {
	return len(args) > 1 && slices.Contains([]string{flagServe, flagGRPC, flagEcho, flagMessages}, args[1])
}

// child is what the program is when the harness started it.
type child struct {
	proxy    serving
	grpc     string // address of an origin of gRPC
	echo     string // address of an origin of WebSockets
	messages string // URL to send WebSocket messages to
}

// register adds its flags.
func (c *child) register() {
	flag.StringVar(&c.proxy.addr, flagServe[1:], "", "be the net/http peer on this address (the harness starts itself so)")
	flag.StringVar(&c.proxy.origin, "origin", "", "with -serve: host:port to forward to")
	flag.BoolVar(&c.proxy.h2c, "h2c", false, "with -serve: speak HTTP/2 to it, without TLS")
	flag.StringVar(&c.proxy.log, "log", "", "with -serve: access log")
	flag.StringVar(&c.proxy.cert, "cert", "", "with -serve: certificate file; HTTPS")
	flag.StringVar(&c.proxy.key, "key", "", "with -serve: its key")
	flag.BoolVar(&c.proxy.edits, "edits", false, "with -serve: edit headers")
	flag.StringVar(&c.proxy.rules, "rules", "", "with -serve: file of rules, which Coraza judges every request by")
	flag.StringVar(&c.grpc, flagGRPC[1:], "", "be an origin of gRPC without TLS on this address")
	flag.StringVar(&c.echo, flagEcho[1:], "", "be an origin that echoes WebSocket messages on this address")
	flag.StringVar(&c.messages, flagMessages[1:], "", "send WebSocket messages to this URL, on -conns connections for -seconds")
}

// run is the child's work; ran is false for the harness.
func (c *child) run(o options) (ran bool, err error) {
	switch {
	case c.proxy.addr != "":
		return true, serveNetHTTP(c.proxy)
	case c.grpc != "":
		return true, serveGRPC(c.grpc)
	case c.echo != "":
		return true, serveEcho(c.echo)
	case c.messages != "":
		return true, loadSockets(os.Stdout, c.messages, o.conns, o.seconds)
	}
	return false, nil
}
