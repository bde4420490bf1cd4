package h2

import "skerry.dev/skerry/fault"

// Every refusal is made once: an attacker's request costs no allocation for it.
var (
	errMethodName  = fault.New(fault.BadRequest, ":method is missing, or not a token (RFC 9110 section 9.1)")
	errMethod      = fault.New(fault.MethodNotAllowed, "TRACE shows a client its own secrets, and CONNECT is for forward proxies, but for WebSockets (RFC 8441)")
	errPseudo      = fault.New(fault.BadRequest, "a pseudo field is unknown, comes twice or behind other fields, or may not stand in this request (RFC 9113 section 8.3)")
	errScheme      = fault.New(fault.BadRequest, ":scheme is missing, or neither http nor https")
	errTarget      = fault.New(fault.BadRequest, ":path is missing, does not begin with '/', is not '*' with OPTIONS, or holds a byte outside 0x21-0x7e or '#'")
	errTargetLong  = fault.New(fault.TargetTooLong, ":method and :path are longer than LineBytesMax (8 KB)")
	errFieldName   = fault.New(fault.BadRequest, "a field name is not a token in small letters (RFC 9113 section 8.2.1)")
	errFieldValue  = fault.New(fault.BadRequest, "a field value holds a control character, or begins or ends with white space (RFC 9113 section 8.2.1)")
	errHeadLarge   = fault.New(fault.HeadTooLarge, "the head is larger than HeadBytesMax (32 KB), a field of it than LineBytesMax (8 KB), or it has more than FieldsMax (100) fields")
	errHost        = fault.New(fault.BadRequest, "there is neither :authority nor one Host field, they differ, or their value is no host with an optional port")
	errHopField    = fault.New(fault.BadRequest, "there is a field that concerns a connection (RFC 9113 section 8.2.2)")
	errLength      = fault.New(fault.BadFraming, "Content-Length is not one field of 1 to 18 digits, or not the length of the body (RFC 9113 section 8.1.1)")
	errExpect      = fault.New(fault.ExpectationFailed, "Expect is not 100-continue")
	errTrailer     = fault.New(fault.BadFraming, "the trailer section is malformed or too large, or names a field that may not stand in one")
	errProtocol    = fault.New(fault.NotImplemented, "an extended CONNECT for another protocol than websocket (RFC 8441)")
	errConnectEnd  = fault.New(fault.BadRequest, "an extended CONNECT without a stream of bytes behind it")
	errPeerFrames  = fault.New(fault.BadFraming, "the client broke a rule of HTTP/2 on this stream")
	errClientReset = fault.New(fault.ClientGone, "the client reset the stream")
	errClientLeft  = fault.New(fault.ClientGone, "the client closed the connection")
	errClientSlow  = fault.New(fault.SlowClient, "the request body stalled, or came slower than 240 bytes a second after 30 s (Timeouts.Body)")
	errInterrupted = fault.New(fault.ClientGone, "the request body was given up because the answer is complete")
	errWrite       = fault.New(fault.ClientGone, "the client stopped taking the response within 60 s (Timeouts.Write), reset the stream, or closed the connection")
	errShortBody   = fault.New(fault.Internal, "BUG: a response body ended before, or went on after, the length it had announced")
)

// malformed reports whether a request is malformed in the sense of RFC 9113 section 8.1.1: its stream is reset, behind an
// answer that says what was wrong.
func malformed(err error) bool {
	switch err {
	case errMethodName, errPseudo, errScheme, errTarget, errFieldName, errFieldValue, errHost, errHopField, errLength, errConnectEnd:
		return true
	}
	return false
}

var (
	errOriginLost     = fault.New(fault.OriginClosed, "the origin closed the connection, or it broke")
	errOriginHead     = fault.New(fault.OriginProtocol, "the origin's response head is malformed (RFC 9113 section 8.3.2)")
	errOriginFraming  = fault.New(fault.OriginProtocol, "the origin's response has a body that is not as long as announced, or none is allowed")
	errOriginFrames   = fault.New(fault.OriginProtocol, "the origin broke a rule of HTTP/2")
	errOriginLarge    = fault.New(fault.OriginHeadTooLarge, "the origin's response head is larger than HeadBytesMax (32 KB) or has more than FieldsMax (100) fields")
	errOriginInterim  = fault.New(fault.OriginProtocol, "the origin sent more than 16 interim responses (interimMax)")
	errOriginConnect  = fault.New(fault.OriginProtocol, "the origin does not take WebSockets over HTTP/2 (RFC 8441): its service needs protocol http1")
	errOriginTakeSlow = fault.New(fault.OriginTimeout, "the origin did not take the request's body in time (timeouts.idle)")
	errRefused        = fault.New(fault.OriginBusy, "the origin refused the stream before doing anything (REFUSED_STREAM)")
	errCancelled      = fault.New(fault.OriginCancelled, "the origin cancelled the request (CANCEL)")
	errStopped        = fault.New(fault.OriginClosed, "the origin wants no more of the request (NO_ERROR)")
)
