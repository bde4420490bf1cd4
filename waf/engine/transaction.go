package engine

import (
	"bytes"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/match"
	"skerry.dev/skerry/waf/seclang"
)

// A Transaction is one request and its response, judged by one policy. It belongs to one goroutine. What it is given is kept
// as views until End: the memory must not change before.
//
// The order of calls is that of the request: Client, Line, Header for each field, Head; then Body if there is one that was
// read, and Request; then Status, ResponseHeader, ResponseHead, ResponseBody, if responses are judged; then Log and End.
type Transaction struct {
	p         *Policy
	mode      Mode
	reference bool
	verdict   Verdict // what holds
	would     Verdict // what would have been refused, in ModeDetect
	limit     Limit   // the first limit that was passed
	exhausted bool    // of work: nothing more is run

	mem     body.Memory // lives until End
	scanMem body.Memory // of one field's scan
	parsed  body.Parsed
	pairs   []body.Pair

	fields     []field
	spans      [seclang.VarCount]span
	tx         []txVar
	extra      []txExtra
	extraIndex map[string]int // of many extra, by name

	client netip.Addr
	remote []byte // client as REMOTE_ADDR

	phase        int
	allow        seclang.Disruptive
	skip         int
	severity     int
	removals     []removal
	rulesRemoved bool
	processor    []byte // body processor that a ctl action chose
	forceBody    bool
	bodyOff      bool
	responseOff  bool
	work         int64

	picked    []got
	matched   []got // of the rule that is evaluated: MATCHED_VARS
	lastMatch got
	hasMatch  bool
	current   *rule
	results   []result
	loggedAny bool    // a rule matched that logs
	caught    []catch // what TX:0 and on are to be
	groups    []int
	pieces    [][]byte

	scanned      bool
	turn         int32 // counts the scans of fields
	cold         int
	matchedUnits []int32 // of the field that was scanned last
	hits         []hit
	hitHead      []int32 // by unit: 1 more than the index of its first hit; 0: none
	hitTail      []int32
	stages       []stage
	found        []match.Bits // by node: the phrase lists found in its value
}

// Mode is what a verdict does.
type Mode uint8

// The modes.
const (
	ModeBlock  Mode = iota // a request that a rule denies is refused
	ModeDetect             // it is only noted
	ModeOff                // no more rules
)

// Begin starts a transaction under a policy.
func (p *Policy) Begin() *Transaction {
	t, _ := p.prog.pool.Get().(*Transaction)
	if t == nil {
		t = &Transaction{}
	}
	t.p = p
	t.reset()
	return t
}

func (t *Transaction) reset() {
	p, prog := t.p, t.p.prog
	t.mode, t.reference = ModeBlock, p.reference
	if p.detect {
		t.mode = ModeDetect
	}
	t.tx = append(t.tx[:0], p.tx...)
	t.fields = append(t.fields[:0], p.scalars...)
	t.spans = p.spans
	t.severity = 255
	if len(t.hitHead) != len(prog.units) || len(t.stages) != len(prog.tree.nodes) {
		t.hitHead, t.hitTail = make([]int32, len(prog.units)), make([]int32, len(prog.units))
		t.stages, t.found = make([]stage, len(prog.tree.nodes)), make([]match.Bits, len(prog.tree.nodes))
		for i := range t.found {
			t.found[i] = match.NewBits(prog.lists)
		}
	}
}

// End gives the transaction's memory back. The transaction, and every view that came from it, must not be used any more.
func (t *Transaction) End() {
	pool := &t.p.prog.pool
	clear(t.fields)
	clear(t.pairs)
	clear(t.results)
	clear(t.stages)
	t.mem.Reset()
	t.scanMem.Reset()
	t.parsed.Reset()
	*t = Transaction{
		mem: t.mem, scanMem: t.scanMem, parsed: t.parsed, pairs: t.pairs[:0], fields: t.fields[:0], tx: t.tx[:0], extra: t.extra[:0],
		removals: t.removals[:0], picked: t.picked[:0], matched: t.matched[:0], results: t.results[:0], caught: t.caught[:0], groups: t.groups[:0],
		pieces: t.pieces[:0], hits: t.hits[:0], matchedUnits: t.matchedUnits[:0], hitHead: t.hitHead, hitTail: t.hitTail, stages: t.stages, found: t.found,
	}
	if cap(t.fields) > fieldsKept || cap(t.extra) > fieldsKept {
		return // one large request must not keep its memory for ever
	}
	pool.Put(t)
}

// Client says who asks.
func (t *Transaction) Client(addr netip.Addr, port uint16) {
	if t.p.uses[seclang.VarRemoteAddr] {
		b := t.mem.Alloc(64)
		t.client, t.remote = addr, t.mem.Trim(b, len(addr.AppendTo(b[:0])))
		t.set(seclang.VarRemoteAddr, t.remote)
	}
	if t.p.uses[seclang.VarRemotePort] {
		t.set(seclang.VarRemotePort, t.number(int(port)))
	}
}

// ID is the request's id: UNIQUE_ID.
func (t *Transaction) ID(id []byte) { t.set(seclang.VarUniqueID, id) }

// Server is the host that was asked for, without port.
func (t *Transaction) Server(name []byte) { t.set(seclang.VarServerName, name) }

// Time is when the request came, for the TIME variables.
func (t *Transaction) Time(now time.Time) {
	for _, v := range t.p.clock {
		var s string
		switch v {
		case seclang.VarTime:
			s = now.Format("15:04:05")
		case seclang.VarTimeDay:
			s = strconv.Itoa(now.Day())
		case seclang.VarTimeEpoch:
			s = strconv.FormatInt(now.Unix(), 10)
		case seclang.VarTimeHour:
			s = strconv.Itoa(now.Hour())
		case seclang.VarTimeMin:
			s = strconv.Itoa(now.Minute())
		case seclang.VarTimeMon:
			s = strconv.Itoa(int(now.Month()))
		case seclang.VarTimeSec:
			s = strconv.Itoa(now.Second())
		case seclang.VarTimeWday:
			s = strconv.Itoa(int(now.Weekday()))
		case seclang.VarTimeYear:
			s = strconv.Itoa(now.Year())
		}
		t.set(v, []byte(s))
	}
}

// Header adds a field of the request as it came.
func (t *Transaction) Header(name, value []byte) {
	t.add(seclang.VarRequestHeaders, name, value)
	t.add(seclang.VarRequestHeadersNames, name, name)
	if len(name) == 6 && equalFold(name, cookieName) {
		t.cookies(value)
	}
}

var cookieName = []byte("cookie")

func (t *Transaction) cookies(value []byte) {
	pairs, err := body.AppendCookies(t.pairs[:0], value, t.p.limits)
	for _, c := range pairs {
		t.add(seclang.VarRequestCookies, c.Name, c.Value)
		t.add(seclang.VarRequestCookiesNames, c.Name, c.Name)
	}
	t.pairs = pairs
	t.refused(err)
}

// Media says what the request's Content-Type does: rules of phase 1 ask for the processor that its body will have.
func (t *Transaction) Media(m body.Media) {
	t.set(seclang.VarReqbodyProcessor, []byte(m.Kind.Processor()))
}

// Head runs the rules of phase 1.
func (t *Transaction) Head() Verdict {
	if !t.verdict.Refused() {
		t.sizes()
		t.run(1)
	}
	return t.verdict
}

// sizes sets the variables that sum up others.
func (t *Transaction) sizes() {
	if t.p.uses[seclang.VarArgsCombinedSize] {
		n := 0
		for _, v := range argParts {
			for i := t.spans[v].head; i >= 0; i = t.fields[i].next {
				n += len(t.fields[i].key) + len(t.fields[i].val)
			}
		}
		t.set(seclang.VarArgsCombinedSize, t.number(n))
	}
}

// Processor is the kind of body that a rule of phase 1 asked for with ctl:requestBodyProcessor, if one did, and whether a body
// is to be parsed at all.
func (t *Transaction) Processor() (name []byte, parse bool) { return t.processor, !t.bodyOff }

// Body takes the request's body apart, of which media is what its Content-Type says. An *Error of package body means that it
// was refused: the rules then see REQBODY_ERROR, and what there was up to the error.
func (t *Transaction) Body(media body.Media, data []byte) error {
	if t.bodyOff {
		return nil
	}
	err := t.take(media, data)
	if err != nil {
		t.flag(seclang.VarReqbodyError, true)
		t.flag(seclang.VarReqbodyProcessorError, true)
		t.set(seclang.VarReqbodyErrorMsg, []byte(err.Error()))
		t.set(seclang.VarReqbodyProcessorErrorMsg, []byte(err.Error()))
		t.refused(err)
	}
	return err
}

// BodyBeginning takes the beginning of a body apart that is larger than is looked at: that it is cut off is nobody's fault.
func (t *Transaction) BodyBeginning(media body.Media, data []byte) {
	if !t.bodyOff {
		_ = t.take(media, data)
	}
}

// take shows the rules what is in a body, and returns what is wrong with it.
func (t *Transaction) take(media body.Media, data []byte) error {
	err := t.parse(media, data)
	p := &t.parsed
	t.pairsOf(seclang.VarArgsPost, seclang.VarArgsPostNames, p.Args)
	t.pairsOf(seclang.VarXML, seclang.VarNone, p.XML)
	t.pairsOf(seclang.VarMultipartName, seclang.VarNone, p.PartNames)
	t.pairsOf(seclang.VarMultipartPartHeaders, seclang.VarNone, p.PartHeaders)
	for i := range p.Files {
		f := &p.Files[i]
		t.add(seclang.VarFiles, f.Field, f.Name)
		t.add(seclang.VarFilesNames, f.Field, f.Field)
		t.add(seclang.VarMultipartFilename, f.Field, f.Name)
		t.add(seclang.VarFilesSizes, f.Field, t.number(len(f.Content)))
	}
	t.set(seclang.VarFilesCombinedSize, t.number(p.CombinedSize))
	t.flag(seclang.VarMultipartStrictError, p.StrictError)
	t.flag(seclang.VarMultipartUnmatchedBoundary, p.UnmatchedBoundary)
	t.flag(seclang.VarMultipartBoundaryQuoted, p.BoundaryQuoted)
	t.set(seclang.VarRequestBodyLength, t.number(len(data)))
	if media.Kind == body.Form || t.forceBody {
		t.set(seclang.VarRequestBody, data)
	}
	return err
}

// parse takes the body apart. One of no type, or of a type that has no parser, is read as a form, as the Core Rule Set has it; if
// all of it is JSON, as what beacons send as plain text is, it is read as that.
func (t *Transaction) parse(media body.Media, data []byte) error {
	if media.Kind != body.None && media.Kind != body.Opaque {
		return t.parsed.Parse(media, data, t.p.limits, &t.mem)
	}
	if first := bytes.TrimLeft(data, " \t\r\n"); len(first) > 0 && (first[0] == '{' || first[0] == '[') {
		media.Kind = body.JSON
		if t.parsed.Parse(media, data, t.p.limits, &t.mem) == nil {
			return nil
		}
		t.parsed.Reset()
	}
	l := t.p.limits
	prose := string(media.Type) == "text/plain"
	if prose {
		l.NameBytes = max(l.NameBytes, len(data))
	}
	media.Kind = body.Form
	err := t.parsed.Parse(media, data, l, &t.mem)
	if prose {
		t.parsed.Args = unnamed(t.parsed.Args)
	}
	return err
}

// unnamed makes values of what prose has where a form has names: several lines, and all that no equals sign follows. Rules about
// names would refuse a letter for its second line.
func unnamed(args []body.Pair) []body.Pair {
	for i := range args {
		name := args[i].Name
		switch {
		case len(args[i].Value) == 0:
			args[i] = body.Pair{Value: name}
		case bytes.ContainsAny(name, "\r\n"):
			args[i].Name = nil
			args = append(args, body.Pair{Value: name})
		}
	}
	return args
}

func (t *Transaction) pairsOf(v, names seclang.Variable, pairs []body.Pair) {
	for i := range pairs {
		t.add(v, pairs[i].Name, pairs[i].Value)
		if names != seclang.VarNone {
			t.add(names, pairs[i].Name, pairs[i].Name)
		}
	}
}

func (t *Transaction) flag(v seclang.Variable, on bool) {
	if on {
		t.set(v, digits[1:2])
	} else {
		t.set(v, digits[0:1])
	}
}

// Request runs the rules of phase 2.
func (t *Transaction) Request() Verdict {
	if !t.verdict.Refused() {
		t.sizes()
		t.run(2)
	}
	return t.verdict
}

// Status is the response's status and protocol.
func (t *Transaction) Status(code int, proto []byte) {
	t.set(seclang.VarResponseStatus, t.number(code))
	t.set(seclang.VarResponseProtocol, proto)
	if t.p.uses[seclang.VarStatusLine] {
		t.set(seclang.VarStatusLine, bytes.Join([][]byte{proto, t.number(code)}, []byte{' '}))
	}
}

// ResponseHeader adds a field of the response.
func (t *Transaction) ResponseHeader(name, value []byte) {
	t.add(seclang.VarResponseHeaders, name, value)
	t.add(seclang.VarResponseHeadersNames, name, name)
	if len(name) == 12 && equalFold(name, contentTypeName) {
		kind, _, _ := bytes.Cut(value, []byte{';'})
		t.set(seclang.VarResponseContentType, kind)
	}
}

var contentTypeName = []byte("content-type")

// ResponseHead runs the rules of phase 3.
func (t *Transaction) ResponseHead() Verdict {
	if !t.verdict.Refused() {
		t.run(3)
	}
	return t.verdict
}

// ResponseBody gives the body to the rules of phase 4 and runs them.
func (t *Transaction) ResponseBody(data []byte) Verdict {
	if !t.responseOff {
		t.set(seclang.VarResponseBody, data)
		t.set(seclang.VarResponseContentLength, t.number(len(data)))
	}
	if !t.verdict.Refused() {
		t.run(4)
	}
	return t.verdict
}

// Log runs the rules of phase 5, which cannot refuse any more.
func (t *Transaction) Log() {
	held := t.verdict
	t.verdict = Verdict{}
	if t.mode == ModeBlock {
		t.mode = ModeDetect
	}
	t.run(5)
	t.verdict = held
}

// Path is the request's path in the form that exclusions name paths in, and its method. It comes before Head.
func (t *Transaction) Path(method, path []byte) {
	for i := range t.p.where {
		if x := &t.p.where[i]; x.applies(method, path) {
			m := x.removal()
			if x.Target != nil {
				m.target = &t.p.whereTargets[i]
			}
			t.addRemoval(m)
		}
	}
}

// applies reports whether an exclusion's conditions hold.
func (x *Exclusion) applies(method, path []byte) bool {
	if len(x.Methods) > 0 && !slices.ContainsFunc(x.Methods, func(m string) bool { return m == string(method) }) {
		return false
	}
	if prefix, below := strings.CutSuffix(x.Path, "*"); below {
		return bytes.HasPrefix(path, []byte(prefix))
	}
	return x.Path == "" || string(path) == x.Path
}

// AllowType lets a content type pass for this request that the policy's list allows by a pattern.
func (t *Transaction) AllowType(media []byte) {
	id, ok := t.p.names.ids["allowed_request_content_type"]
	if !ok {
		return
	}
	b := t.mem.Alloc(len(media) + 2)
	b[0], b[len(b)-1] = '|', '|'
	copy(b[1:], media)
	t.tx[id] = txVar{kind: txText, text: b}
}

// Matched reports whether any rule matched that logs.
func (t *Transaction) Matched() bool { return t.loggedAny }
