package main

import "time"

const (
	// endpoints is how many stand behind the edge; one of them fails.
	endpoints = 4
	// clientWait is how long a client waits for an answer. Beyond it: the request has failed.
	clientWait = 10 * time.Second
	// lateMax is how late the generator may be with 99 % of its requests. Beyond it: something else had the processors, so the run is
	// made again, attempts times in all; then its line says so.
	lateMax  = 20 * time.Millisecond
	attempts = 3
	// openMax is how many requests the generator keeps open. Beyond it: the request fails unsent, and the report says so.
	openMax = 8000
	// warmUp passes before anything counts: first connections, first health checks.
	warmUp = 500 * time.Millisecond
	// backMax is how long after the end of a fault the load goes on until the endpoint is used again. Beyond it: "not".
	backMax = 20 * time.Second
	// places and hold are the capacity of the service in the overload: places / hold = 400 requests a second.
	places = 20
	hold   = 50 * time.Millisecond
	// overFactor is the load of the overload, in capacities; calmFactor that before and after.
	overFactor, calmFactor = 3.0, 0.5
	// goodWithin is how soon an answer must be there to count as goodput; a later one is for a client who has left.
	goodWithin = time.Second
	// calmWithin is how soon an answer must be there after the overload, and calmShare how many must be in each of calmWindows windows in
	// a row, for the service to count as recovered: some requests more or less, or later, are the machine's own unrest.
	calmWithin  = hold + 200*time.Millisecond
	calmShare   = 0.95
	calmWindow  = 500 * time.Millisecond
	calmWindows = 4
	// goodputMin is the share of capacity that must be left at the overload, recoveryMax how long it may be felt: the budgets. The critical
	// requests are half of capacity, so that nearly all must be good.
	goodputMin  = 0.8
	criticalMin = 0.95
	recoveryMax = 10 * time.Second
	// retryShare and retryReserve are the budget of retries in the settings: of the requests, and in any second.
	retryShare, retryReserve = 0.2, 10.0
	// answerBytesMax is how much of an answer's body is read. Beyond it: the request has failed.
	answerBytesMax = 1 << 20
	// serviceTime is how long a healthy endpoint takes for an answer in the outages.
	serviceTime = 10 * time.Millisecond
	// bodyBytes is the size of an answer's body.
	bodyBytes = 1024
)
