package resolve

import (
	"errors"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"sync"
	"time"

	"skerry.dev/skerry/meter"
)

// file is a text file that is read again when it has changed: a mount or an editor may replace it at any time.
type file struct {
	path  string
	max   int64
	seen  fs.FileInfo // nil: there is nothing that was read
	young bool        // when read it was so new that the next write may leave no trace
}

// read returns the text if it may be another than last time; nil and no error if it is the same.
func (f *file) read() (text []byte, cut bool, err error) {
	now, err := os.Stat(f.path)
	if err != nil {
		f.seen = nil
		return nil, false, err
	}
	if f.seen != nil && !f.young && os.SameFile(f.seen, now) && f.seen.Size() == now.Size() && f.seen.ModTime().Equal(now.ModTime()) {
		return nil, false, nil
	}
	f.seen = nil
	if !now.Mode().IsRegular() {
		return nil, false, &fs.PathError{Op: "read", Path: f.path, Err: errors.New("not a regular file")}
	}
	open, err := os.Open(f.path)
	if err != nil {
		return nil, false, err
	}
	defer open.Close()
	if now, err = open.Stat(); err != nil {
		return nil, false, err
	}
	text, err = io.ReadAll(io.LimitReader(open, f.max+1))
	if err != nil {
		return nil, false, err
	}
	f.seen, f.young = now, time.Since(now.ModTime()).Abs() < fileYoung
	if cut = int64(len(text)) > f.max; cut {
		text = text[:f.max]
	}
	return text, cut, nil
}

// system is what this machine says of names: its resolv.conf and its hosts file.
type system struct {
	servers []netip.AddrPort // asked instead of those of the file, if there are any
	setting string           // where they come from
	host    string           // this machine's name
	events  *meter.Events

	mu        sync.Mutex
	confFile  file
	hostsFile file
	conf      *conf
	hosts     hosts
}

// now returns what holds at this moment. Neither changes later.
func (s *system) now() (*conf, hosts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readConf()
	s.readHosts()
	return s.conf, s.hosts
}

// readConf keeps what it has if the file has vanished or names no server: whoever writes it anew begins with an empty one.
// Without anything to keep, the server of this machine is asked, as the C library does.
func (s *system) readConf() {
	text, cut, err := s.confFile.read()
	if text == nil && err == nil || err != nil && s.conf != nil {
		return
	}
	c := parseConf(string(text), s.host)
	c.source = s.confFile.path
	if !c.named {
		c.source = "the one of this machine, because " + c.source + " names none"
	}
	if len(s.servers) > 0 {
		c.servers, c.named, c.source = s.servers, true, s.setting
	}
	if s.conf != nil && s.conf.named && !c.named {
		return
	}
	s.conf = c
	switch {
	case !c.named && err != nil:
		s.events.Add("dns", err.Error()+"; names are asked of "+c.servers[0].String())
	case !c.named:
		s.events.Add("dns", s.confFile.path+" names no server; names are asked of "+c.servers[0].String())
	case cut:
		s.events.Add("dns", s.confFile.path+" is larger than 64 KB; the rest is ignored")
	}
}

// readHosts forgets the names of a file that is gone, and keeps those of one that cannot be read.
func (s *system) readHosts() {
	text, cut, err := s.hostsFile.read()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.hosts = nil
	case text != nil:
		s.hosts = parseHosts(string(text))
	}
	if cut {
		s.events.Add("dns", s.hostsFile.path+" is larger than 4 MB; the rest is ignored")
	}
}
