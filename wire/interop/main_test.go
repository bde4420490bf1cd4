package interop_test

import (
	"fmt"
	"io"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc/grpclog"
)

// TestMain makes what gRPC's tests complain of a failure of one test: by themselves they end the process. No goroutine may
// outlive the tests.
func TestMain(m *testing.M) {
	runChild()
	grpclog.SetLoggerV2(complaining{grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard)})
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/summerwind/h2spec/spec.(*Conn).handshakeAsClient.func1")) // nobody hears of it after a timeout
}

// complaint is what a test of gRPC's interoperability panics with where it would end the process.
type complaint string

// complaining is a logger of gRPC that is silent but for what is fatal.
type complaining struct{ grpclog.LoggerV2 }

func (complaining) Fatal(args ...any)               { panic(complaint(fmt.Sprint(args...))) }
func (complaining) Fatalln(args ...any)             { panic(complaint(fmt.Sprintln(args...))) }
func (complaining) Fatalf(form string, args ...any) { panic(complaint(fmt.Sprintf(form, args...))) }
