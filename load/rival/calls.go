package rival

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Calls is how many system calls a program made, and what counted them.
type Calls struct {
	Count int
	By    string // "perf" or "strace"
}

// Calls runs a command, as Path finds it, and counts the system calls that the program and its group make meanwhile: with perf, or
// with strace where perf is not there or may not. output is what the command printed. strace stops the program at each call, so that
// a program which does more in one go the busier it is makes other ones: that is why By is told. If neither works, the error gives
// the reasons of both.
func (p *Proc) Calls(ctx context.Context, name string, args ...string) (c Calls, output string, err error) {
	path, err := Path(name)
	if err != nil {
		return Calls{}, "", err
	}
	command := append([]string{path}, args...)
	dir, err := os.MkdirTemp("", "calls")
	if err != nil {
		return Calls{}, "", err
	}
	defer os.RemoveAll(dir)
	counts := filepath.Join(dir, "counts")
	c.By = "perf"
	if c.Count, output, err = p.perf(ctx, counts, command); err == nil || ctx.Err() != nil {
		return c, output, err
	}
	why := err
	c.By = "strace"
	if c.Count, output, err = p.strace(ctx, counts, command); err != nil {
		return Calls{}, output, errors.Join(why, err)
	}
	return c, output, nil
}

// pidList is the processes of the group, which perf takes separated by commas.
func (p *Proc) pidList() string {
	var pids []string
	for _, pid := range p.Pids() {
		pids = append(pids, strconv.Itoa(pid))
	}
	return strings.Join(pids, ",")
}

// perf counts with perf, which runs the command itself.
func (p *Proc) perf(ctx context.Context, counts string, command []string) (n int, output string, err error) {
	perf, err := Path("perf")
	if err != nil {
		return 0, "", err
	}
	args := append([]string{"stat", "-x,", "-o", counts, "-e", "raw_syscalls:sys_enter", "-p", p.pidList(), "--"}, command...)
	out, err := exec.CommandContext(ctx, perf, args...).CombinedOutput()
	if err != nil {
		return 0, string(out), fmt.Errorf("perf: %w: %s", err, lastLine(out))
	}
	text, err := os.ReadFile(counts)
	if err != nil {
		return 0, string(out), err
	}
	n, err = parsePerf(string(text))
	return n, string(out), err
}

// parsePerf is the count in the output of perf stat -x.
func parsePerf(text string) (int, error) {
	for line := range strings.Lines(text) {
		words := strings.Split(line, ",")
		if len(words) < 3 || !strings.Contains(line, "raw_syscalls") {
			continue
		}
		n, err := strconv.Atoi(words[0])
		if err != nil {
			return 0, fmt.Errorf("perf counted nothing: %s", strings.TrimSpace(line))
		}
		return n, nil
	}
	return 0, errors.New("perf printed no count")
}

// strace counts with strace, which is attached for as long as the command runs.
func (p *Proc) strace(ctx context.Context, counts string, command []string) (n int, output string, err error) {
	strace, err := Path("strace")
	if err != nil {
		return 0, "", err
	}
	var printed bytes.Buffer
	tracer := exec.Command(strace, "-q", "-f", "-c", "-o", counts, "-p", p.pidList())
	tracer.Stderr = &printed
	if err := tracer.Start(); err != nil {
		return 0, "", err
	}
	ended := make(chan struct{})
	go func() {
		tracer.Wait()
		close(ended)
	}()
	if err := p.traced(ctx, ended); err != nil {
		letGo(tracer, ended)
		return 0, "", fmt.Errorf("strace: %w: %s", err, lastLine(printed.Bytes()))
	}
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
	letGo(tracer, ended)
	if err != nil {
		return 0, string(out), fmt.Errorf("%s: %w", command[0], err)
	}
	text, err := os.ReadFile(counts)
	if err != nil {
		return 0, string(out), fmt.Errorf("strace: %w", err)
	}
	n, err = parseStrace(string(text))
	return n, string(out), err
}

// letGo ends strace. Asked to, it frees the program and writes its counts; it may wait forever for a program that is forking, and the
// kernel frees the program if it is killed.
func letGo(tracer *exec.Cmd, ended <-chan struct{}) {
	tracer.Process.Signal(syscall.SIGINT)
	select {
	case <-ended:
	case <-time.After(traceWait):
		tracer.Process.Kill()
		<-ended
	}
}

// traced waits until every thread of the group has a tracer.
func (p *Proc) traced(ctx context.Context, ended <-chan struct{}) error {
	for limit := time.Now().Add(traceWait); time.Now().Before(limit); time.Sleep(pollEvery) {
		all := true
		for _, pid := range p.Pids() {
			threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*/status", pid))
			for _, thread := range threads {
				text, err := os.ReadFile(thread)
				if err == nil && bytes.Contains(text, []byte("\nTracerPid:\t0\n")) {
					all = false
				}
			}
		}
		select {
		case <-ended:
			return errors.New("it ended before it had attached")
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		if all {
			return nil
		}
	}
	return fmt.Errorf("it has not attached after %v", traceWait)
}

// parseStrace is the sum in the table that strace -c prints.
func parseStrace(text string) (int, error) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line) // share, seconds, microseconds for each, calls, errors if any, name
		if len(words) < 5 || words[len(words)-1] != "total" {
			continue
		}
		return strconv.Atoi(words[3])
	}
	return 0, errors.New("strace printed no sum")
}

// lastLine is the last line of what a program printed that is not empty.
func lastLine(out []byte) string {
	text := strings.TrimSpace(string(out))
	return text[strings.LastIndexByte(text, '\n')+1:]
}
