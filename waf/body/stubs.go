package body

type frame struct{}

func (p *Parsed) form(Media, []byte, *Limits, *Memory) *Error      { panic("BUG: not written") }
func (p *Parsed) multipart(Media, []byte, *Limits, *Memory) *Error { panic("BUG: not written") }
func (p *Parsed) json(Media, []byte, *Limits, *Memory) *Error      { panic("BUG: not written") }
func (p *Parsed) lines(Media, []byte, *Limits, *Memory) *Error     { panic("BUG: not written") }
func (p *Parsed) xml(Media, []byte, *Limits, *Memory) *Error       { panic("BUG: not written") }
