package rival

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options is how a program is started.
type Options struct {
	Dir   string   // an existing folder of its own: configuration, logs and temporary files go there
	Conf  string   // its configuration; see Nginx, HAProxy, Caddy, H2O and Varnish for what each adds
	Ready string   // host:port that accepts once it is ready; empty: Start does not wait
	Pin   string   // processors to run on, as taskset -c takes them; empty: all
	Env   []string // added to this process's environment
	Out   string   // file that standard output is appended to; empty: Dir/output

	Workers int // of nginx and h2o, thread pools of Varnish; 0 is one

	// Of nginx only.
	Modules  []string // dynamic modules, as NginxModule takes them
	LogLevel string   // of its error log; empty: warn

	Args []string // of Varnish only: more of its command line
}

// A Proc is one running program and the processes it forked, which stay in its group.
type Proc struct {
	Name string

	cmd    *exec.Cmd
	errors string // the file with its standard error
	ended  chan struct{}
	stop   sync.Once
}

// Start runs a program found by Path with args, and waits until o.Ready accepts.
func Start(o Options, name string, args ...string) (*Proc, error) {
	path, err := Path(name)
	if err != nil {
		return nil, err
	}
	if o.Pin != "" {
		taskset, err := Path("taskset")
		if err != nil {
			return nil, err
		}
		path, args = taskset, append([]string{"-c", o.Pin, path}, args...)
	}
	p := &Proc{Name: filepath.Base(name), errors: filepath.Join(o.Dir, "errors"), ended: make(chan struct{})}
	p.cmd = exec.Command(path, args...)
	p.cmd.Dir = o.Dir
	p.cmd.Env = append(os.Environ(), o.Env...)
	p.cmd.SysProcAttr = attributes()
	if err := p.start(o); err != nil {
		return nil, err
	}
	if o.Ready == "" {
		return p, nil
	}
	if err := p.Await(o.Ready); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

func (p *Proc) start(o Options) error {
	if o.Out == "" {
		o.Out = filepath.Join(o.Dir, "output")
	}
	out, err := os.OpenFile(o.Out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	errs, err := os.OpenFile(p.errors, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer errs.Close()
	p.cmd.Stdout, p.cmd.Stderr = out, errs
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	go func() {
		p.cmd.Wait()
		close(p.ended)
	}()
	return nil
}

// Await waits until addr (host:port) accepts a connection; it fails when the program ends or takes too long.
func (p *Proc) Await(addr string) error {
	for limit := time.Now().Add(startWait); time.Now().Before(limit); time.Sleep(pollEvery) {
		if c, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
			return c.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended before it listened on %s: %s", p.Name, addr, p.Errors())
		default:
		}
	}
	return fmt.Errorf("%s does not listen on %s after %v: %s", p.Name, addr, startWait, p.Errors())
}

// Pid is the process id of the program; its group has the same number.
func (p *Proc) Pid() int { return p.cmd.Process.Pid }

// Ended is closed when the program has ended.
func (p *Proc) Ended() <-chan struct{} { return p.ended }

// Errors is the end of what the program wrote to standard error.
func (p *Proc) Errors() string {
	text, err := os.ReadFile(p.errors)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-outputBytesMax):]))
}

// Stop ends the program and everything left in its group; it may be called more than once.
func (p *Proc) Stop() {
	p.stop.Do(func() {
		p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(stopWait):
		}
		syscall.Kill(-p.Pid(), syscall.SIGKILL)
		<-p.ended
		for limit := time.Now().Add(stopWait); len(p.Pids()) > 0 && time.Now().Before(limit); { // they are killed, and not yet gone
			time.Sleep(pollEvery)
		}
	})
}

// Path returns where a program is: name itself if it is a path, else the first match in PATH and the folders of system
// programs, which are not in every user's PATH.
func Path(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return filepath.Abs(path)
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: scripts/services installs it on Debian and says what to do elsewhere", name)
}

// Missing is empty if all these programs are installed; otherwise it is the text to skip a test with.
func Missing(names ...string) string {
	for _, name := range names {
		if _, err := Path(name); err != nil {
			return err.Error()
		}
	}
	return ""
}

var given = struct {
	sync.Mutex
	ports map[int]bool
}{ports: map[int]bool{}}

// FreePort returns a loopback TCP port that nothing listens on now; it gives no port twice.
func FreePort() (int, error) {
	given.Lock()
	defer given.Unlock()
	for range portTries {
		port := portFirst + rand.IntN(portLast-portFirst)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		l.Close()
		if !given.ports[port] {
			given.ports[port] = true
			return port, nil
		}
	}
	return 0, errors.New("no free loopback port after " + strconv.Itoa(portTries) + " tries")
}

// FreeAddr is 127.0.0.1 with a FreePort.
func FreeAddr() (string, error) {
	port, err := FreePort()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}
