package cachetest

import "time"

// What rows are written with. A step is a value; each of these returns another one that says more.

var (
	get     = Step{Method: "GET"}
	head    = Step{Method: "HEAD"}
	post    = Step{Method: "POST", Body: "abc", Send: "Content-Type: text/plain"}
	query   = Step{Method: "QUERY", Body: "abc", Send: "Content-Type: text/plain"}
	lasting = get.says("Cache-Control: max-age=3600")
	brief   = get.says("Cache-Control: max-age=1").pause(second)
)

// at is the step at another path of the case.
func (s Step) at(path string) Step {
	s.Path = path
	return s
}

// elsewhere is the step under another host.
func (s Step) elsewhere() Step {
	s.Other = true
	return s
}

// sends adds fields to the request.
func (s Step) sends(fields string) Step {
	s.Send = lines(s.Send, fields)
	return s
}

// with is the step with another request body.
func (s Step) with(body string) Step {
	s.Body = body
	return s
}

// says adds fields to the origin's answer.
func (s Step) says(fields string) Step {
	s.Reply.Fields = lines(s.Reply.Fields, fields)
	return s
}

// text is the body of the origin's answer.
func (s Step) text(body string) Step {
	s.Reply.Body = body
	return s
}

// code is the status of the origin's answer.
func (s Step) code(status int) Step {
	s.Reply.Status = status
	s.Reply.Empty = status == 204
	return s
}

// hangsUp is an origin that does not answer.
func (s Step) hangsUp() Step {
	s.Reply.HangUp = true
	return s
}

// pause is the step with time behind it.
func (s Step) pause(d time.Duration) Step {
	s.Pause = d
	return s
}

// hit is answered from the store.
func (s Step) hit() Step {
	s.From = Store
	return s
}

// miss is answered by the origin.
func (s Step) miss() Step {
	s.From = Upstream
	return s
}

// validated is answered from the store when the origin has said that it still holds.
func (s Step) validated() Step {
	s.From, s.Reply.Validate = Revalidated, true
	return s
}

// fails is what a proxy says whose origin fails.
func (s Step) fails() Step {
	s.From = Failed
	return s
}

// behind is answered from the store, stale, while the origin is asked.
func (s Step) behind() Step {
	s.From, s.Behind = Store, true
	return s
}

// status is what the client must get.
func (s Step) status(code int) Step {
	s.Status = code
	return s
}

// shows is the body that the client must get.
func (s Step) shows(body string) Step {
	s.Text = body
	return s
}

// wants is what must be in the answer's head.
func (s Step) wants(fields string) Step {
	s.Wants = lines(s.Wants, fields)
	return s
}

// asked is what must be in the origin's request.
func (s Step) asked(fields string) Step {
	s.Asked = lines(s.Asked, fields)
	return s
}

// tells is what must be in Cache-Status.
func (s Step) tells(parts string) Step {
	s.Tells = parts
	return s
}

// nth is the answer that it must be.
func (s Step) nth(n int) Step {
	s.Nth = n
	return s
}

// again repeats the step until it holds: what happens behind an answer takes a moment.
func (s Step) again() Step {
	s.Again = true
	return s
}

func lines(a, b string) string {
	if a == "" {
		return b
	}
	return a + "\n" + b
}

func required(name, section string, steps ...Step) Case {
	return Case{Name: name, Section: section, Level: Required, Steps: steps}
}

func optimal(name, section string, steps ...Step) Case {
	return Case{Name: name, Section: section, Level: Optimal, Steps: steps}
}

func check(name, section string, steps ...Step) Case {
	return Case{Name: name, Section: section, Level: Check, Steps: steps}
}

// keeps is a case whose answer, with these fields, is used again at once.
func keeps(l Level, name, section, fields string) Case {
	return Case{Name: name, Section: section, Level: l, Steps: []Step{get.says(fields), get.hit()}}
}

// drops is a case whose answer, with these fields, is not used again.
func drops(l Level, name, section, fields string) Case {
	return Case{Name: name, Section: section, Level: l, Steps: []Step{get.says(fields), get.miss()}}
}

// expires is a case whose answer, with these fields, is not used again a second later.
func expires(l Level, name, section, fields string) Case {
	return Case{Name: name, Section: section, Level: l, Steps: []Step{get.says(fields).pause(second), get.miss()}}
}

// lasts is a case whose answer, with these fields, is still used a second later.
func lasts(l Level, name, section, fields string) Case {
	return Case{Name: name, Section: section, Level: l, Steps: []Step{get.says(fields).pause(second), get.hit()}}
}

// group puts a word in front of the names of cases.
func group(word string, cases ...Case) []Case {
	for i := range cases {
		cases[i].Name = word + ": " + cases[i].Name
	}
	return cases
}

// on is cases on another route.
func on(r Route, cases []Case) []Case {
	for i := range cases {
		cases[i].Route = r
	}
	return cases
}
