package waftest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Answer is what the server behind the firewall answers in the Core Rule Set's tests: 200 without a body, except at
// /reflect, where the body of the request says what to answer, as JSON: status, headers, body or encodedBody (base64).
// What is no such JSON is answered with 400.
func Answer(r Request) Response {
	path, _, _ := strings.Cut(r.URI, "?")
	if path != "/reflect" {
		return Response{Status: http.StatusOK}
	}
	var want struct {
		Status      int
		Headers     map[string]string
		Body        string
		EncodedBody string
	}
	if err := json.Unmarshal(r.Body, &want); err != nil {
		return Response{Status: http.StatusBadRequest, Body: fmt.Append(nil, "reflect: ", err)}
	}
	out := Response{Status: http.StatusOK, Body: []byte(want.Body)}
	if want.Status != 0 {
		out.Status = want.Status
	}
	if want.EncodedBody != "" {
		body, err := base64.StdEncoding.DecodeString(want.EncodedBody)
		if err != nil {
			return Response{Status: http.StatusBadRequest, Body: fmt.Append(nil, "reflect: ", err)}
		}
		out.Body = body
	}
	for _, name := range slices.Sorted(maps.Keys(want.Headers)) {
		out.Headers = append(out.Headers, [2]string{name, want.Headers[name]})
	}
	if len(out.Body) > 0 && !has(out.Headers, "Content-Type", nil) {
		out.Headers = append(out.Headers, [2]string{"Content-Type", http.DetectContentType(out.Body)})
	}
	return out
}

// Backend is the same server on sockets. It reads every body to its end.
func Backend() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer := Answer(Request{Method: r.Method, URI: r.URL.RequestURI(), Body: body})
		for _, h := range answer.Headers {
			w.Header().Add(h[0], h[1])
		}
		w.WriteHeader(answer.Status)
		_, _ = w.Write(answer.Body)
	})
}
