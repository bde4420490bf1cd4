package rewrite

import (
	"bytes"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

// NewRenderer returns the renderer of a path: Render, with the policy's own error pages in place of the small HTML.
// Programs, which get problem details, never see them.
func NewRenderer(p *spec.Policy) func(*exchange.Exchange) {
	if p.ErrorPages == nil || len(*p.ErrorPages) == 0 {
		return Render
	}
	own := make(ownPages, 0, len(*p.ErrorPages))
	for _, page := range *p.ErrorPages {
		own = append(own, newOwnPage(page))
	}
	return func(x *exchange.Exchange) { render(x, own) }
}

// ownPages are few, and looked at on errors only.
type ownPages []ownPage

// ownPage is the HTML of one status, cut where the request id goes.
type ownPage struct {
	status int
	pieces [][]byte
	size   int // of the whole, with the ids
}

// requestIDMark stands for the request id in a page.
const requestIDMark = "{request_id}"

func newOwnPage(p spec.ErrorPage) ownPage {
	pieces := bytes.Split([]byte(p.HTML), []byte(requestIDMark))
	return ownPage{p.Status, pieces, len(p.HTML) + (len(pieces)-1)*(requestIDBytes-len(requestIDMark))}
}

// of returns the page of a status, nil if there is none.
func (own ownPages) of(status int) *ownPage {
	for i := range own {
		if own[i].status == status {
			return &own[i]
		}
	}
	return nil
}

// fill returns the page with the id in it. A page without one is not copied; a large one with it is, to the heap.
func (p *ownPage) fill(x *exchange.Exchange) []byte {
	if len(p.pieces) == 1 {
		return p.pieces[0]
	}
	id := requestIDText(x)
	body := x.Scratch.Alloc(p.size)
	n := copy(body, p.pieces[0])
	for _, piece := range p.pieces[1:] {
		n += copy(body[n:], id)
		n += copy(body[n:], piece)
	}
	return body
}
