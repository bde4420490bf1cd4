package exchange

// GRPCStatus is the grpc-status of an answer, as GRPCStatusOf made it; zero: the answer had none.
type GRPCStatus uint16

// GRPCStatusOf returns the status that the fields of a head or a trailer section say, if they say one: gRPC has it in the trailers,
// and in the head of an answer without a body. What is no number of one to three digits is none.
func GRPCStatusOf(fields Fields) GRPCStatus {
	v := fields.Get(NameGrpcStatus)
	if len(v) == 0 || len(v) > 3 {
		return 0
	}
	n := GRPCStatus(0)
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + GRPCStatus(c-'0')
	}
	return n + 1
}

// Code returns the number, 0 for OK; ok is false if the answer had none.
func (s GRPCStatus) Code() (code int, ok bool) { return int(s) - 1, s > 0 }

// IsGRPC reports whether a Content-Type is gRPC's, with any message format. Those of gRPC-Web are not.
func IsGRPC(contentType []byte) bool {
	const plain = "application/grpc"
	if len(contentType) < len(plain) || !EqualFold(contentType[:len(plain)], []byte(plain)) {
		return false
	}
	rest := TrimOWS(contentType[len(plain):])
	return len(rest) == 0 || rest[0] == '+' || rest[0] == ';'
}
