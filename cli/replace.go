package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/handover"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/plan"
	"skerry.dev/skerry/systemd"
)

// upgradeFlags say how this process may be replaced.
type upgradeFlags struct{ timeout, trial, age time.Duration }

func (u *upgradeFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.DurationVar(&u.timeout, "upgrade-timeout", time.Minute, "how long the process that SIGUSR2 starts may take to be ready; beyond it, it is ended and this one goes on")
	f.DurationVar(&u.trial, "upgrade-trial", 5*time.Second, "how long that process must have served before this one gives up its sockets; if it ends sooner this one accepts again")
	f.DurationVar(&u.age, "upgrade-age", time.Hour, "how long streams and tunnels of a replaced process may go on; at most two such processes are there at once")
}

func (u *upgradeFlags) check() error {
	if u.timeout <= 0 || u.trial < 0 || u.age < 0 {
		return errors.New("--upgrade-timeout must be more than 0, --upgrade-trial and --upgrade-age cannot be negative")
	}
	return nil
}

// begin takes what the process was started with: sockets of the process before, or of systemd.
func (p *process) begin() (err error) {
	text := os.Getenv(handover.Variable)
	os.Unsetenv(handover.Variable) // no error: the name is good
	if p.hand, err = handover.Begin(os.Args, text); err != nil {
		return err
	}
	p.meters.Func("skerry_retired_processes", "Processes that this one, or one before it, has replaced and that have not ended.", p.retired)
	if before := p.hand.Replaces(); before != 0 {
		p.hand.Sockets.Pause() // nobody is to meet a process that is not ready, nor to hear so from /readyz
		p.gate.shut(fmt.Sprintf("it is not certain yet that this process replaces process %d (--upgrade-trial), or that has not let --data go; "+
			"try again after the event data_taken", before))
		p.say("process %d is to replace process %d", os.Getpid(), before)
	}
	given, err := systemd.Listeners(os.Getenv)
	if err != nil {
		return err
	}
	for _, l := range given {
		if err := p.hand.Sockets.Give(l); err != nil {
			return err
		}
	}
	p.notify, err = systemd.NewNotifier(os.Getenv)
	return err
}

// lockData takes --data for this process. One that replaces another only reads there until that has let go.
func (p *process) lockData(src *edge.Source, set *plan.Setting) (err error) {
	switch {
	case p.hand.Replaces() != 0:
		src.Lent, set.CacheLate = src.Data != "", true
	case src.Data != "":
		if p.data, err = handover.Take(src.Data); err != nil {
			return fmt.Errorf("--data %s: %w", src.Data, err)
		}
	}
	return nil
}

// serving begins what follows the first accept: who started this process hears that it serves.
func (p *process) serving(ctx context.Context, src *edge.Source) error {
	for _, addr := range p.hand.Sockets.CloseUnused() {
		p.say("WARNING: the process was given a socket on %s, and no flag says what for; it is closed", addr)
	}
	if p.hand.Replaces() == 0 {
		p.toldSystemd(p.main().Ready(p.status()))
	} else {
		e := p.edge.Load()
		p.hand.Told(func(what []byte) {
			if err := e.ObeyCache(what); err != nil {
				p.say("%v", err)
				e.DoubtCache()
			}
		}, e.DoubtCache)
		if err := p.hand.Ready(); err != nil {
			p.say("the process before is gone: %v", err)
		}
		p.watching.Go(func() { p.succeed(ctx, src) })
	}
	if every := p.notify.Every(); every > 0 {
		p.watching.Go(func() { p.live(ctx, every) })
	}
	return nil
}

// succeed does what is left to be done when the process before stops accepting, and when it has gone for good.
func (p *process) succeed(ctx context.Context, src *edge.Source) {
	e := p.edge.Load()
	select {
	case <-p.hand.Turn():
	case <-ctx.Done():
		return
	}
	p.hand.Sockets.Resume()
	e.BeginCache()
	select {
	case <-p.hand.Proved():
	case <-ctx.Done():
		return
	}
	for _, old := range p.hand.Older() {
		p.watching.Go(func() { p.awaitEnd(ctx, old) })
	}
	if src.Lent {
		p.takeData(ctx, e, src)
		return
	}
	p.gate.open()
}

// retired counts the processes before this one that are still there; the last one from the time on when this one stays.
func (p *process) retired() (n float64) {
	older := p.hand.Older()
	if len(older) > 0 && !p.proved() {
		older = older[:len(older)-1]
	}
	for _, old := range older {
		select {
		case <-old.Gone:
		default:
			n++
		}
	}
	return n
}

// awaitEnd says when a process that was replaced has ended.
func (p *process) awaitEnd(ctx context.Context, old handover.Older) {
	select {
	case <-old.Gone:
		p.meters.Events().Add("retired_ended", fmt.Sprintf("process %d, which was replaced, has ended; skerry_retired_processes is %v", old.PID, p.retired()))
	case <-ctx.Done():
	}
}

// takeData takes --data, which the process before has let go, or lets go by its end.
func (p *process) takeData(ctx context.Context, e *edge.Edge, src *edge.Source) {
	p.taking.Store(true)
	again, late := time.NewTicker(dataPoll), time.NewTimer(dataWait)
	defer again.Stop()
	defer late.Stop()
	for {
		lock, err := handover.Take(src.Data)
		if err == nil {
			p.data = lock
			p.ownData(ctx, e, src)
			return
		}
		if !errors.Is(err, handover.ErrHeld) {
			p.meters.Events().Add("keep_failed", "--data cannot be taken: "+err.Error())
			p.taking.Store(false)
			p.gate.open()
			return
		}
		select {
		case <-again.C:
		case <-late.C:
			p.meters.Events().Add("keep_failed", fmt.Sprintf("--data could not be taken for %v (dataWait), and is tried again: %v", dataWait, err))
			p.gate.open()
		case <-ctx.Done():
			return
		}
	}
}

// ownData begins to use --data. The cache is left behind where that would take longer than this process has.
func (p *process) ownData(ctx context.Context, e *edge.Edge, src *edge.Source) {
	if err := src.Own(); err != nil {
		p.meters.Events().Add("keep_failed", "the last good spec could not be written (--data): "+err.Error())
	}
	if err := e.AttachCache(ctx.Done()); err != nil {
		p.meters.Events().Add("cache_disk", "answers are kept in memory only until the next start: "+err.Error())
	}
	p.taking.Store(false)
	p.gate.open()
	p.meters.Events().Add("data_taken", fmt.Sprintf("process %d has %s now (--data)", os.Getpid(), src.Data))
}

// proved reports whether this process is the one that serves for good.
func (p *process) proved() bool {
	select {
	case <-p.hand.Proved():
		return true
	default:
		return false
	}
}

// main is what speaks for the service, which a process on trial does not: systemd hears the main process only (NotifyAccess=main).
func (p *process) main() *systemd.Notifier {
	if p.proved() {
		return p.notify
	}
	return nil
}

// live tells systemd that the edge lives, once it is the service and for as long as it does.
func (p *process) live(ctx context.Context, every time.Duration) {
	select {
	case <-p.hand.Proved():
	case <-ctx.Done():
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if p.edge.Load().Alive(ctx); ctx.Err() != nil {
			return
		}
		p.toldSystemd(p.notify.Alive())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// status is what systemctl status shows.
func (p *process) status() string { return "plan: " + summary(p.edge.Load().Spec()) }

// reloadNow has the files looked at.
func (p *process) reloadNow() {
	p.toldSystemd(p.main().Reloading("reload"))
	p.reloading.Store(true) // behind it: a look at the files that ends just now must not say READY=1 before
	select {
	case p.reload <- struct{}{}:
	default: // one is waiting already
	}
}

// reloaded ends what reloadNow has told systemd, whatever came of it.
func (p *process) reloaded() {
	if p.reloading.CompareAndSwap(true, false) {
		p.toldSystemd(p.main().Ready(p.status()))
	}
}

// toldSystemd says so if systemd cannot be told.
func (p *process) toldSystemd(err error) {
	if err != nil {
		p.say("systemd could not be told: %v", err)
	}
}

// attempt is one to replace this process.
type attempt struct {
	cancel context.CancelFunc
	done   chan struct{}
	next   *handover.Successor // after done; nil: err says why
	err    error
}

// over is closed when it is known what came of it; never, if there is no attempt.
func (a *attempt) over() <-chan struct{} {
	if a == nil {
		return nil
	}
	return a.done
}

// replace starts another process in the place of this one.
func (p *process) replace() {
	if p.attempt != nil {
		p.say("SIGUSR2: a replacement is under way")
		return
	}
	if !p.proved() {
		p.say("SIGUSR2: this process is on trial itself (--upgrade-trial of process %d); try again when that is over", p.hand.Replaces())
		return
	}
	if !p.gate.isOpen() || p.taking.Load() { // the gate does not wait for it for ever
		p.say("SIGUSR2: this process has not taken --data yet; try again after the event data_taken")
		return
	}
	p.toldSystemd(p.main().Reloading("replacing the process"))
	p.meters.Events().Add("replace", fmt.Sprintf("process %d starts another in its place", os.Getpid()))
	ctx, cancel := context.WithCancel(context.Background())
	a := &attempt{cancel: cancel, done: make(chan struct{})}
	p.attempt = a
	go func() {
		defer close(a.done)
		a.next, a.err = p.try(ctx)
	}()
}

// try starts a process and returns it when it has served for a while; with an error, this one has all to itself again.
func (p *process) try(ctx context.Context) (*handover.Successor, error) {
	next, err := p.hand.Start(ctx, p.upgrade.timeout)
	if err != nil {
		return nil, err
	}
	p.gate.shut(fmt.Sprintf("process %d is about to replace this one, and on trial (--upgrade-trial); try again after the event data_taken or replace_failed", next.PID()))
	p.teller = newTeller(next)
	p.edge.Load().LendCache(p.teller.tell)
	p.hand.Sockets.Pause()
	next.Turn()
	p.meters.Events().Add("replace_ready", fmt.Sprintf("process %d serves; process %d does not accept any more", next.PID(), os.Getpid()))
	if err := next.Try(ctx, p.upgrade.trial); err != nil {
		p.takeBack()
		return nil, err
	}
	return next, nil
}

// takeBack has this process serve again, since the one that was to replace it is gone.
func (p *process) takeBack() {
	p.hand.Sockets.Resume()
	p.edge.Load().TakeBackCache()
	p.teller.end()
	p.teller = nil
	p.gate.open()
}

// abandonAttempt ends an attempt, and the process that it has started: who stops the service does not want another.
func (p *process) abandonAttempt() {
	a := p.attempt
	if a == nil {
		return
	}
	a.cancel()
	<-a.done
	p.attempt = nil
	if a.next != nil {
		a.next.Kill()
		p.takeBack()
	}
}

// failures counts attempts that failed. It is there from the start on, or nobody could be alarmed of the first.
func (p *process) failures() *meter.Counter {
	return p.meters.Counter("skerry_replace_failed_total", "Attempts to replace the process in which the new one failed.")
}

// replaced deals with what came of an attempt. True: another process serves, and nothing is left here.
func (p *process) replaced() bool {
	a := p.attempt
	p.attempt = nil
	a.cancel()
	if a.err != nil {
		p.failures().Inc()
		p.meters.Events().Add("replace_failed", fmt.Sprintf("process %d goes on: %v", os.Getpid(), a.err))
		p.toldSystemd(p.main().Ready(p.status()))
		return false
	}
	e := p.edge.Load()
	p.stopWatch()
	p.watching.Wait()
	p.toldSystemd(p.main().Main(a.next.PID(), p.status())) // our last word
	e.RetireCache()
	_ = p.data.Release() // the file is closed whatever it returns
	p.data = nil
	p.gate.end(fmt.Sprintf("process %d has replaced this one; ask again, over another connection", a.next.PID()))
	p.say("process %d is replaced by process %d; what is open here may go on for %v", os.Getpid(), a.next.PID(), p.upgrade.age)
	a.next.Proved() // from here on that one acknowledges purges: what stands above is done and said by then
	if p.admin != nil {
		p.admin.Close() // what it cuts off is a scrape
	}
	p.report(fmt.Sprintf("process %d stopped", os.Getpid()), p.hurried(e, p.hand.MustEnd(), func() int { return e.Retire(p.upgrade.age) }))
	return true
}
