package exchange

// MethodOf returns the method of a name, MethodOther if it has no properties of its own. Case matters (RFC 9110
// section 9.1).
func MethodOf(name []byte) Method {
	switch string(name) {
	case "GET":
		return MethodGet
	case "HEAD":
		return MethodHead
	case "POST":
		return MethodPost
	case "PUT":
		return MethodPut
	case "PATCH":
		return MethodPatch
	case "DELETE":
		return MethodDelete
	case "OPTIONS":
		return MethodOptions
	case "TRACE":
		return MethodTrace
	case "CONNECT":
		return MethodConnect
	case "QUERY":
		return MethodQuery
	}
	return MethodOther
}

// A MethodSet is a set of methods, compiled. The zero value is empty.
type MethodSet struct {
	known uint16
	other []string
}

// NewMethodSet returns the set of these methods. GET brings HEAD with it: a resource that can be read can be asked for
// its head (RFC 9110 section 9.1 makes both mandatory for every server).
func NewMethodSet(names []string) MethodSet {
	var s MethodSet
	for _, name := range names {
		switch m := MethodOf([]byte(name)); m {
		case MethodOther:
			s.other = append(s.other, name)
		case MethodGet:
			s.known |= 1<<MethodGet | 1<<MethodHead
		default:
			s.known |= 1 << m
		}
	}
	return s
}

// Empty reports whether no method is in the set.
func (s MethodSet) Empty() bool { return s.known == 0 && len(s.other) == 0 }

// Has reports whether the method of a request is in the set.
func (s MethodSet) Has(r *Request) bool {
	if r.Method != MethodOther {
		return s.known&(1<<r.Method) != 0
	}
	for _, name := range s.other {
		if name == string(r.MethodName) {
			return true
		}
	}
	return false
}
