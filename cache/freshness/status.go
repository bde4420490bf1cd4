package freshness

// Failed reports whether a status of the origin is a failure that a stale answer may stand in for (RFC 5861 section 4).
func Failed(status int) bool {
	switch status {
	case 500, 502, 503, 504:
		return true
	}
	return false
}

// storable reports whether an answer with this status may be stored at all. 206 and 304 are parts of an answer. 428, 429, 431 and 511 must
// not be stored (RFC 6585). 401 and 407 ask one client who it is; 408, 421 and 425 speak of one connection; 412, 416 and 417 of fields of
// one request that are not part of a key.
func storable(status int) bool {
	switch status {
	case 206, 304, 401, 407, 408, 412, 416, 417, 421, 425, 428, 429, 431, 511:
		return false
	}
	return 200 <= status && status <= 599
}

// understood reports whether we know what a status asks of caches: for must-understand (RFC 9111 section 5.2.2.3), and, in private mode, for
// any storing.
func understood(status int) bool {
	switch status {
	case 200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 307, 308,
		400, 402, 403, 404, 405, 406, 409, 410, 411, 413, 414, 415, 422, 426, 451,
		500, 501, 502, 503, 504, 505:
		return true
	}
	return false
}

// negative reports whether a status says that there is nothing, and may be stored without a word about it (RFC 9110 section 15.1).
func negative(status int) bool {
	switch status {
	case 404, 405, 410, 414, 501:
		return true
	}
	return false
}

// positive reports whether a status says that there is something, and may be stored without a word about it (RFC 9110 section 15.1).
func positive(status int) bool {
	switch status {
	case 200, 203, 204, 300, 301, 308:
		return true
	}
	return false
}
