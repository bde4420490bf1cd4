package transport

import (
	"net"
	"strings"
	"time"
)

// BeginsWith reports whether what the peer sends first begins with want. It waits until the first byte that differs, until want
// is complete or until the peer has ended its side. It takes nothing; for the rest it is as Open.
func BeginsWith(c net.Conn, want string, by time.Time) (begins bool, conn net.Conn, err error) {
	b := &beginning{want: want}
	conn, err = Open(c, len(want), by, b)
	return b.begins, conn, err
}

// beginning judges by what it begins with.
type beginning struct {
	want   string
	begins bool
}

// Judge is for Open.
func (b *beginning) Judge(seen []byte, ended bool) (take int, over bool) {
	b.begins = len(seen) == len(b.want) && string(seen) == b.want
	return 0, b.begins || ended || !strings.HasPrefix(b.want, string(seen))
}
