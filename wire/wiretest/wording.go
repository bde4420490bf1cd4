package wiretest

// worded is an answer whose exact words matter.
func worded(name, answer, gets string) Script {
	return Script{14, name, next(Send(plainGet), Arrives(plainGet), Answer(answer), Gets(gets))}
}

// Wording is the exact bytes of answers in HTTP/1.1; answers has what they mean.
var Wording = []Script{
	worded("the reason is that of the status", "HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nX: 1\r\n\r\nhi", "HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 2\r\n\r\nhi"),
	worded("a status without a reason", "HTTP/1.1 299\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 299 \r\nContent-Length: 2\r\n\r\nhi"),
	worded("chunks are made anew", chunked200+"0002;x=y\r\nhi\r\n00\r\n\r\n", chunked200+"2\r\nhi\r\n0\r\n\r\n"),
	worded("interim responses", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nX: hop\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"+ok,
		"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"+ok),
	{14, "trailers keep their spelling", next(Send(trailerGet), Arrives(trailerGet), Answer(chunked200+"2\r\nhi\r\n0\r\nX: 1\r\ny: 2\r\n\r\n"), Gets(chunked200+"2\r\nhi\r\n0\r\nX: 1\r\ny: 2\r\n\r\n"))},
	{14, "no chunks for HTTP/1.0", []Step{Send(http10Get), Arrives(plainGet), Answer(chunked200 + "2\r\nhi\r\n0\r\nX: 1\r\n\r\n"),
		Gets("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi"), ClientClosed()}},
	{14, "no interim responses for HTTP/1.0", []Step{Send(http10Get), Arrives(plainGet), Answer(hints + ok),
		Gets("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi")}},
}

const http10Get = "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"
