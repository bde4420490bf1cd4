// Package origin is an endpoint of a service as a process of its own, which can be killed, paused and made to misbehave.
//
// It owns Process, the parent's handle: Start, Mode, Pause, Resume, Kill, Restart on the same port, Seen, Stop. The child is this same
// program once more, so that a test needs no second binary; whoever starts one calls IsChild first thing in main or TestMain:
//
//	if origin.IsChild() {
//		origin.Main()
//		return
//	}
//
// It promises that Seen knows every request whose head had arrived, also of a process that was paused or killed a moment later; that the
// child prints nothing and ends with its parent, however that ends; and that Stop leaves no process, goroutine or file. It refuses to be
// a good server: what is wrong is wrong on purpose.
package origin
