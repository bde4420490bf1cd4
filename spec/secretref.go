package spec

import (
	"fmt"
	"path"
	"strings"
)

// secretRef is a reference to a secret; reading a spec never reads the secret itself.
var secretRef = leaf[Ref]{
	read: func(l *log, n *node) (Ref, bool) {
		if !isText(l, n) {
			return "", false
		}
		bad, fix := checkRef(n.text)
		if bad != "" {
			l.refuse(n.at, fix, "%s", bad)
		}
		return Ref(n.text), bad == ""
	},
	write: func(r Ref) any { return string(r) },
	describe: func(*describer) map[string]any {
		return map[string]any{"type": "string", "pattern": "^(file:[^/\\\\]|env:" + SecretPrefix + "[A-Z0-9_]+$)", "maxLength": textBytesMax}
	},
}.shape()

// checkRef checks a reference. What is neither of the two forms may be the secret itself: no problem shows it.
func checkRef(s string) (bad, fix string) {
	const forms = "write file:NAME for a file below --secrets, or env:" + SecretPrefix + "NAME"
	scheme, name, _ := strings.Cut(s, ":")
	switch scheme {
	case "file":
		if bad, _ := localFile(name); bad != "" {
			return "in a reference to a file: " + bad, "name a file below the directory of --secrets: file:shop.pem"
		}
		return "", ""
	case "env":
		short, has := strings.CutPrefix(name, SecretPrefix)
		if len(name) > nameBytesMax*2 || !has || short == "" || strings.Trim(short, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
			return fmt.Sprintf("%q is no environment variable that a spec may refer to", clip(s)),
				"its name begins with " + SecretPrefix + " and has capitals, digits and _"
		}
		return "", ""
	}
	return "this is no reference to a secret", forms
}

// localPath checks the name of a file below some directory: relative, with slashes, in its shortest form.
func localPath(s string) (bad, fix string) {
	const relative = "write it relative and with slashes: dir/name"
	if bad, fix = anyText(s); bad != "" {
		return bad, fix
	}
	switch {
	case s == "":
		return "the name of a file is empty", relative
	case strings.HasPrefix(s, "/"), strings.Contains(s, `\`), len(s) > 1 && s[1] == ':':
		return fmt.Sprintf("%q is not a relative path", clip(s)), relative
	case s == ".." || strings.HasPrefix(s, "../") || strings.Contains(s, "/../") || strings.HasSuffix(s, "/.."):
		return fmt.Sprintf("%q leads out of its directory", clip(s)), "remove the .."
	case path.Clean(s) != s:
		return fmt.Sprintf("%q is not in its shortest form", clip(s)), "write " + clip(path.Clean(s))
	}
	return "", ""
}

// localFile is localPath for what must be a file.
func localFile(s string) (bad, fix string) {
	if s == "." || strings.HasSuffix(s, "/") {
		return fmt.Sprintf("%q is a directory, a file is needed", clip(s)), ""
	}
	return localPath(s)
}
