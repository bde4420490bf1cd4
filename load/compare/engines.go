package main

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// engine is a firewall in this process. It is used by several goroutines at once.
type engine interface {
	// Judge runs every phase that the firewall has for a request without its origin: the request's head and body, the
	// head of a plain answer of 200, and logging. It returns the status that the client gets instead, 0 if it passes.
	Judge(r *request) (status int, err error)
	// Rules is how many rules of the Core Rule Set it has loaded, a chain as one, those of its own setup not counted.
	Rules() int
}

// engineTable is a table of engines in this process: all requests under one policy.
type engineTable struct {
	key, title string
	policy     policy
	procs      int // GOMAXPROCS, and as many goroutines that ask
}

var engineTables = []engineTable{
	{"engine1", "engines, paranoia level 1, GOMAXPROCS=1", blocking, 1},
	{"engine1x2", "engines, paranoia level 1, GOMAXPROCS=2", blocking, 2},
	{"engine4", "engines, paranoia level 4, GOMAXPROCS=1", policy{4, 100_000}, 1},
	{"engine4x2", "engines, paranoia level 4, GOMAXPROCS=2", policy{4, 100_000}, 2},
}

// engineCase is a line of an engine table.
type engineCase struct {
	name     string
	requests []*request // asked in turn
	benign   bool       // all must pass
	atMost   float64    // of Coraza's time at level 1; 0: no budget
	micros   float64    // at level 1; 0: no budget
}

func engineCases() ([]engineCase, error) {
	ratios := map[string]float64{"get_small": 1. / 58, "get_browser": 1. / 60, "json_2k": 1. / 80, "form_20": 1. / 85, "json_100k": 1. / 85}
	var all []engineCase
	for _, name := range benign {
		r, err := benignRequest(name)
		if err != nil {
			return nil, err
		}
		all = append(all, engineCase{name: name, requests: []*request{r}, benign: true, atMost: ratios[name]})
	}
	return append(all,
		engineCase{name: "1,000 random printable bytes", requests: hostile("random", randomPrintable), micros: 1000},
		engineCase{name: "1,000 bytes of attack tokens", requests: hostile("tokens", attackToken), micros: 1000}), nil
}

// engineSample is how long an engine is asked for one sample, in wall time; at least one request.
const engineSample = 500 * time.Millisecond

// engineUse is what one request costs.
type engineUse struct {
	micros       float64 // user and system time of the process, its collector included
	allocs, size float64
}

// engineResult is the samples of one engine in one line, sorted.
type engineResult struct {
	samples []engineUse
	absent  string
}

// median is the middle sample, zero without any.
func (r engineResult) median() engineUse {
	if len(r.samples) == 0 {
		return engineUse{}
	}
	return r.samples[len(r.samples)/2]
}

// engineLine is a line's results.
type engineLine struct {
	engineCase
	coraza, skerry engineResult
}

// engineTableResult is a table's.
type engineTableResult struct {
	engineTable
	lines []engineLine
}

// measureEngines asks Coraza and Skerry in turn, a line at a time.
func (b *bench) measureEngines(t engineTable) (engineTableResult, error) {
	result := engineTableResult{engineTable: t}
	dir, err := os.MkdirTemp(b.dir, t.key)
	if err != nil {
		return result, err
	}
	files, err := writeRules(dir, t.policy)
	if err != nil {
		return result, err
	}
	coraza, err := newCoraza(files, nil)
	if err != nil {
		return result, err
	}
	want, err := expectations(files)
	if err != nil {
		return result, err
	}
	absent := controlEngine(files, t.policy, want)
	var skerry engine
	if absent == "" {
		if skerry, err = newSkerry(files, t.policy, nil); err != nil {
			return result, err
		}
	} else {
		fmt.Printf("  skerry is left out: %s\n", absent)
	}
	cases, err := engineCases()
	if err != nil {
		return result, err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(t.procs))
	for _, c := range cases {
		line := engineLine{engineCase: c, skerry: engineResult{absent: absent}}
		if err := b.measureLine(t.procs, coraza, skerry, &line); err != nil {
			return result, fmt.Errorf("%s: %w", c.name, err)
		}
		result.lines = append(result.lines, line)
	}
	return result, nil
}

// measureLine takes the samples of a line, after a warm-up, in turned order every other round.
func (b *bench) measureLine(procs int, coraza, skerry engine, line *engineLine) error {
	type turn struct {
		engine
		*engineResult
	}
	turns := []turn{{coraza, &line.coraza}}
	if skerry != nil {
		turns = append(turns, turn{skerry, &line.skerry})
	}
	for round := range b.o.rounds + 1 {
		for _, t := range turns {
			if err := b.ctx.Err(); err != nil {
				return err
			}
			use, err := ask(t.engine, line.engineCase, procs)
			if err != nil {
				return err
			}
			if round > 0 {
				t.samples = append(t.samples, use)
			}
		}
		slices.Reverse(turns)
	}
	for _, t := range turns {
		slices.SortFunc(t.samples, func(a, b engineUse) int { return cmp.Compare(a.micros, b.micros) })
	}
	fmt.Printf("  %-30s Coraza %.0f µs, Skerry %.1f µs\n", line.name, line.coraza.median().micros, line.skerry.median().micros)
	return nil
}

// ask takes one sample. The collector runs before it, so that one engine's garbage is not the next one's cost.
func ask(e engine, c engineCase, procs int) (engineUse, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := processTime()
	end := time.Now().Add(engineSample)
	counts, errs := make([]int, procs), make([]error, procs)
	var wg sync.WaitGroup
	for p := range procs {
		wg.Go(func() { counts[p], errs[p] = askUntil(e, c, p, end) })
	}
	wg.Wait()
	cpu = processTime() - cpu
	runtime.ReadMemStats(&after)
	n := 0.
	for p := range procs {
		if errs[p] != nil {
			return engineUse{}, errs[p]
		}
		n += float64(counts[p])
	}
	return engineUse{
		micros: float64(cpu) / float64(time.Microsecond) / n,
		allocs: float64(after.Mallocs-before.Mallocs) / n, size: float64(after.TotalAlloc-before.TotalAlloc) / n,
	}, nil
}

// askUntil asks until a time and says how often.
func askUntil(e engine, c engineCase, first int, end time.Time) (n int, err error) {
	for {
		status, err := e.Judge(c.requests[(first+n)%len(c.requests)])
		if err != nil {
			return n, err
		}
		if status != 0 && c.benign {
			return n, fmt.Errorf("a benign request is answered %d", status)
		}
		n++
		if !time.Now().Before(end) {
			return n, nil
		}
	}
}

// processTime is the user and system time of this process, all threads.
func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic("BUG: getrusage: " + err.Error())
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
