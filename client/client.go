package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// Client asks the admin API of one edge. It may be used by many goroutines at once.
type Client struct {
	base string
	http *http.Client
}

// New returns a client of an admin address, "host:port". It does not connect yet. Close lets go of its connections.
func New(addr string) (*Client, error) {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return nil, fmt.Errorf("the admin address %q is not of the form HOST:PORT: %w", addr, err)
	}
	return &Client{base: "http://" + addr + "/api/v1/", http: &http.Client{
		Timeout: timeout, CheckRedirect: stay, Transport: &http.Transport{DialContext: new(net.Dialer).DialContext},
	}}, nil
}

// stay follows no redirect.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// A Problem is what the API refuses a call with (RFC 9457).
type Problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// Error is the detail, or the status if there is none.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return fmt.Sprintf("the admin address answered %d", p.Status)
	}
	return p.Detail
}

// get asks for a path below /api/v1/, with a query, into what out points at.
func (c *Client) get(ctx context.Context, path string, query url.Values, out any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.call(ctx, http.MethodGet, path, nil, out)
}

// post sends a body as JSON.
func (c *Client) post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("BUG: %s: %w", path, err)
	}
	return c.call(ctx, http.MethodPost, path, body, out)
}

func (c *Client) call(ctx context.Context, method, path string, body []byte, out any) error {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask the admin address: %w", err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("ask the admin address: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, answerBytesMax+1))
	switch {
	case err != nil:
		return fmt.Errorf("read the answer of the admin address: %w", err)
	case len(text) > answerBytesMax:
		return fmt.Errorf("the answer of the admin address has more than %d bytes", answerBytesMax)
	case resp.StatusCode != http.StatusOK:
		p := new(Problem)
		if json.Unmarshal(text, p) != nil || resp.Header.Get("Content-Type") != "application/problem+json" {
			*p = Problem{}
		}
		p.Status = resp.StatusCode
		return p
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("the answer of the admin address to %s is not what this version understands: %w", path, err)
	}
	return nil
}
