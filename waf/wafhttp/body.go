package wafhttp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"skerry.dev/skerry/waf/body"
)

// held is a body that was read: as much of it as is in memory, then what is still with the client, then the error that its
// reading ended with.
type held struct {
	mem  bytes.Reader
	rest io.Reader // nil: nothing
	err  error     // nil: the end
}

// Read reads the memory first.
func (h *held) Read(b []byte) (int, error) {
	switch {
	case h.mem.Len() > 0:
		return h.mem.Read(b)
	case h.rest != nil:
		return h.rest.Read(b)
	case h.err != nil:
		return 0, h.err
	}
	return 0, io.EOF
}

// WriteTo copies what Read gives; bytes.Reader's own would end where the memory does.
func (h *held) WriteTo(w io.Writer) (int64, error) {
	n, err := h.mem.WriteTo(w)
	if err == nil && h.rest != nil {
		var more int64
		more, err = io.Copy(w, h.rest)
		n += more
	}
	if err == nil {
		err = h.err
	}
	return n, err
}

// Close does nothing: the server closes what it read from.
func (h *held) Close() error { return nil }

// codingRefused stands for codings that are not taken off.
const codingRefused = "refused"

// codingOf is the coding of a body in lower case, empty if it has none.
func codingOf(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	switch c := strings.ToLower(strings.Trim(fields[0], " \t")); c {
	case "", "identity":
		if len(fields) == 1 {
			return ""
		}
	case "gzip", "x-gzip", "deflate", "br", "zstd":
		if len(fields) == 1 {
			return c
		}
	}
	return codingRefused
}

var errFrames = errors.New("the request body is not gRPC's, though its Content-Type says so")

// frames is a body that can be read if it begins as gRPC's frames do: with a flag that is 0 or 1. No text begins so.
type frames struct {
	from  io.Reader
	begun bool
	wrong bool
}

// Read reads the body.
func (f *frames) Read(b []byte) (int, error) {
	if f.wrong {
		return 0, errFrames
	}
	n, err := f.from.Read(b)
	if n > 0 && !f.begun {
		f.begun, f.wrong = true, b[0] > 1
	}
	if f.wrong {
		clear(b[:n])
		return 0, errFrames
	}
	return n, err
}

// body holds the request's body and shows it to the rules; one without a processor streams, if its type is allowed. One without a
// Content-Type is read as a form, as the Core Rule Set wants it.
func (i *inspection) body() {
	r := i.in
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 || r.Method == http.MethodConnect {
		return // a tunnel has no body: what follows belongs to another protocol
	}
	if named, covered := i.media.Among(i.f.options.Allow.ContentTypes); len(i.media.Type) > 0 && !named && !covered {
		i.result.Body = BodyUninspected
		i.refuse(http.StatusUnsupportedMediaType, "a body of the type "+shorten(string(i.media.Type), nameBytesMax)+" (Options.Allow.ContentTypes)")
		return
	}
	processor, parse := i.t.Processor()
	if len(processor) > 0 {
		i.media.Kind = body.KindOf(processor)
	}
	switch {
	case i.media.GRPC():
		i.result.Body = BodyUninspected
		if i.media.Kind != body.Opaque && i.f.options.Mode == Block { // +json, +xml: handlers that know nothing of gRPC would read them as such
			i.held = &held{rest: &frames{from: r.Body}}
		}
	case !parse || !i.media.Inspected():
		i.result.Body = BodyUninspected
	case i.coding == codingRefused:
		i.result.Body = BodyUninspected
		i.refuse(http.StatusUnsupportedMediaType, "a Content-Encoding that is not one of gzip, deflate, br and zstd")
	default:
		i.parse()
	}
}

// parse reads the body and takes it apart.
func (i *inspection) parse() {
	data, whole := i.hold()
	if i.over() || i.result.Body == BodyUninspected {
		return
	}
	if i.coding != "" && whole {
		if data, whole = i.decode(data); i.over() || !whole {
			return
		}
	} else if i.coding != "" {
		i.result.Body = BodyUninspected // a beginning is not decoded
		return
	}
	if !whole {
		i.result.Body = BodyPart
		i.t.BodyBeginning(i.media, data)
		return
	}
	i.result.Body = BodyWhole
	if err := i.t.Body(i.media, data); err != nil && !tooMuch(err) {
		i.refuse(http.StatusBadRequest, err.Error())
	}
}

// hold reads the body into memory. whole is false if there is more, or an error, and the request goes on all the same.
func (i *inspection) hold() (data []byte, whole bool) {
	most := i.f.options.BodyBytesMax
	large := fmt.Sprintf("a body of more than %d bytes (Options.BodyBytesMax)", most)
	if i.in.ContentLength > int64(most) {
		if i.beyond(http.StatusRequestEntityTooLarge, large); i.over() {
			return nil, false // it is not even asked for
		}
	}
	buf, err := i.read(most + 1)
	i.held = &held{}
	i.held.mem.Reset(buf)
	switch {
	case errors.Is(err, errMemory):
		i.held.rest, i.result.Body = i.in.Body, BodyUninspected
		i.beyond(http.StatusServiceUnavailable, "the bodies of all requests hold more than Options.HeldBytesMax")
		return nil, false
	case len(buf) > most:
		i.held.rest = i.in.Body
		i.beyond(http.StatusRequestEntityTooLarge, large)
		return buf[:most], false
	case err != nil:
		i.held.err = err
		status := http.StatusBadRequest
		if e := (*http.MaxBytesError)(nil); errors.As(err, &e) {
			status = http.StatusRequestEntityTooLarge
		}
		i.refuse(status, "the body could not be read: "+shorten(err.Error(), valueBytesMax))
		return buf, false
	}
	return buf, true
}

var errMemory = errors.New("no memory for bodies")

// read reads up to a number of bytes, or to the end, in memory that grows with what has come.
func (i *inspection) read(most int) ([]byte, error) {
	first := min(firstBytes, most)
	if n := i.in.ContentLength; n >= 0 && n < int64(first) {
		first = int(n) + 1 // one more, to see the end
	}
	if !i.take(int64(first)) {
		return nil, errMemory
	}
	buf := make([]byte, 0, first)
	for idle := 0; len(buf) < most; idle++ {
		if len(buf) == cap(buf) {
			size := min(2*cap(buf), most)
			if !i.take(int64(size - cap(buf))) {
				return buf, errMemory
			}
			buf = append(make([]byte, 0, size), buf...)
		}
		n, err := i.in.Body.Read(buf[len(buf):cap(buf)])
		if n > 0 {
			idle = 0
		}
		switch buf = buf[:len(buf)+n]; {
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return buf, err
		case idle > idleReadsMax:
			return buf, io.ErrNoProgress
		}
	}
	return buf, nil
}

func (i *inspection) take(n int64) bool {
	if !i.f.take(n) {
		return false
	}
	i.taken += n
	return true
}

// decode takes the coding off. If it cannot, and the request goes on all the same, next gets the body as it was sent.
func (i *inspection) decode(data []byte) (out []byte, ok bool) {
	limits := limits(&i.f.options)
	if !i.take(int64(limits.DecodedBytes)) {
		i.result.Body = BodyUninspected
		i.beyond(http.StatusServiceUnavailable, "the bodies of all requests hold more than Options.HeldBytesMax")
		return nil, false
	}
	out, err := body.Decode([]byte(i.coding), data, limits, &body.Memory{}) // memory of its own: next reads from it
	switch {
	case err == nil:
		i.decoded = true
		i.held.mem.Reset(out)
		return out, true
	case tooMuch(err):
		i.beyond(http.StatusRequestEntityTooLarge, err.Error()+" (Options.BodyBytesMax)")
	default:
		i.refuse(http.StatusBadRequest, err.Error())
	}
	i.result.Body = BodyUninspected
	return nil, false
}
