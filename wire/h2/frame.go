package h2

import "encoding/binary"

// The frames of RFC 9113 section 6, and PRIORITY_UPDATE of RFC 9218 section 7.1.
type frameType uint8

const (
	frameData           frameType = 0x0
	frameHeaders        frameType = 0x1
	framePriority       frameType = 0x2
	frameReset          frameType = 0x3
	frameSettings       frameType = 0x4
	framePushPromise    frameType = 0x5
	framePing           frameType = 0x6
	frameGoAway         frameType = 0x7
	frameWindowUpdate   frameType = 0x8
	frameContinuation   frameType = 0x9
	framePriorityUpdate frameType = 0x10
)

// Flags, which mean different things on different frames.
const (
	flagEndStream  = 0x1
	flagAck        = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

// errCode is an error code of RFC 9113 section 7.
type errCode uint32

const (
	codeNone            errCode = 0x0
	codeProtocol        errCode = 0x1
	codeInternal        errCode = 0x2
	codeFlowControl     errCode = 0x3
	codeSettingsTimeout errCode = 0x4
	codeStreamClosed    errCode = 0x5
	codeFrameSize       errCode = 0x6
	codeRefused         errCode = 0x7
	codeCancel          errCode = 0x8
	codeCompression     errCode = 0x9
	codeConnect         errCode = 0xa
	codeCalm            errCode = 0xb
	codeSecurity        errCode = 0xc
	codeHTTP11          errCode = 0xd
)

var codeNames = [...]string{"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
	"FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"}

// String is the name of the standard.
func (c errCode) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return "an unknown error code"
}

// The settings that are known (RFC 9113 section 6.5.2, RFC 8441 section 3, RFC 9218 section 2.1).
const (
	settingTableSize    = 0x1
	settingPush         = 0x2
	settingStreams      = 0x3
	settingWindow       = 0x4
	settingFrameSize    = 0x5
	settingHeaderList   = 0x6
	settingConnect      = 0x8
	settingNoPriorities = 0x9
	settingBytes        = 6
	windowDefault       = 1<<16 - 1
	windowMax           = 1<<31 - 1
	streamIDMax         = 1<<31 - 1
	frameHeaderBytes    = 9
	frameSizeMax        = 1<<24 - 1
	pingBytes           = 8
	priorityBytes       = 5
	resetBytes          = 4
	goAwayBytes         = 8
	windowUpdateBytes   = 4
	priorityUpdateLeast = 4
	preface             = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
)

// frame is the header of a frame.
type frame struct {
	length int
	kind   frameType
	flags  uint8
	stream uint32
}

// parseFrame reads a header from nine bytes. The reserved bit is ignored (RFC 9113 section 4.1).
func parseFrame(b []byte) frame {
	_ = b[8]
	return frame{
		length: int(b[0])<<16 | int(b[1])<<8 | int(b[2]),
		kind:   frameType(b[3]),
		flags:  b[4],
		stream: binary.BigEndian.Uint32(b[5:]) & streamIDMax,
	}
}

func (f frame) has(flag uint8) bool { return f.flags&flag != 0 }

// appendFrame appends a header.
func appendFrame(out []byte, length int, kind frameType, flags uint8, stream uint32) []byte {
	return append(out, byte(length>>16), byte(length>>8), byte(length), byte(kind), flags,
		byte(stream>>24), byte(stream>>16), byte(stream>>8), byte(stream))
}

func appendUint32(out []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(out, v) }

func appendReset(out []byte, stream uint32, code errCode) []byte {
	return appendUint32(appendFrame(out, resetBytes, frameReset, 0, stream), uint32(code))
}

func appendWindowUpdate(out []byte, stream uint32, increment int64) []byte {
	return appendUint32(appendFrame(out, windowUpdateBytes, frameWindowUpdate, 0, stream), uint32(increment))
}

func appendGoAway(out []byte, last uint32, code errCode) []byte {
	out = appendUint32(appendFrame(out, goAwayBytes, frameGoAway, 0, 0), last)
	return appendUint32(out, uint32(code))
}

func appendPing(out []byte, flags uint8, data []byte) []byte {
	return append(appendFrame(out, pingBytes, framePing, flags, 0), data...)
}

// appendSettings appends a SETTINGS frame of pairs of setting and value.
func appendSettings(out []byte, pairs ...uint32) []byte {
	out = appendFrame(out, len(pairs)/2*settingBytes, frameSettings, 0, 0)
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, byte(pairs[i]>>8), byte(pairs[i]))
		out = appendUint32(out, pairs[i+1])
	}
	return out
}
