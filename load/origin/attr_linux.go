package origin

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
	"time"
)

// attributes has the kernel end the child when its parent dies, also a paused one, which cannot see its standard input end.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitStopped waits until a process that was sent SIGSTOP stands.
func awaitStopped(pid int) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for limit := time.Now().Add(pauseWait); time.Now().Before(limit); <-tick.C {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return err
		}
		// The state stands behind the name, which is in parentheses and may hold any byte.
		if after := text[bytes.LastIndexByte(text, ')')+1:]; len(after) > 1 && after[1] == 'T' {
			return nil
		}
	}
	return fmt.Errorf("process %d does not stand %v after SIGSTOP", pid, pauseWait)
}
