package exchangetest_test

import (
	"fmt"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
)

func ExampleRequest() {
	x := exchangetest.Request("GET /a/../b?c HTTP/1.1\nHost: Shop.Example:8443\nConnection: upgrade\nUpgrade: websocket\nAccept: */*\n")
	defer x.Release()
	fmt.Print(exchangetest.Dump(x))
	path := exchange.NewPath(exchangetest.RenderText, &exchangetest.Origin{Answer: exchangetest.Say(200, "hello\n")})
	fmt.Println(path.Run(x))
	fmt.Print(exchangetest.Of(x))
	// Output:
	// GET /b?c
	// Host: shop.example
	// Accept: */*
	// (upgrade websocket)
	// true
	// 200
	//
	// hello
}
