package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"skerry.dev/skerry/admin"
	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/handover"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/systemd"
)

// process is a running edge with its log, its admin page and its signals.
type process struct {
	err     io.Writer // for people
	meters  *meter.Set
	opt     edge.Options
	edge    atomic.Pointer[edge.Edge] // nil while the first plan is made; the admin page is there before it
	log     io.Writer
	file    *logFile // nil: the log is no file
	admin   *admin.Server
	signals chan os.Signal
	events  chan meter.Event
	telling sync.WaitGroup

	hand      *handover.Process
	data      *handover.Lock    // --data; nil: there is none, or it is not ours. Of the goroutine that serves, when nothing watches
	gate      gate              // of what changes the cache
	taking    atomic.Bool       // --data is still to be taken from the process before
	notify    *systemd.Notifier // nil: systemd wants to hear nothing
	reloading atomic.Bool       // systemd was told so
	upgrade   upgradeFlags
	teller    *teller  // to the process that replaces this one; nil: there is none. Of the attempt, and then of the goroutine that serves
	attempt   *attempt // to replace this process; nil: there is none. Of the goroutine that serves

	stopWatch context.CancelFunc
	watching  sync.WaitGroup
	reload    chan struct{}
}

func newProcess(err io.Writer) *process {
	p := &process{
		err: err, meters: meter.NewSet(), signals: make(chan os.Signal, 8), events: make(chan meter.Event, eventsWaiting),
		reload: make(chan struct{}, 1), stopWatch: func() {},
	}
	p.failures()
	// Before anything can be signalled: a SIGTERM during a long first compile is not lost. SIGPIPE would end the process
	// when whoever reads the log goes away; telemetry never stops traffic.
	signal.Notify(p.signals, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1, syscall.SIGUSR2)
	signal.Ignore(syscall.SIGPIPE)
	p.telling.Go(func() {
		for e := range p.events {
			p.say("%s: %s", strings.ReplaceAll(e.Kind, "_", " "), e.Text)
		}
	})
	return p
}

// tell passes an event on to people without ever waiting for them.
func (p *process) tell(e meter.Event) {
	switch e.Kind {
	case "reloaded", "reload_unchanged", "reload_refused":
		p.reloaded()
	}
	switch e.Kind {
	case "activated", "fell_back", "reload_refused", "drain", "drained", "retire": // said with more by start, refused, drain and retire
		return
	}
	select {
	case p.events <- e:
	default: // /api/v1/events has it
	}
}

func (p *process) openLog(name string, stdout io.Writer) error {
	switch name {
	case "":
	case "-":
		p.log = stdout
	default:
		f, err := openLogFile(name)
		if err != nil {
			return fmt.Errorf("--log: %w", err)
		}
		p.file, p.log = f, f
	}
	return nil
}

func (p *process) openAdmin(addrs []string) (err error) {
	if len(addrs) == 0 {
		return nil
	}
	listen := func(addr string) (net.Listener, error) { return p.hand.Sockets.Listen("admin", addr) }
	p.admin, err = admin.Serve(addrs, listen, admin.New(admin.Options{
		Set: p.meters, Version: build(), Cache: p.cacheAdmin(),
		Ready: func() (bool, string) {
			if e := p.edge.Load(); e != nil {
				return e.Ready()
			}
			return false, "starting"
		},
		Plan: func() any {
			if e := p.edge.Load(); e != nil {
				return e.Plan()
			}
			return nil
		},
	}))
	return err
}

// adminAddrs are the addresses in use, ports filled in.
func (p *process) adminAddrs() []string {
	if p.admin == nil {
		return nil
	}
	return p.admin.Addrs()
}

// start puts the first plan in force, opens the listeners and says where they are.
func (p *process) start(opt edge.Options, src *edge.Source) error {
	opt.Tell, opt.Listen = p.tell, p.hand.Sockets.Listen
	p.opt = opt
	e, err := edge.New(opt)
	if err != nil {
		return err
	}
	fellBack, problems := e.Begin(src)
	if len(problems) > 0 {
		printProblems(p.err, problems)
		if !fellBack {
			p.say("%s, nothing to serve", count(len(problems), "problem"))
			e.Abandon()
			return errReported
		}
		p.say("WARNING: %s in the spec; serving the last good one from %s until they are mended", count(len(problems), "problem"), src.Data)
	}
	if err := e.Start(); err != nil {
		e.Abandon()
		return err
	}
	p.edge.Store(e)
	p.say("plan: %s", summary(e.Spec()))
	http, https := e.Addrs()
	for _, a := range http {
		p.say("http on %s", a)
	}
	for _, a := range https {
		p.say("https on %s", a)
	}
	if hosts, root := e.LocalCA(); len(hosts) > 0 {
		if root == "" {
			root = "in memory, and another one after a restart: give --data"
		}
		p.say("local CA: no Certificate covers %s; no browser trusts its root, %s%s", some(hosts), root, p.acmeOff())
	}
	p.sayACME(e)
	for _, a := range p.adminAddrs() {
		p.say("admin on http://%s/", a)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.stopWatch = cancel
	p.watching.Go(func() { e.Watch(ctx, src, p.reload, p.refused) })
	return p.serving(ctx, src)
}

// refused says why a reload changed nothing.
func (p *process) refused(problems []fault.Problem) {
	var text strings.Builder
	printProblems(&text, problems)
	fmt.Fprintf(p.err, "%sskerry: reload refused: %s; the running plan stays\n", text.String(), count(len(problems), "problem"))
}

// serve waits for signals until the drain is over, or another process has taken over and nothing is left here.
func (p *process) serve() {
	for {
		select {
		case s := <-p.signals:
			switch s {
			case syscall.SIGHUP:
				p.reloadNow()
			case syscall.SIGUSR1:
				p.reopen()
			case syscall.SIGUSR2:
				p.replace()
			default:
				p.abandonAttempt()
				p.drain(s)
				return
			}
		case <-p.attempt.over():
			if p.replaced() {
				return
			}
		}
	}
}

func (p *process) reopen() {
	if p.file == nil {
		p.say("SIGUSR1: the log is no file")
		return
	}
	if err := p.file.Reopen(); err != nil {
		p.say("SIGUSR1: the log goes on in the old file: %v", err)
		return
	}
	p.say("log file opened anew")
}

// drain ends the edge; another SIGTERM or SIGINT ends it at once.
func (p *process) drain(s os.Signal) {
	e := p.edge.Load()
	p.say("%v: not ready any more; accepting for another %v, then connections have %v to end; the signal again ends them now",
		s, p.opt.DrainDelay, p.opt.DrainTimeout)
	p.toldSystemd(p.main().Stopping())
	p.stopWatch()
	p.watching.Wait()
	p.report("stopped", p.hurried(e, nil, e.Drain))
	if p.proved() {
		p.hand.EndOlder(olderGrace) // the service stops, and they are of it
	}
}

// hurried runs what ends the edge; SIGTERM, SIGINT or end have it hurry.
func (p *process) hurried(e *edge.Edge, end <-chan struct{}, how func() (cut int)) (cut int) {
	drained := make(chan struct{})
	var again sync.WaitGroup
	again.Go(func() {
		for {
			select {
			case s := <-p.signals:
				switch s {
				case syscall.SIGTERM, syscall.SIGINT:
					e.Hurry()
				case syscall.SIGUSR1:
					p.reopen()
				}
			case <-end:
				e.Hurry()
				end = nil
			case <-drained:
				return
			}
		}
	})
	cut = how()
	close(drained)
	again.Wait()
	return cut
}

// report says how the end was, and whose: others that were replaced may write to the same place.
func (p *process) report(stopped string, cut int) {
	if cut > 0 {
		p.say("%s: %s cut off", stopped, count(cut, "connection"))
		return
	}
	p.say("%s: every connection ended by itself", stopped)
}

// close lets go of everything, in the reverse order of opening.
func (p *process) close() {
	p.stopWatch()
	p.watching.Wait()
	if p.admin != nil {
		p.admin.Close() // what it cuts off is a scrape
	}
	_ = p.data.Release() // the file is closed whatever it returns
	p.teller.end()
	if p.hand != nil {
		p.hand.Close()
	}
	p.notify.Close()
	if p.file != nil {
		p.file.Close() // the log has been flushed by the drain
	}
	signal.Stop(p.signals)
	signal.Reset(syscall.SIGPIPE)
	close(p.events)
	p.telling.Wait()
}
