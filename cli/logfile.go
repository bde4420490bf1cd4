package cli

import (
	"os"
	"sync"
)

// logFile is a file that can be opened anew under its name, after logrotate has moved it away.
type logFile struct {
	name string
	mu   sync.Mutex
	file *os.File
}

func openLogFile(name string) (*logFile, error) {
	f, err := openAppend(name)
	if err != nil {
		return nil, err
	}
	return &logFile{name: name, file: f}, nil
}

func openAppend(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
}

// Write appends p.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Write(p)
}

// Reopen closes the file and opens its name again; if that fails, the old one stays.
func (l *logFile) Reopen() error {
	f, err := openAppend(l.name)
	if err != nil {
		return err
	}
	l.mu.Lock()
	old := l.file
	l.file = f
	l.mu.Unlock()
	return old.Close()
}

// Close closes the file.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}
