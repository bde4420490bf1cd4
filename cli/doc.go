// Package cli is the command line: one file per subcommand.
//
// It owns flags, the order of starting and stopping a process, and the text that people read: results go to standard
// output, everything else to standard error, one line each. It decides nothing about traffic; edge, spec and plan do.
//
// It promises exit code 0 for success, 1 for a spec with problems or anything else that failed, and 2 for a command line
// that makes no sense, and that no other package ends the process.
package cli
