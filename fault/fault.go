package fault

import "errors"

// Error is why an exchange, or a part of it, failed. Errors that need no detail are made once, at package level, by
// whoever returns them: returning one allocates nothing.
type Error struct {
	Kind Kind
	// Text says what was tried, the limit that applied and the setting that governs it. It goes to logs, not to clients.
	Text string
	// Retryable says that the same request may be sent again: nothing of it has reached an origin.
	Retryable bool
	// Cause is the foreign error below this one, if any.
	Cause error
}

// New returns an Error of a kind, with what was tried, the limit and its setting in text.
func New(k Kind, text string) *Error { return &Error{Kind: k, Text: text} }

// Wrap returns an Error of a kind around a foreign error.
func Wrap(k Kind, text string, cause error) *Error { return &Error{Kind: k, Text: text, Cause: cause} }

// Error says kind, text and cause in one line.
func (e *Error) Error() string {
	s := e.Kind.Name() + ": " + e.Text
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Of returns the kind of err: its own if it is or wraps an *Error, Internal otherwise.
func Of(err error) Kind {
	// The common case first: errors.As costs ten times the type assertion.
	if e, ok := err.(*Error); ok {
		return e.Kind
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}
