package adopt

import "skerry.dev/skerry/spec"

// This file asks the spec's own reader whether it takes what rules of somebody else would become: texts of rules may be anything.

// sayable reports whether an entrypoint may have fields.
func sayable(policy ...said) bool {
	fields := []said{{"hosts", []string{"www.example.com"}}, {"profile", "plain"}, {"service", "http://127.0.0.1:9000"}}
	return reads("Entrypoint", append(fields, policy...))
}

// sayablePath reports whether a route may have a path.
func sayablePath(m spec.PathMatch) bool {
	kind := "path"
	if m.Kind == spec.PathPrefix {
		kind = "prefix"
	}
	return reads("Entrypoint", []said{{"hosts", []string{"www.example.com"}}, {"routes", [][]said{{
		{"name", "one"}, {"match", []said{{kind, m.Path}}}, {"service", "http://127.0.0.1:9000"},
	}}}})
}

// reads reports whether a document of a kind may have fields.
func reads(kind string, fields []said) bool {
	var w docWriter
	w.object([]said{{"apiVersion", spec.APIVersion}, {"kind", kind}, {"metadata", []said{{"name", "one"}}}, {"spec", fields}}, 0)
	_, problems := spec.Parse([]spec.File{{Name: "one.yaml", Data: []byte(w.out.String())}})
	return len(problems) == 0
}
