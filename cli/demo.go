package cli

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

func newDemo() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "A tour: sample services, an edge in front of them, real traffic",
		Long: "Start two sample endpoints and an edge in front of them, on this machine and without root, and send traffic\n" +
			"through it over HTTPS: requests, limits, a reload and a replaced process under load, an overload, a service going down. Then run until Ctrl-C.",
		Args: cobra.NoArgs,
		RunE: work(func(cmd *cobra.Command, _ []string) error { return demo(cmd, once) }),
	}
	cmd.Flags().BoolVar(&once, "once", false, "end after the tour; the exit code is 1 if a step did not do what it should")
	return cmd
}

// demo runs the tour. Every step checks what it shows.
func demo(cmd *cobra.Command, once bool) error {
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(stop)
	w := newPresenter(cmd.OutOrStdout())
	dir, err := os.MkdirTemp("", "skerry-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := newStage(dir)
	if err != nil {
		return err
	}
	defer s.close()
	began := time.Now()
	w.title("Skerry demo")
	w.line("the edge      https://%s and http://%s", s.https, s.http)
	w.line("local CA      %s", s.rootFile)
	w.line("admin page    http://%s/", s.admin.Addrs()[0])
	w.line("spec          %s", filepath.Join(dir, "specs"))
	w.line("log           %s", s.logName)
	for _, step := range []struct {
		title string
		run   func(*presenter, *demoStage)
	}{
		{"A request goes through", stepRequest},
		{"What the profile protects", stepProtected},
		{"What the firewall refuses", stepFirewall},
		{"What is stored, and for whom", stepCache},
		{"Routes, and what no route takes", stepRoutes},
		{"gRPC, and a WebSocket over HTTP/2", stepStreams},
		{"Reloads under load", stepReload},
		{"The process is replaced under load", stepReplace},
		{"More than a service can take", stepBusy},
		{"One of two endpoints goes down", stepOneDown},
		{"The other one too, and back", stepAllDown},
		{"What was counted and logged", stepCounted},
	} {
		select {
		case <-stop:
			return fmt.Errorf("interrupted")
		default:
		}
		w.title(step.title)
		step.run(w, s)
	}
	w.title("Done")
	if w.wrong > 0 {
		w.line("%s in %.1f s did not do what they should", count(w.wrong, "check"), time.Since(began).Seconds())
		return errReported
	}
	w.line("%s passed in %.1f s", count(w.right, "check"), time.Since(began).Seconds())
	if !once {
		w.next(s)
		<-stop
		w.line("stopping; the folder of the demo is removed")
	}
	return nil
}

// next says what to try by hand.
func (w *presenter) next(s *demoStage) {
	w.title("Now you")
	shop := s.client(demoHost)
	w.line("curl -i --cacert %s %s", s.rootFile, shop.url("/"))
	w.line("curl -i --cacert %s %s", s.rootFile, shop.url("/old/cart"))
	w.line("curl -i http://%s/ -H 'Host: nobody.localhost' -H 'Accept: text/html'", s.http)
	w.line("curl -s http://%s/metrics | grep skerry_requests_total", s.admin.Addrs()[0])
	w.line("tail -f %s", s.logName)
	w.line("edit %s: the edge takes it up by itself", s.specName)
	w.line("Ctrl-C ends the demo")
}
