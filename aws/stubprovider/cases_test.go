package stubprovider_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/compile"
	"skerry.dev/skerry/aws/terraform"
	"skerry.dev/skerry/spec"
)

// golden are the files that aws/terraform holds its emitter to, by name.
func golden(t *testing.T) map[string][]byte {
	t.Helper()
	list, err := filepath.Glob("../terraform/testdata/*.tf.json")
	if err != nil || len(list) < 5 {
		t.Fatalf("%d golden files: %v", len(list), err)
	}
	out := map[string][]byte{}
	for _, path := range list {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(path), ".tf.json")] = data
	}
	return out
}

// compiled are what the compiler makes of specs.
func compiled(t *testing.T) map[string][]byte {
	t.Helper()
	list, err := filepath.Glob("../terraform/testdata/*.yaml")
	if err != nil || len(list) == 0 {
		t.Fatalf("no specs: %v", err)
	}
	out := map[string][]byte{}
	for _, path := range list {
		s, problems := spec.Load([]string{path}, spec.Options{})
		for _, p := range problems {
			t.Error(p)
		}
		d, _ := compile.Run(s)
		data, _, err := terraform.Emit(d)
		if err != nil {
			t.Fatal(err)
		}
		out["compiled-"+strings.TrimSuffix(filepath.Base(path), ".yaml")] = data
	}
	return out
}

// TestValidate finds nothing wrong where the mutations start from, and with the file that goes no further.
func TestValidate(t *testing.T) {
	h := prepare(t)
	for name, data := range files(t) {
		if name != "shop" && name != slow {
			continue // plan validates too
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h.workspace(t, data).must(t, "validate", "-no-color")
		})
	}
}

// slow takes terraform some seconds of processor time for each command: all it does with rules of a firewall is dear, since their blocks
// nest so deep. It is validated only.
const slow = "compiled-website"

// TestSettle takes every file through plan, apply and a plan that finds nothing to do, and looks at what Terraform has made of some.
func TestSettle(t *testing.T) {
	h := prepare(t)
	look := map[string]func(*testing.T, workspace){"shop": lookShop, "closed": lookClosed}
	for name, data := range files(t) {
		if name == slow {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := h.workspace(t, data)
			w.settle(t)
			if f := look[name]; f != nil {
				f(t, w)
			}
		})
	}
}

// files are all of them.
func files(t *testing.T) map[string][]byte {
	t.Helper()
	all := golden(t)
	for name, data := range compiled(t) {
		all[name] = data
	}
	return all
}

// lookShop looks at templates and at expressions over the domains of a certificate.
func lookShop(t *testing.T, w workspace) {
	state := w.state(t)
	want := "function handler(event) {\n  return `${event.request.uri}%{x}`;\n}\n"
	if code := state["aws_cloudfront_function.function_ab12"]["code"]; code != want {
		t.Errorf("the function is %q, want %q", code, want)
	}
	if proofs := state["aws_acm_certificate_validation.certificate_shop"]["validation_record_fqdns"].([]any); len(proofs) != 2 {
		t.Errorf("%d records prove the certificate, want one for each of 2 domains", len(proofs))
	}
}

// lookClosed looks at JSON in templates, and for the secret.
func lookClosed(t *testing.T, w workspace) {
	policy, _ := w.state(t)["aws_s3_bucket_policy.policy_files"]["policy"].(string)
	if !strings.Contains(policy, `"Resource":"arn:aws:s3:::shop-files/${not:this}*"`) || !strings.Contains(policy, "arn:aws:cloudfront::123456789012:distribution/E") {
		t.Errorf("the policy of the bucket is %s", policy)
	}
	if out := w.must(t, "show", "-json"); strings.Contains(out, "a password of the stub") {
		t.Error("the password stands in the state")
	}
}

// TestReplace changes what a shared policy says, so that it has another id. The old one must go only after the distribution has left it.
func TestReplace(t *testing.T) {
	w := prepare(t).workspace(t, golden(t)["canary"])
	w.must(t, "apply", "-input=false", "-no-color", "-auto-approve")
	data := bytes.ReplaceAll(golden(t)["canary"], []byte("headers_ab12"), []byte("headers_cd34"))
	data = bytes.ReplaceAll(data, []byte(`"skerry-headers"`), []byte(`"skerry-headers-2"`))
	if err := w.write(data); err != nil {
		t.Fatal(err)
	}
	out := w.must(t, "apply", "-input=false", "-no-color", "-auto-approve")
	created := strings.Index(out, "headers_cd34: Creation complete")
	moved := strings.Index(out, "distribution_shop: Modifications complete")
	gone := strings.Index(out, "headers_ab12: Destroying")
	if created < 0 || moved < created || gone < moved {
		t.Errorf("made at %d, in use at %d, the old one gone at %d:\n%s", created, moved, gone, out)
	}
}
