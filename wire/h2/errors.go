package h2

import "skerry.dev/skerry/fault"

// Every refusal is made once: an attacker's request costs no allocation for it.
var (
	errMethodName  = fault.New(fault.BadRequest, ":method is not a token (RFC 9110 section 9.1)")
	errMethod      = fault.New(fault.MethodNotAllowed, "TRACE shows a client its own secrets, and CONNECT is for forward proxies")
	errTarget      = fault.New(fault.BadRequest, ":path does not begin with '/', is not '*' with OPTIONS, or holds a byte outside 0x21-0x7e or '#'")
	errTargetLong  = fault.New(fault.TargetTooLong, ":method and :path are longer than LineBytesMax (8 KB)")
	errFieldName   = fault.New(fault.BadRequest, "a field name is not a token in small letters (RFC 9113 section 8.2.1)")
	errFieldValue  = fault.New(fault.BadRequest, "a field value holds a control character, or begins or ends with white space (RFC 9113 section 8.2.1)")
	errHeadLarge   = fault.New(fault.HeadTooLarge, "the head is larger than HeadBytesMax (32 KB), a field of it than LineBytesMax (8 KB), or it has more than FieldsMax (100) fields")
	errHost        = fault.New(fault.BadRequest, "there is neither :authority nor one Host field, or its value is no host with an optional port")
	errHopField    = fault.New(fault.BadRequest, "there is a field that concerns a connection (RFC 9113 section 8.2.2)")
	errLength      = fault.New(fault.BadFraming, "Content-Length is not one field of 1 to 18 digits, or not the length of the body (RFC 9113 section 8.1.1)")
	errExpect      = fault.New(fault.ExpectationFailed, "Expect is not 100-continue")
	errTrailer     = fault.New(fault.BadFraming, "the trailer section is malformed or too large, or names a field that may not stand in one")
	errClientBody  = fault.New(fault.ClientGone, "the client reset the stream, or closed the connection, within the request body")
	errClientSlow  = fault.New(fault.SlowClient, "the request body stalled, or came slower than 240 bytes a second after 30 s (Timeouts.Body)")
	errInterrupted = fault.New(fault.ClientGone, "the request body was given up because the answer is complete")
	errWrite       = fault.New(fault.ClientGone, "the client stopped taking the response within 60 s (Timeouts.Write), reset the stream, or closed the connection")
	errShortBody   = fault.New(fault.Internal, "BUG: a response body ended before, or went on after, the length it had announced")
	errTunnel      = fault.New(fault.Internal, "BUG: a tunnel on HTTP/2, where no request asks for one")
)

// errFlood ends a connection whose frames cost more than they bring.
var errFlood = fault.New(fault.ClientGone, "the client sent more resets, or more frames without content, than resetsMax and idlersMax allow in 10 s")
