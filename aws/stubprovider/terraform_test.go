package stubprovider_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"skerry.dev/skerry/aws/stubprovider"
)

// programs are what may run the files: the first one that is there does. The last one is what scripts/services builds.
var programs = []string{"terraform", "tofu", "../../.build/tofu"}

// version is what the stub says it is: one that has every resource that is written.
const version = "6.99.0"

// TestMain makes the test binary the provider too: terraform starts it under the name of a provider.
func TestMain(m *testing.M) {
	if strings.HasPrefix(filepath.Base(os.Args[0]), "terraform-provider-aws") {
		if err := stubprovider.Serve("registry.terraform.io/hashicorp/aws"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if shared.dir != "" {
		os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// program finds terraform or tofu.
func program(t *testing.T) string {
	t.Helper()
	for _, p := range programs {
		if path, err := exec.LookPath(p); err == nil {
			path, err = filepath.Abs(path)
			if err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	t.Skip("needs terraform or tofu (scripts/services builds one)")
	return ""
}

// home is what all workspaces share: the mirror that the provider is taken from, and what init makes of it.
type home struct{ dir, program string }

var shared struct {
	sync.Once
	home
	err error
}

// prepare makes the mirror and initialises once: what init writes is the same for every file.
func prepare(t *testing.T) home {
	t.Helper()
	p := program(t)
	shared.Do(func() {
		dir, err := os.MkdirTemp("", "skerry-terraform")
		shared.home, shared.err = home{dir, p}, err
		if err == nil {
			shared.err = shared.mirror()
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.home
}

// mirror lays the test binary where a provider is looked for.
func (h home) mirror() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		dir := filepath.Join(h.dir, "mirror", host, "hashicorp/aws", version, runtime.GOOS+"_"+runtime.GOARCH)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := os.Link(self, filepath.Join(dir, "terraform-provider-aws_v"+version)); err != nil {
			data, err := os.ReadFile(self) // another file system
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, "terraform-provider-aws_v"+version), data, 0o755); err != nil {
				return err
			}
		}
	}
	config := fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path    = %q\n    include = [\"*/*/*\"]\n  }\n}\n", filepath.Join(h.dir, "mirror"))
	if err := os.WriteFile(filepath.Join(h.dir, "rc"), []byte(config), 0o600); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(h.dir, "init"), 0o755); err != nil {
		return err
	}
	first := workspace{home: h, dir: filepath.Join(h.dir, "init")}
	if err := first.write([]byte(`{"terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": ">= 6.25.0, < 7.0.0"}}}}`)); err != nil {
		return err
	}
	_, err = first.run("init", "-input=false", "-no-color")
	return err
}

// workspace is one folder with a file.
type workspace struct {
	home
	dir string
}

func (h home) workspace(t *testing.T, file []byte) workspace {
	t.Helper()
	w := workspace{home: h, dir: t.TempDir()}
	if err := w.write(file); err != nil {
		t.Fatal(err)
	}
	lock, err := os.ReadFile(filepath.Join(h.dir, "init/.terraform.lock.hcl"))
	if err == nil {
		err = os.WriteFile(filepath.Join(w.dir, ".terraform.lock.hcl"), lock, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w workspace) write(file []byte) error {
	return os.WriteFile(filepath.Join(w.dir, "main.tf.json"), file, 0o600)
}

// failure is a command that ended otherwise than with 0.
type failure struct {
	command string
	code    int
	output  string
}

func (f *failure) Error() string {
	return fmt.Sprintf("%s ended with %d:\n%s", f.command, f.code, f.output)
}

// run runs a command of terraform, without a network and without anybody's settings.
func (w workspace) run(args ...string) (string, error) {
	cmd := exec.CommandContext(context.Background(), w.program, args...)
	cmd.Dir = w.dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.home.dir, "TF_CLI_CONFIG_FILE=" + filepath.Join(w.home.dir, "rc"), "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1",
		"TF_DATA_DIR=" + filepath.Join(w.home.dir, "init/.terraform"), "TMPDIR=" + os.TempDir(), "GOMAXPROCS=2",
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return out.String(), &failure{strings.Join(args, " "), cmd.ProcessState.ExitCode(), out.String()}
	}
	return out.String(), nil
}

// must runs a command that must succeed.
func (w workspace) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := w.run(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// settle plans, which validates, applies the plan, and plans again: nothing may be left to do.
func (w workspace) settle(t *testing.T) {
	t.Helper()
	w.must(t, "plan", "-input=false", "-no-color", "-out=plan")
	w.must(t, "apply", "-input=false", "-no-color", "plan")
	w.must(t, "plan", "-input=false", "-no-color", "-detailed-exitcode")
}

// state is the attributes of the resources after apply, by their addresses.
func (w workspace) state(t *testing.T) map[string]map[string]any {
	t.Helper()
	var state struct {
		Values struct {
			Root struct {
				Resources []struct {
					Address string
					Values  map[string]any
				}
			} `json:"root_module"`
		}
	}
	if err := json.Unmarshal([]byte(w.must(t, "show", "-json")), &state); err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]any{}
	for _, r := range state.Values.Root.Resources {
		out[r.Address] = r.Values
	}
	return out
}
