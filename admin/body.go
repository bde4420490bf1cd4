package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// member is a member that a JSON object may have, and where its value goes: a *string or a *bool.
type member struct {
	name string
	into any
}

// readObject reads a request's body, up to bodyBytesMax, as an object.
func readObject(w http.ResponseWriter, r *http.Request, members []member) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyBytesMax))
	if err != nil {
		return err
	}
	return parseObject(body, members)
}

// parseObject reads a JSON object that has no other members than these, none of them twice, in exactly this spelling:
// what is written otherwise was meant to say something, and would be ignored.
func parseObject(body []byte, members []member) error {
	if !utf8.Valid(body) {
		return errors.New("the body is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.New("the body is no JSON object")
	}
	var unknown, seen []string
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return notJSON(err)
		}
		name, _ := t.(string) // the decoder refuses names that are none
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return notJSON(err)
		}
		if slices.Contains(seen, name) {
			return fmt.Errorf("the body has %q twice", name)
		}
		seen = append(seen, name)
		i := slices.IndexFunc(members, func(m member) bool { return m.name == name })
		if i < 0 {
			unknown = append(unknown, fmt.Sprintf("%q", name))
		} else if err := members[i].take(value); err != nil {
			return err
		}
		if len(seen) > membersMax {
			return fmt.Errorf("the body has more than %d members", membersMax)
		}
	}
	if _, err := d.Token(); err != nil {
		return notJSON(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("the body goes on behind its JSON object")
	}
	if unknown != nil {
		return fmt.Errorf("the body has %s, which is none of %s", strings.Join(unknown, ", "), names(members))
	}
	return nil
}

func notJSON(err error) error { return fmt.Errorf("the body is no JSON: %w", err) }

// take reads a value. null is none: who writes it may mean anything.
func (m *member) take(value json.RawMessage) error {
	want := "a string"
	if _, ok := m.into.(*bool); ok {
		want = "true or false"
	}
	if err := json.Unmarshal(value, m.into); err != nil || string(value) == "null" {
		return fmt.Errorf("%q must be %s", m.name, want)
	}
	return nil
}

func names(members []member) string {
	list := make([]string, len(members))
	for i := range members {
		list[i] = members[i].name
	}
	return strings.Join(list, ", ")
}

// forged says why a POST may be one that a foreign page made a browser send; empty: it is none. A form cannot send
// application/json, and a script of another origin cannot without a preflight, which is not answered; the other fields
// are browsers' own.
func forged(r *http.Request) (status int, why string) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" || len(r.Header["Content-Type"]) != 1 {
		return http.StatusUnsupportedMediaType, "Content-Type must be application/json"
	}
	for _, site := range r.Header["Sec-Fetch-Site"] {
		if site != "same-origin" && site != "none" {
			return http.StatusForbidden, "another site's page made this request"
		}
	}
	for _, origin := range r.Header["Origin"] {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "http" || !strings.EqualFold(u.Host, r.Host) {
			return http.StatusForbidden, fmt.Sprintf("a page of %q made this request, which is not the admin address", origin)
		}
	}
	return 0, ""
}
