// Package systemd is what a service says to systemd, and gets from it.
//
// Notifier sends the datagrams of sd_notify(3): that the service is ready, reloads or stops, which process is the main one, and that it is
// alive. Listeners takes the sockets of sd_listen_fds(3). Where the process was not started by systemd, or not so, there is no
// Notifier and there are no sockets, and nothing happens.
package systemd
