// Package rival starts the real servers that Skerry is tested and measured against: nginx, HAProxy, Caddy, h2o,
// Varnish, or any other program.
//
// It owns finding a program, a free port, one process on a temporary folder, waiting until it listens, reading the CPU
// time of the process and everything it forked, counting their system calls, and ending it by its id. The compare harness
// and the tests of other folders use it, so it imports nothing of Skerry and never the testing package.
//
// It promises that Stop leaves no process of the group behind, and that nothing outside Options.Dir is written. A program
// that is not installed is an error with the way to get it (see Missing), so that a test can skip visibly.
package rival
