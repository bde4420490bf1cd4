package wiretest

// asksTunnel asks for a WebSocket, which HTTP/1.1 says by Upgrade (RFC 6455) and others by CONNECT (RFC 8441).
var asksTunnel = Asks(Request{Path: "/chat", Tunnel: true, Fields: []string{"sec-websocket-version", "13"}})

// tunnelled is what has come through an open tunnel.
func tunnelled(bytes string) Reply { return Reply{Status: 101, Body: bytes, End: Open} }

// tunnelDone is a tunnel that has ended, after these bytes.
func tunnelDone(bytes string) Reply { return Reply{Status: 101, Body: bytes} }

// tunnels is WebSockets, from the request to either side's end.
var tunnels = []Case{
	talk(12, "a tunnel that its client ends", asksTunnel, ArrivesTunnel(), AnswerTunnel(""), Sees(tunnelled("")), Says("ping"), Arrives("ping"), Answer("pong"), Sees(tunnelled("pong")),
		SaysLast(""), OriginSeesEnd(), Answer("bye"), Sees(tunnelled("pongbye")), OriginHangsUp(), Sees(tunnelDone("pongbye")), Spent()),
	talk(12, "a tunnel that its origin ends", asksTunnel, ArrivesTunnel(), AnswerTunnel("early"), Sees(tunnelled("early")), Says("ping"), Arrives("ping"),
		OriginEnds(), Sees(tunnelDone("early")), Says("last"), Arrives("last"), SaysLast(""), OriginClosed(), Spent()),
	talk(12, "100 KB each way through a tunnel", asksTunnel, ArrivesTunnel(), AnswerTunnel(""), Sees(tunnelled("")), Says(large(100<<10)), Arrives(large(100<<10)),
		AnswerAside(large(100<<10)), Sees(tunnelled(large(100<<10))), SaysLast(""), OriginSeesEnd(), OriginHangsUp(), Sees(tunnelDone(large(100<<10))), Spent()),
	talk(12, "no tunnel but an answer", asksTunnel, ArrivesTunnel(), Answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"), Sees(Reply{Status: 403, Fields: "content-length: 2\n", Body: "no"})),
	talk(12, "a tunnel to another protocol", asksTunnel, ArrivesTunnel(), Answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"), Sees(bad502), OriginClosed()),
	talk(12, "a tunnel without Upgrade", asksTunnel, ArrivesTunnel(), Answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n"), Sees(bad502), OriginClosed()),
	talk(12, "a tunnel without Connection", asksTunnel, ArrivesTunnel(), Answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"), Sees(bad502), OriginClosed()),
	talk(12, "a tunnel with a length", asksTunnel, ArrivesTunnel(), Answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\n"), Sees(bad502), OriginClosed()),
	leaves("before a tunnel opens", asksTunnel, ArrivesTunnel(), Leaves(), OriginCut()),
	leaves("within a tunnel", asksTunnel, ArrivesTunnel(), AnswerTunnel("early"), Sees(tunnelled("early")), Leaves(), OriginCut()),
	vanishes("within a tunnel", asksTunnel, ArrivesTunnel(), AnswerTunnel(""), Sees(tunnelled(""))),
	breaks("before a tunnel opens", asksTunnel, ArrivesTunnel(), OriginHangsUp(), Sees(bad502)),
	breaks("within a tunnel, by a reset", asksTunnel, ArrivesTunnel(), AnswerTunnel("early"), Sees(tunnelled("early")), OriginResets(), SeesNoMore(), Spent()),
}
