package systemd

import "time"

const (
	// socketsMax is how many sockets are taken from systemd. Beyond it: an error.
	socketsMax = 1024
	// sendMax is how long a datagram may take, for systemd may be busy and its queue short. Beyond it it is lost: systemd hears the next one.
	sendMax = 5 * time.Second
)
