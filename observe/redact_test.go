package observe_test

import (
	"encoding/json"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/observe"
)

// urls is what the log writes of the three places that hold parameters.
type urls struct{ Query, Target, Referer string }

// written logs value in all three places; before the question mark stands a path.
func written(t *testing.T, value string) (got urls, line string) {
	t.Helper()
	x := sample()
	defer x.Release()
	x.Req.Query, x.Req.Path = []byte(value), nil
	x.Req.Target = []byte("/?" + value)
	x.Req.Sent.Set(exchange.NameReferer, []byte("https://shop.example.com/?"+value))
	line = logged(t, func(l *observe.Log) { l.Exchange(x, x.Now) })
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return got, line
}

func TestSecretsInURLs(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		got, _ := written(t, value)
		if got != (urls{want, "/?" + want, "https://shop.example.com/?" + want}) {
			t.Errorf("%s: the log has %+v, want %s in each", value, got, want)
		}
	}
	f("ref=mail", "ref=mail")
	f("token=a", "token=…")
	f("token=", "token=…")
	f("token", "token")
	f("a=1&token=b=c&d=2", "a=1&token=…&d=2")
	f("token=a&token=b&x", "token=…&token=…&x")
	f("=a&&token=b", "=a&&token=…")
	f("a=token=b", "a=token=b") // that is the value "token=b" of a
	f("password=a;b?c#d=e", "password=…")
	f("a;token=b", "a;token=…")
	f("next=/login?code=7&x=1", "next=/login?code=…&x=1")
	f("a=b#id_token=c", "a=b#id_token=…")
	f("q=é&token=é\"\\&r=\"", "q=é&token=…&r=\"")
	// Spellings.
	f("API_KEY=a&api-key=b&apiKey=c&api%5Fkey=d&%61pikey=e&api%5fke%79=f", "API_KEY=…&api-key=…&apiKey=…&api%5Fkey=…&%61pikey=…&api%5fke%79=…")
	f("user[password]=a&user%5Bpassword%5D=b", "user[password]=…&user%5Bpassword%5D=…")
	f("X-Amz-Signature=a&X-Amz-Date=b&X-Amz-Security-Token=c", "X-Amz-Signature=…&X-Amz-Date=b&X-Amz-Security-Token=…")
	f(strings.Repeat("a", 64)+"=b", strings.Repeat("a", 64)+"=b")
	f(strings.Repeat("a", 65)+"=b", strings.Repeat("a", 65)+"=…")
	f("tok%zzen=a&tok%=b&%=c&%5=d", "tok%zzen=a&tok%=b&%=c&%5=d")
	// The words of the list alone, and as parts of others.
	for _, name := range strings.Fields("auth authorization code credentials jwt key otp pass passphrase pin pwd session sid sig " +
		"token password passwd secret signature apikey accesskey privatekey secretkey sessionid sessid credential " +
		"access_token id_token refresh_token client_secret session_id PHPSESSID JSESSIONID new_password csrfToken") {
		f(name+"=a", name+"=…")
	}
	for _, name := range strings.Fields("author zip_code sort_key keys tokens coder secretary session_start signatures monkey pins ") {
		f(name+"=a", name+"=a")
	}
}

func TestSecretsWhereAValueIsCut(t *testing.T) {
	f := func(value string, want string) {
		t.Helper()
		if got, _ := written(t, value); got.Query != want {
			t.Errorf("%d bytes became %d: %s", len(value), len(got.Query), got.Query)
		}
	}
	pad := strings.Repeat("a", 2037)
	f(pad+"&token=12345678", pad+"&token=…")          // cut within the value
	f(pad+"xxxxx&token=12345678", pad+"xxxxx&token…") // just before =
	f("token="+pad+pad, "token=…")
	f("token=1&"+pad+pad, "token=…&"+(pad + pad)[:2040]+"…")
}

// FuzzSecretsInURLs puts a secret between whatever a client may send around it.
func FuzzSecretsInURLs(f *testing.F) {
	f.Add("a=1", "token", "x", "b=2")
	f.Add("a=%zz;", "user[%70assword]", "?#;=", "=")
	f.Add("\xff&\"", "API\xff_KEY", "\\", "\x00")
	f.Fuzz(func(t *testing.T, before, name, tail, after string) {
		const canary = "cAnArY-5c1f"
		if strings.Contains(before+name+tail+after, canary) || strings.ContainsAny(name, "=&;?#%") || strings.Contains(tail, "&") {
			return
		}
		for _, word := range []string{"token", "client_secret", "X-Amz-Signature", "user[password]", name + "_password"} {
			got, line := written(t, before+"&"+word+"="+canary+tail+"&"+after)
			if strings.Contains(line, canary) {
				t.Fatalf("the value of %q is in the log: %s", word, line)
			}
			if len(before) < 100 && !strings.Contains(got.Query, "=…") {
				t.Fatalf("the value of %q has no mark in its place: %s", word, line)
			}
		}
	})
}
