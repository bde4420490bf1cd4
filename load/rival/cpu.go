package rival

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// clockTick is the unit of the times in /proc/PID/stat: USER_HZ, 100 a second on every Linux architecture Go runs on.
const clockTick = 10 * time.Millisecond

// CPU is processor time, in steps of 10 ms.
type CPU struct{ User, System time.Duration }

// Total is both together.
func (c CPU) Total() time.Duration { return c.User + c.System }

// Sub is c minus an earlier reading.
func (c CPU) Sub(before CPU) CPU { return CPU{c.User - before.User, c.System - before.System} }

// CPU is what the program and every process of its group have used since they started, ended children included.
// It reads /proc, so it works on Linux only.
func (p *Proc) CPU() (CPU, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return CPU{}, err
	}
	var sum CPU
	found := false
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it ended while we looked
		}
		group, _, used, err := parseStat(text)
		if err != nil {
			return CPU{}, fmt.Errorf("%s: %w", path, err)
		}
		if group == p.Pid() {
			found = true
			sum.User += used.User
			sum.System += used.System
		}
	}
	if !found {
		return CPU{}, fmt.Errorf("%s (process %d) is not running: %s", p.Name, p.Pid(), p.Errors())
	}
	return sum, nil
}

// RSS is the resident memory of the program and every process of its group, in bytes. Pages that they share count once for
// each of them.
func (p *Proc) RSS() (int64, error) {
	var sum int64
	for _, pid := range p.Pids() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
		if err != nil {
			continue // it ended while we looked
		}
		var size, resident int64
		if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
			return 0, fmt.Errorf("statm of %s: %w", p.Name, err)
		}
		sum += resident * int64(os.Getpagesize())
	}
	return sum, nil
}

// parseStat returns group, state and times of one /proc/PID/stat. The program's name, in parentheses, may hold any byte.
func parseStat(text []byte) (group int, state byte, used CPU, err error) {
	// After the name: state, ppid, pgrp, …; utime, stime, cutime and cstime are the 12th to the 15th.
	words := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(words) < 15 {
		return 0, 0, CPU{}, fmt.Errorf("%d words after the name, want 15 or more: %q", len(words), text)
	}
	number := func(i int) time.Duration {
		n, e := strconv.ParseInt(string(words[i]), 10, 64)
		if e != nil {
			err = e
		}
		return time.Duration(n)
	}
	used.User = (number(11) + number(13)) * clockTick
	used.System = (number(12) + number(14)) * clockTick
	return int(number(2)), words[0][0], used, err
}

// Pids returns the process ids of what runs in the program's group: the program's own, unless it has ended, and its children's.
func (p *Proc) Pids() []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var pids []int
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if group, state, _, err := parseStat(text); err == nil && group == p.Pid() && state != 'Z' {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, pid)
		}
	}
	return pids
}
