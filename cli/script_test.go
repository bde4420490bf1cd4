package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"skerry.dev/skerry/cli"
	"skerry.dev/skerry/load/rival"
)

// patience is how long a script waits for anything. Nothing takes that long unless it is broken.
const patience = 20 * time.Second

// leakless fails the run if a goroutine is left.
type leakless struct{ m *testing.M }

func (l leakless) Run() int {
	code := l.m.Run()
	for by := time.Now().Add(patience); code == 0; { // Find itself waits for less than a second
		err := goleak.Find()
		if err == nil {
			break
		}
		if time.Now().After(by) {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

// hasty has programs under the race detector end at once. They would sleep for a second, for the reports of threads that still run.
const hasty = "atexit_sleep_ms=10"

func TestMain(m *testing.M) {
	os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" "+hasty)) // no error: the name is good
	testscript.Main(leakless{m}, map[string]func(){
		"skerry": func() { os.Exit(cli.Main(os.Args[1:])) },
	})
}

// TestScript runs testdata/*.txtar: the whole binary between real origins and clients. The verbs beside testscript's:
//
//	origin NAME            start an origin, or start it again; $NAME is its address, $NAME_PORT its port; origin_test.go says
//	                       what it answers
//	secure NAME CERT KEY CA  the same by TLS, for clients with a certificate of CA
//	unorigin NAME          stop it, as a crash would
//	seen NAME REGEXP       wait until it has got a request with a match
//	entered NAME           wait until a request for /slow is in it
//	release NAME           let that one end
//	nginx NAME             start an nginx that serves $WORK/NAME; $NAME is its address
//	expand FILE…           replace $NAME in files
//	edge [NAME] ARG…       start skerry run; $EDGE and $ADMIN are its addresses, $ADMIN_PORT a port, edge.log and edge.err
//	                       what it writes
//	signal SIG             send it HUP, TERM or USR1
//	exited CODE            wait until it has ended with this exit code
//	await FILE REGEXP      wait until a file has a match
//	http [-X M] [-H 'N: v'] [-d BODY] [-from IP] [-until STATUS] URL   send a request, a body as a form unless a field says otherwise; stdout is the answer
//	&http ARG…             the same in the background; `answer` waits for it, and stdout is the answer
//	same NAME              the last answer's X-Origin is what it was at the first same NAME
//	share N FIELD NAME…    N clients with addresses of their own, sending this field, meet each of these origins
//	many N STATUS FIELD    N requests with this field are all answered with this status
//	refused ADDR           wait until nothing accepts there
//	metric SERIES VALUE    wait until /metrics has this line
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("SKERRY_UPDATE") != "",
		Condition: func(name string) (bool, error) {
			if name == "race" { // the detector's own memory is many times the program's
				return raceEnabled, nil
			}
			program, ok := strings.CutPrefix(name, "installed:")
			if !ok {
				return false, fmt.Errorf("unknown condition %s", name)
			}
			return rival.Missing(program) == "", nil
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("GORACE", hasty)
			e.Values[worldKey{}] = newWorld()
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"origin": startOrigin, "secure": startSecure, "unorigin": stopOrigin, "seen": awaitSeen, "entered": awaitEntered, "release": releaseOrigin, "nginx": startNginx,
			"expand": expand, "edge": startEdge, "signal": signalEdge, "exited": awaitExit, "await": awaitMatch,
			"http": httpVerb, "&http": httpInBackground, "answer": awaitAnswer, "metric": awaitMetric,
			"same": sameOrigin, "share": shareOrigins, "many": manyRequests, "refused": awaitRefused,
		},
	})
}

// world is what one script has started.
type world struct {
	origins map[string]*testOrigin
	edge    *exec.Cmd
	ended   chan struct{}     // closed when edge has ended
	answer  chan string       // of &http
	last    string            // answer of http
	marks   map[string]string // of same
}

type worldKey struct{}

func newWorld() *world { return &world{origins: map[string]*testOrigin{}, marks: map[string]string{}} }

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// eventually polls until ok returns nil and fails the script with its last error otherwise.
func eventually(ts *testscript.TestScript, ok func() error) {
	var err error
	for by := time.Now().Add(patience); time.Now().Before(by); time.Sleep(10 * time.Millisecond) {
		if err = ok(); err == nil {
			return
		}
	}
	ts.Fatalf("after %v: %v", patience, err)
}

func expand(ts *testscript.TestScript, _ bool, files []string) {
	for _, f := range files {
		text := os.Expand(ts.ReadFile(f), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(f), []byte(text), 0o644))
	}
}

// startEdge starts skerry run on free ports, without a drain delay unless args name one, and waits until it is ready.
func startEdge(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	if w.edge != nil {
		select {
		case <-w.ended:
		default:
			ts.Fatalf("the edge runs already")
		}
	}
	args = append([]string{"run", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--drain-delay", "0s"}, args...)
	cmd := exec.Command("skerry", args...)
	cmd.Dir = ts.Getenv("WORK")
	out, err := os.Create(ts.MkAbs("edge.log"))
	ts.Check(err)
	defer out.Close()
	errs, err := os.Create(ts.MkAbs("edge.err"))
	ts.Check(err)
	defer errs.Close()
	cmd.Stdout, cmd.Stderr = out, errs
	ts.Check(cmd.Start())
	ended := make(chan struct{})
	w.edge, w.ended = cmd, ended
	go func() {
		cmd.Wait() // its outcome is asked for by exited
		close(ended)
	}()
	ts.Defer(func() {
		cmd.Process.Kill() // no error worth knowing: it may have ended
		<-ended
	})
	awaitReady(ts)
}

var (
	httpLine  = regexp.MustCompile(`(?m)^skerry: http on (\S+)$`)
	adminLine = regexp.MustCompile(`(?m)^skerry: admin on http://(\S+)/$`)
)

// awaitReady takes the addresses from what the edge says and asks /readyz.
func awaitReady(ts *testscript.TestScript) {
	w := worldOf(ts)
	eventually(ts, func() error {
		select {
		case <-w.ended:
			ts.Fatalf("the edge ended with %v:\n%s", w.edge.ProcessState, ts.ReadFile("edge.err"))
		default:
		}
		text := ts.ReadFile("edge.err")
		h, a := httpLine.FindStringSubmatch(text), adminLine.FindStringSubmatch(text)
		if h == nil || a == nil {
			return errors.New("the edge has not said where it listens:\n" + text)
		}
		ts.Setenv("EDGE", h[1])
		ts.Setenv("ADMIN", a[1])
		ts.Setenv("ADMIN_PORT", a[1][strings.LastIndexByte(a[1], ':')+1:])
		status, body, err := get("http://" + a[1] + "/readyz")
		if err == nil && status != 200 {
			err = errors.New(body)
		}
		return err
	})
}

func signalEdge(ts *testscript.TestScript, _ bool, args []string) {
	sig := map[string]syscall.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM, "USR1": syscall.SIGUSR1}[args[0]]
	if sig == 0 {
		ts.Fatalf("signal %s?", args[0])
	}
	ts.Check(worldOf(ts).edge.Process.Signal(sig))
}

func awaitExit(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	select {
	case <-w.ended:
	case <-time.After(patience):
		ts.Fatalf("the edge still runs after %v", patience)
	}
	if got := w.edge.ProcessState.ExitCode(); got != want {
		ts.Fatalf("exit code %d, want %d (%v)\n%s", got, want, w.edge.ProcessState, ts.ReadFile("edge.err"))
	}
}

func awaitMatch(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 || neg {
		ts.Fatalf("usage: await FILE REGEXP")
	}
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	eventually(ts, func() error {
		text := ts.ReadFile(args[0])
		if re.MatchString(text) {
			return nil
		}
		return fmt.Errorf("no match of %q in %s:\n%s", args[1], args[0], text)
	})
}

func awaitMetric(ts *testscript.TestScript, _ bool, args []string) {
	want := strings.Join(args, " ")
	eventually(ts, func() error {
		_, body, err := get("http://" + ts.Getenv("ADMIN") + "/metrics")
		if err != nil {
			return err
		}
		var near bytes.Buffer
		name, _, _ := strings.Cut(args[0], "{")
		for line := range strings.Lines(body) {
			if strings.TrimSpace(line) == want {
				return nil
			}
			if strings.HasPrefix(line, name) {
				near.WriteString(line)
			}
		}
		return fmt.Errorf("no metric %s; there is:\n%s", want, &near)
	})
}
