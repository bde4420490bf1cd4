// Package exchangetest is what tests of stages share.
//
// It owns Request, which builds an exchange from text; Recorder, a sink that keeps the answer; Dump, which prints one;
// and the five witness stages, which prove the shape of exchange: a body that is buffered and replayed, a response body
// that is wrapped, a fault that is replaced by a stored answer, a Tail that runs after the client has gone, and a panic
// in each hook.
//
// Everything here works without sockets; the witnesses run over real ones as well.
package exchangetest
