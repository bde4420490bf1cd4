package h2_test

import (
	"bytes"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"skerry.dev/skerry/exchange"
)

// unwritable is a connection whose peer does not take anything any more, though what it sent is still to be read.
type unwritable struct{ net.Conn }

func (unwritable) Write([]byte) (int, error) { return 0, os.NewSyscallError("write", syscall.EPIPE) }

// TestRequestsBehindABreak: streams that are opened by frames which had been read when a write found the connection broken do not
// wait for a body that cannot come.
func TestRequestsBehindABreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := bufferedPipe()
		var sent bytes.Buffer
		sent.WriteString(http2.ClientPreface)
		f := http2.NewFramer(&sent, nil)
		_ = f.WriteSettings()
		for id := uint32(1); id <= 5; id += 2 {
			var block bytes.Buffer
			e := hpack.NewEncoder(&block)
			for _, field := range [][2]string{{":method", "PUT"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}} {
				_ = e.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
			}
			_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true})
		}
		if _, err := far.Write(sent.Bytes()); err != nil {
			t.Fatal(err)
		}
		r := newRig(t, func(x *exchange.Exchange) bool {
			for x.Fault == nil && x.Req.Body != nil {
				if _, err := x.Req.Body.Next(); err != nil {
					return false
				}
			}
			return false
		})
		began := time.Now()
		r.server.Serve(unwritable{near}, nil)
		if took := time.Since(began); took >= time.Second {
			t.Errorf("the connection ended after %v", took)
		}
	})
}
