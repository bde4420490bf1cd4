package h1

import (
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// parseResponse reads a complete response head into x.Resp and f; all is scratch space for the fields as sent. It
// returns whether the origin speaks HTTP/1.1.
func parseResponse(head []byte, resp *exchange.Response, all *exchange.Fields, f *framing) (minor int, err error) {
	*f = framing{length: -1}
	*all, resp.Fields = (*all)[:0], resp.Fields[:0]
	minor, at, err := parseStatusLine(head, resp)
	if err != nil {
		return 0, err
	}
	if err := parseFields(head, at, all, &resp.Fields, f); err != nil {
		return 0, originError(err)
	}
	if f.codings > 0 && minor == 0 {
		return 0, errOriginFraming
	}
	if f.named {
		dropNamed(*all, &resp.Fields)
	}
	return minor, nil
}

// originError says of a malformed head that it was the origin's.
func originError(err error) error {
	switch fault.Of(err) {
	case fault.HeadTooLarge:
		return errOriginLarge
	case fault.BadFraming, fault.NotImplemented:
		return errOriginFraming
	}
	return fault.Wrap(fault.OriginProtocol, errOriginHead.Text, err)
}

// parseStatusLine reads HTTP/1.x SP 3DIGIT SP [reason] CRLF and returns where the fields start. The reason is checked
// and dropped: the one we write is our own.
func parseStatusLine(b []byte, resp *exchange.Response) (minor, at int, err error) {
	if len(b) < 14 || string(b[:7]) != "HTTP/1." || b[7] != '0' && b[7] != '1' || b[8] != ' ' {
		return 0, 0, errOriginStatus
	}
	status := 0
	for _, c := range b[9:12] {
		if classes[c]&digit == 0 {
			return 0, 0, errOriginStatus
		}
		status = status*10 + int(c-'0')
	}
	i := 12
	if b[i] == ' ' {
		i++
	} else if b[i] != '\r' {
		return 0, 0, errOriginStatus
	}
	start := i
	for b[i] != '\r' {
		i++
	}
	if b[i+1] != '\n' || !validValue(b[start:i]) || status < 100 || status > 599 {
		return 0, 0, errOriginStatus
	}
	resp.Status = status
	return int(b[7] - '0'), i + 2, nil
}
