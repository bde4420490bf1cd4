package rival

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// nginxMain is what every nginx here needs around its http block: foreground, one worker, every path below DIR, and
// connections that live as long as the run.
const nginxMain = `USER
MODULES
daemon off;
pid DIR/nginx.pid;
error_log DIR/errors LEVEL;
worker_processes WORKERS;
worker_rlimit_nofile 32768;
events { worker_connections 15000; }
http {
	client_body_temp_path DIR/body;
	proxy_temp_path DIR/proxy;
	fastcgi_temp_path DIR/fastcgi;
	uwsgi_temp_path DIR/uwsgi;
	scgi_temp_path DIR/scgi;
	server_tokens off;
	keepalive_requests 1000000000;
	keepalive_timeout 1h;
HTTP
}
`

// Nginx starts nginx in the foreground with o.Workers workers and o.Modules; o.Conf is what stands inside its http block. Say
// access_log there: nginx's own default is a path outside o.Dir.
func Nginx(o Options) (*Proc, error) {
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;" // the worker must reach o.Dir, which only its owner may enter
	}
	modules := ""
	for _, name := range o.Modules {
		path, err := NginxModule(name)
		if err != nil {
			return nil, err
		}
		modules += "load_module " + path + ";\n"
	}
	conf := strings.NewReplacer("USER", user, "MODULES", modules, "LEVEL", cmp.Or(o.LogLevel, "warn"),
		"WORKERS", strconv.Itoa(max(o.Workers, 1)), "DIR", o.Dir, "HTTP", o.Conf).Replace(nginxMain)
	path, err := write(o.Dir, "nginx.conf", conf)
	if err != nil {
		return nil, err
	}
	return Start(o, "nginx", "-p", o.Dir, "-e", filepath.Join(o.Dir, "errors"), "-c", path)
}

// NginxModule is the file of a dynamic module of nginx, such as ngx_http_modsecurity_module.
func NginxModule(name string) (string, error) {
	for _, dir := range []string{"/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/nginx/modules"} {
		path := filepath.Join(dir, name+".so")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s of nginx is not installed: scripts/services installs it on Debian and says what to do elsewhere", name)
}

// HAProxy starts HAProxy in the foreground; o.Conf is its whole configuration.
func HAProxy(o Options) (*Proc, error) {
	path, err := write(o.Dir, "haproxy.cfg", o.Conf)
	if err != nil {
		return nil, err
	}
	return Start(o, "haproxy", "-db", "-f", path)
}

// Caddy starts Caddy; o.Conf is its Caddyfile.
func Caddy(o Options) (*Proc, error) {
	path, err := write(o.Dir, "Caddyfile", o.Conf)
	if err != nil {
		return nil, err
	}
	o.Env = append([]string{"HOME=" + o.Dir, "XDG_CONFIG_HOME=" + o.Dir, "XDG_DATA_HOME=" + o.Dir}, o.Env...)
	return Start(o, "caddy", "run", "--config", path, "--adapter", "caddyfile")
}

// h2oMain is what every h2o here needs beside its listeners and hosts: one process, every path below DIR, and no second process
// that waits for a crash, whose memory would count as h2o's.
const h2oMain = `num-threads: WORKERS
pid-file: DIR/h2o.pid
error-log: DIR/errors
crash-handler: /bin/true
`

// H2O starts h2o in one process with o.Workers threads; o.Conf is its listeners and hosts.
func H2O(o Options) (*Proc, error) {
	conf := strings.NewReplacer("WORKERS", strconv.Itoa(max(o.Workers, 1)), "DIR", o.Dir).Replace(h2oMain)
	if os.Geteuid() == 0 {
		conf += "user: root\n" // the server must reach o.Dir, which only its owner may enter
	}
	path, err := write(o.Dir, "h2o.conf", conf+o.Conf)
	if err != nil {
		return nil, err
	}
	return Start(o, "h2o", "-m", "worker", "-c", path)
}

// Varnish starts varnishd in the foreground, listening on o.Ready, which has to be named because a VCL cannot say it; o.Conf is the VCL.
// Its threads are there before the first connection, o.Workers pools of them. The program that answers is a child of the one that
// is started and ends with it. It keeps objects in memory: how much, and other parameters, is o.Args.
func Varnish(o Options) (*Proc, error) {
	path, err := write(o.Dir, "varnish.vcl", o.Conf)
	if err != nil {
		return nil, err
	}
	args := []string{"-F", "-n", filepath.Join(o.Dir, "varnish"), "-f", path, "-a", o.Ready, "-T", "none", "-p", "thread_pools=" + strconv.Itoa(max(o.Workers, 1)),
		"-p", "thread_pool_min=" + strconv.Itoa(varnishThreads)}
	if os.Geteuid() == 0 {
		args = append([]string{"-j", "none"}, args...) // another user could not reach o.Dir, which only its owner may enter
	}
	return Start(o, "varnishd", append(args, o.Args...)...)
}

func write(dir, name, text string) (string, error) {
	path := filepath.Join(dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}
