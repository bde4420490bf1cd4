package ftw_test

import (
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/coreruleset/go-ftw/v2/config"
	"github.com/coreruleset/go-ftw/v2/output"
	"github.com/coreruleset/go-ftw/v2/runner"
)

// lists are the files that say what a server does otherwise than the tests expect.
type lists struct {
	ignored string // go-ftw's testoverride.ignore
	changed string // go-ftw's platform overrides
}

// TestSuite runs the tests of the Core Rule Set through every server: addr takes plain HTTP, events are its log.
func TestSuite(t *testing.T) {
	f := func(name string, start func(*testing.T) (addr net.Addr, events io.Reader), l lists, ignoredMax int) {
		t.Run(name, func(t *testing.T) {
			addr, events := start(t)
			stats := run(t, newGate(t, play(t, addr, events)), l)
			if only == "" && (stats.Run < testsMin || len(stats.Ignored) > ignoredMax) {
				t.Errorf("%d tests run, %d ignored; want at least %d and at most %d", stats.Run, len(stats.Ignored), testsMin, ignoredMax)
			}
		})
	}
	f("coraza", coraza, lists{"testdata/coraza/ignored.yaml", "testdata/coraza/changed.yaml"}, 6)
	if edgeJudges {
		f("edge", edge, lists{"ignored.yaml", "changed.yaml"}, listMax)
	}
}

// only narrows the run to tests whose ids it matches: SKERRY_FTW='^942100-' go test.
var only = os.Getenv("SKERRY_FTW")

func wanted(id string) bool { return regexp.MustCompile(only).MatchString(id) }

// edgeJudges is whether the edge runs rules yet.
const edgeJudges = true

// testsMin is how many tests version 4.25.0 of the Core Rule Set has.
const testsMin = 4674

// run runs every test of the Core Rule Set and fails the test for each that fails.
func run(t *testing.T, g *gate, l lists) *runner.RunStats {
	t.Helper()
	tests := suite(t)
	c := runnerConfig(t, g, l)
	ctx, err := runner.Run(c, tests, output.NewOutput("quiet", io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	stats := ctx.Stats
	for _, id := range slices.Concat(stats.Failed, stats.ForcedFail) {
		t.Errorf("%s failed; rules that matched, by stage: %v", id, stats.TriggeredRules[id])
	}
	if len(stats.Skipped) > 0 && c.Include == nil || len(stats.ForcedPass) > 0 {
		t.Errorf("%d skipped, forced to pass %q", len(stats.Skipped), stats.ForcedPass)
	}
	t.Logf("%d run, %d passed, %d failed, %d ignored", stats.Run, len(stats.Success), len(stats.Failed), len(stats.Ignored))
	return stats
}

// runnerConfig is go-ftw's configuration for the gate and the lists of the server behind it.
func runnerConfig(t *testing.T, g *gate, l lists) *config.RunnerConfig {
	t.Helper()
	f, err := config.NewConfigFromFile(l.ignored)
	if err != nil {
		t.Fatalf("%s: %v", l.ignored, err)
	}
	f.LogFile = g.log.Name()
	addr := g.listener.Addr().(*net.TCPAddr)
	host, port := addr.IP.String(), addr.Port
	f.TestOverride.Overrides = config.Overrides{DestAddr: &host, Port: &port}
	if only != "" {
		if f.IncludeTests, err = config.NewFTWRegexp(only); err != nil {
			t.Fatal(err)
		}
	}
	c := config.NewRunnerConfiguration(f)
	c.ReadTimeout, c.ConnectTimeout = 30*time.Second, 10*time.Second
	if err := c.LoadPlatformOverrides(l.changed); err != nil {
		t.Fatalf("%s: %v", l.changed, err)
	}
	return c
}
